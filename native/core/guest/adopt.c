/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "adopt.h"

#include <errno.h>
#include <string.h>

#include <pciback/registers.h>

#include "../policy/command.h"
#include "../policy/raw.h"
#include "../walk.h"
#include "clean.h"
#include "error.h"
#include "guest.h"
#include "ledger.h"
#include "remember.h"
#include "slot.h"
#include "take.h"

/* More than the settings of a device take in the record. */
#define SETTINGS_SIZE 512

/* Whether the hardware is what it was. */
static bool
is_same_device(const struct pciback_device_settings *a, const struct pciback_device_settings *b)
{
	uint8_t bytes[2][SETTINGS_SIZE] = { { 0 }, { 0 } };
	struct pciback_device_settings copies[2] = { *a, *b };

	for (unsigned i = 0; i < 2; i++) {
		struct pciback_walk walk = { .to = bytes[i] };

		pciback_walk_settings(&walk, &copies[i]);
	}
	return memcmp(bytes[0], bytes[1], SETTINGS_SIZE) == 0;
}

/* Whether the domain that had the device is there still, if only dying, and no other one of its number. */
static bool
is_same_domain(const struct pciback_slot *slot)
{
	static const struct pciback_domain_identity none;
	const struct pciback_xen *xen = &slot->backend->xen;
	struct pciback_domain_identity identity;

	return slot->domain != 0 && xen->operations->domain_identity != NULL &&
	    memcmp(&slot->identity, &none, sizeof(none)) != 0 &&
	    xen->operations->domain_identity(xen->world, slot->domain, &identity) == 0 &&
	    memcmp(&slot->identity, &identity, sizeof(identity)) == 0;
}

/* While its guest has it, nobody can put it into quarantine; the IOMMU says so, where there is one. */
static bool
is_assigned(const struct pciback_slot *slot)
{
	const struct pciback_xen *xen = &slot->backend->xen;

	if (!slot->is_in_quarantine)
		return !pciback_ledger_has(slot, PCIBACK_PERMISSION_DEVICE);
	return pciback_ledger_has(slot, PCIBACK_PERMISSION_DEVICE) &&
	    xen->operations->assign(xen->world, PCIBACK_DOMAIN_QUARANTINE, &slot->address, false) == -EBUSY;
}

/* Whether Xen knows its MSI-X table, if it has one. */
static bool
is_protected(const struct pciback_slot *slot)
{
	return slot->has_table ||
	    pciback_find_capability(slot->pristine.config, CAPABILITY_MSIX, MSIX_LENGTH) == 0;
}

/* Whether MSI or MSI-X is on in a capability, 0 for none. */
static bool
is_on(struct pciback_device *device, unsigned capability, unsigned control, uint32_t enable)
{
	uint32_t value = 0;

	return capability != 0 &&
	    pciback_raw_read(device, capability + control, 2, &value) == PCIBACK_DONE && (value & enable) != 0;
}

/*
 * What changed of a device since it was given stands in the device: its process was killed. Returns whether that
 * agrees with what Xen was told.
 */
static bool
find_state(struct pciback_slot *slot)
{
	struct pciback_device *device = &slot->device;
	bool has_msi = is_on(device, device->msi, MSI_CONTROL, MSI_ENABLE);
	bool has_msix = is_on(device, device->msix, MSIX_CONTROL, MSIX_ENABLE);
	uint32_t command = 0;

	if (has_msi && has_msix)
		return false;
	if ((has_msi || has_msix) != pciback_ledger_has(slot, PCIBACK_PERMISSION_MSI) ||
	    pciback_raw_read(device, REG_COMMAND, 2, &command) != PCIBACK_DONE)
		return false;
	device->interrupt = has_msi ? PCIBACK_MSI : has_msix ? PCIBACK_MSIX : PCIBACK_INTX;
	device->interrupt_by_registers = false;
	device->command = (uint16_t)((device->command & ~(uint32_t)COMMAND_FROM_DEVICE) |
	    (command & COMMAND_FROM_DEVICE));
	/* Between the end of MSI and the line that is on again. */
	if (device->interrupt == PCIBACK_INTX && (command & ~(uint32_t)device->command & COMMAND_INTX_DISABLE) != 0)
		return pciback_command_apply(device, device->command) == PCIBACK_DONE;
	return true;
}

/* Has the guest of a device, and the device in its place, without a write to it. */
static bool
go_on(struct pciback_slot *slot, const struct pciback_record *record)
{
	struct pciback_backend *backend = slot->backend;
	struct pciback_guest *guest = pciback_backend_find(backend, slot->domain);
	struct pciback_device_settings settings = slot->settings;

	if (!record->is_settled || !is_protected(slot) || !is_assigned(slot))
		return false;
	if (guest == NULL)
		guest = pciback_guest_add(backend, slot->domain);
	if (guest == NULL)
		return false;
	settings.handle = slot;
	settings.permissive = record->permissive;
	settings.interrupt_line = record->line;
	settings.pirq = record->pirq;
	if (pciback_device_resume(&slot->device, &backend->host, &guest->log, &settings, &slot->state) < 0 ||
	    (!record->is_exact && !find_state(slot)) ||
	    pciback_topology_add_at(&guest->topology, &slot->device, &slot->place) < 0)
		return false;
	pciback_device_save(&slot->device, &slot->state);
	slot->is_placed = true;
	slot->guest = guest;
	/* One that was killed while it told of the channel has told of all devices, or the channel is not known. */
	if (guest->is_adopted && !pciback_recorded_channel_is(&guest->recorded, &record->channel))
		guest->recorded = (struct pciback_recorded_channel){ .is_open = false };
	else
		guest->recorded = record->channel;
	guest->is_adopted = true;
	guest->phase = PCIBACK_PHASE_READY;
	return true;
}

/* Its guest has it no more: what that had of it is taken back, and the device is cleaned. */
static void
take_back(struct pciback_slot *slot)
{
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(&slot->address, name);
	pciback_backend_log(slot->backend, PCIBACK_LOG_WARNING, slot->domain, "the process before this one was ended "
	    "while it gave or took %s, or something has changed since; the device is taken back and reset", name);
	slot->device.host = NULL;
	if (pciback_clean_silence(slot) < 0)
		pciback_backend_log(slot->backend, PCIBACK_LOG_ERROR, slot->domain, "%s does not answer, and may still "
		    "write to memory", name);
	pciback_slot_take_back(slot);
}

/* Nobody has it. */
static void
take_up(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;
	char message[PCIBACK_LOG_LINE];

	if (pciback_slot_take_up(slot, message) == 0) {
		pciback_remember(slot, PCIBACK_SETTLED);
		return;
	}
	pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, "%s; it is not taken any more", message);
	/* The process before may have been ended between its reset and this. */
	if (!slot->is_clean)
		(void)pciback_clean_registers(slot);
	pciback_slot_return(slot, false);
}

/* Of a domain that is gone, or that is another one, nothing is left. */
static void
check_domain(struct pciback_slot *slot, bool is_settled)
{
	struct pciback_backend *backend = slot->backend;

	if (!is_same_domain(slot)) {
		slot->is_clean = slot->is_clean && is_settled && slot->domain == 0;
		slot->domain = 0;
		slot->was_mappable = false;
		slot->ledger.n = 0;
	}
	for (size_t i = 0; i < slot->ledger.n; i++) {
		backend->n_granted += !slot->ledger.entries[i].shared;
		backend->n_not_revoked += slot->ledger.entries[i].stays;
	}
}

/* Opens what the record names, and has the slot as it was. */
static int
open_device(struct pciback_slot *slot, const struct pciback_record *record)
{
	struct pciback_backend *backend = slot->backend;
	const struct pciback_hardware *hardware = &backend->hardware;
	struct pciback_device_settings settings;
	char message[PCIBACK_LOG_LINE];
	int r = hardware->open(hardware->world, &record->settings.address, &settings);

	if (r == 0 && !is_same_device(&settings, &record->settings)) {
		hardware->release(hardware->world, settings.handle, false);
		r = -EXDEV;
	}
	if (r < 0) {
		pciback_error_explain(message, &record->settings.address, "was taken by the process before this one, "
		    "and can't be gone on with: %s", strerror(-r));
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, "%s", message);
		return r;
	}
	slot->is_taken = true;
	if (backend->n_taken++ == 0)
		backend->check_at = backend->now + PCIBACK_WAIT_CHECK;
	slot->address = record->settings.address;
	slot->settings = settings;
	slot->consent = record->consent;
	slot->irq = record->irq;
	slot->is_in_quarantine = record->is_in_quarantine;
	slot->has_table = record->has_table;
	slot->is_clean = record->is_clean;
	slot->was_mappable = record->was_mappable;
	slot->command = record->command;
	slot->pristine = record->pristine;
	slot->domain = record->domain;
	slot->identity = record->identity;
	slot->rdm_relaxed = record->rdm_relaxed;
	slot->place = record->place;
	slot->state = record->state;
	slot->ledger = record->ledger;
	check_domain(slot, record->is_settled);
	return 0;
}

static void
load(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;
	int r = pciback_recall(slot);

	if (r < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, "what the process before this one has recorded of a device "
		    "is damaged; whoever has that device starts anew with it");
	if (r > 0 && open_device(slot, &backend->record) < 0)
		pciback_remember(slot, PCIBACK_SETTLED);
}

/* All of the ledgers are there: devices of one guest may have something in common. */
static void
adopt(struct pciback_slot *slot)
{
	/* What is written meanwhile takes the place of the backend's. */
	struct pciback_record record;

	if (slot->domain == 0) {
		take_up(slot);
		return;
	}
	if (pciback_recall(slot) <= 0)
		return;
	record = slot->backend->record;
	/* One that is held back stays so. */
	if (record.has_guest && !go_on(slot, &record))
		take_back(slot);
}

void
pciback_adopt(struct pciback_backend *backend)
{
	if (backend->record_store.operations == NULL)
		return;
	for (size_t i = 0; i < backend->n_slots; i++) {
		backend->slots[i].backend = backend;
		load(&backend->slots[i]);
	}
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].is_taken)
			pciback_ledger_inherit(&backend->slots[i]);
	for (size_t i = 0; i < backend->n_slots && backend->record_store.operations != NULL; i++)
		if (backend->slots[i].is_taken)
			adopt(&backend->slots[i]);
}
