/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "slot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/registers.h>

#include "child.h"
#include "clean.h"
#include "error.h"
#include "ledger.h"
#include "neighbour.h"
#include "remember.h"
#include "take.h"

/* Whether the domain that had a device may run still, and may reach the memory that it mapped. */
static bool
may_live(const struct pciback_slot *slot)
{
	const struct pciback_xen *xen = &slot->backend->xen;
	enum pciback_life life;

	if ((pciback_slot_allow(slot) & PCIBACK_ALLOW_KEPT_MAPPINGS) != 0)
		return false;
	return xen->operations->domain_life(xen->world, slot->domain, &life) < 0 ||
	    life != PCIBACK_LIFE_GONE;
}

/* Makes the device ready for its next owner, as far as the last one has nothing of it any more. */
static void
free_if_revoked(struct pciback_slot *slot)
{
	if (!pciback_ledger_revoke(slot, 0))
		return;
	/* What is gone, or is dom0's again, is only held back. */
	if (slot->is_taken)
		pciback_clean_try(slot);
	if (!slot->was_mappable || !may_live(slot)) {
		slot->was_mappable = false;
		slot->domain = 0;
	}
}

/* For one that is held back. */
static void
try_again(struct pciback_slot *slot)
{
	size_t n = slot->ledger.n;
	bool was_clean = slot->is_clean;

	free_if_revoked(slot);
	if (slot->ledger.n != n || slot->is_clean != was_clean || slot->domain == 0)
		pciback_remember(slot, PCIBACK_SETTLED);
}

bool
pciback_slot_free_held_back(struct pciback_backend *backend)
{
	bool is_any_free = false;

	for (size_t i = 0; i < backend->n_slots; i++) {
		struct pciback_slot *slot = &backend->slots[i];

		if (!pciback_slot_is_held_back(slot))
			continue;
		try_again(slot);
		is_any_free = is_any_free || slot->domain == 0;
	}
	return is_any_free;
}

int
pciback_slot_check_free(struct pciback_backend *backend, const struct pciback_address *address,
    uint16_t domain, char message[PCIBACK_LOG_LINE])
{
	struct pciback_slot *slot = pciback_backend_taken(backend, address);

	if (slot == NULL)
		return 0;
	if (pciback_slot_is_held_back(slot))
		try_again(slot);
	if (pciback_slot_is_held_back(slot) && (slot->domain != domain || slot->ledger.n > 0)) {
		pciback_error_explain(message, address, "is held back: domain %u may still reach it; destroy that "
		    "domain first", (unsigned)slot->domain);
		return -EBUSY;
	}
	if (slot->guest != NULL) {
		pciback_error_explain(message, address, "belongs to domain %u", (unsigned)slot->domain);
		return -EBUSY;
	}
	return 0;
}

/* The ports and the memory of each BAR and of the ROM, whole pages of it, in 64 bits (XSA-476). That their sizes and
 * addresses are possible was checked when the device was initialised. */
static int
grant_bars(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	for (unsigned i = 0; i <= PCIBACK_RESOURCES; i++) {
		const struct pciback_resource *resource = pciback_settings_resource(&slot->settings, i);
		char name[8] = "its ROM";
		uint64_t first, n;
		int r = 0;

		if (resource->kind == PCIBACK_RESOURCE_IO)
			r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_IOPORT, resource->address,
			    resource->size, NULL);
		else if (pciback_resource_frames(resource, &first, &n))
			r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_IOMEM, first, n, NULL);
		if (r == 0)
			continue;
		if (i < PCIBACK_RESOURCES)
			(void)snprintf(name, sizeof(name), "BAR %u", i);
		if (r == -EBUSY)
			pciback_error_explain(message, &slot->address,
			    "shares a page of %s with another guest's device", name);
		else
			pciback_error_explain(message, &slot->address, "can't have %s granted: %s", name,
			    strerror(-r));
		return r;
	}
	return 0;
}

/* The interrupt line; the guest gets it under the number in the device's settings. */
static int
grant_irq(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	struct pciback_device_settings *settings = &slot->device.settings;
	unsigned irq = settings->interrupt_line;
	int r;

	settings->pirq = 0;
	if (irq == 0 || irq == INTERRUPT_LINE_NONE)
		return 0;
	r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_PIRQ, irq, 0, &settings->pirq);
	if (r == 0)
		r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_IRQ, settings->pirq, 1, NULL);
	if (r == -EBUSY)
		pciback_error_explain(message, &slot->address, "shares interrupt line %u with another guest's device",
		    irq);
	else if (r < 0)
		pciback_error_explain(message, &slot->address, "can't have interrupt line %u granted: %s", irq,
		    strerror(-r));
	return r;
}

static int
assign(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	/* There is no IOMMU, and the owner knows. */
	if (!slot->is_in_quarantine)
		return 0;
	return pciback_slot_explain_iommu(slot,
	    pciback_ledger_grant(slot, PCIBACK_PERMISSION_DEVICE, slot->rdm_relaxed, 0, NULL), "assigned", message);
}

/*
 * The order keeps this true at each moment: whenever the guest has memory or ports of the device, the IOMMU
 * has the device for that guest, and its MSI-X table is protected. The ledger takes back in the reverse
 * order, so that it stays true until the end.
 */
static int
grant(struct pciback_slot *slot, const struct pciback_entry *entry, char message[PCIBACK_LOG_LINE])
{
	struct pciback_device_settings settings = slot->settings;
	struct pciback_guest *guest = slot->guest;
	int r;

	settings.handle = slot;
	settings.permissive = entry->permissive;
	settings.interrupt_line = pciback_slot_line(slot);
	r = pciback_device_init(&slot->device, &slot->backend->host, &guest->log, &settings);
	if (r < 0) {
		pciback_error_explain(message, &slot->address, "can't be handed out: %s", strerror(-r));
		return r;
	}
	r = pciback_slot_check_neighbours(slot, message);
	if (r == 0)
		r = assign(slot, message);
	if (r == 0)
		r = grant_bars(slot, message);
	if (r == 0)
		r = grant_irq(slot, message);
	if (r < 0)
		return r;
	r = pciback_topology_add(&guest->topology, &slot->device, &slot->place);
	if (r < 0)
		pciback_error_explain(message, &slot->address, "finds no place on the guest's bus");
	slot->is_placed = r == 0;
	if (r < 0)
		return r;
	pciback_device_save(&slot->device, &slot->state);
	r = pciback_child_give(slot);
	if (r < 0)
		pciback_error_explain(message, &slot->address, "can't be served: %s", strerror(-r));
	return r;
}

/* Why the reset that a domain has waited for has failed; whoever comes next makes another try. 0: it has not. */
static int
tell_problem(struct pciback_slot *slot, uint16_t domain, char message[PCIBACK_LOG_LINE])
{
	bool is_meant = slot->problem[0] != '\0' && (slot->is_new || slot->awaited_by == domain);

	slot->awaited_by = 0;
	if (!is_meant)
		return 0;
	(void)snprintf(message, PCIBACK_LOG_LINE, "%s", slot->problem);
	slot->problem[0] = '\0';
	if (slot->is_new)
		pciback_slot_drop(slot);
	return slot->reset_error;
}

/* For a guest, one that was taken before. */
static int
make_ready(struct pciback_slot *slot, uint16_t domain, char message[PCIBACK_LOG_LINE])
{
	int r = pciback_slot_is_cleaned(slot) ? 0 : tell_problem(slot, domain, message);

	if (r < 0 || pciback_slot_is_cleaned(slot) || (slot->is_clean && slot->is_restored))
		return r;
	pciback_remember(slot, PCIBACK_UNDER_WAY);
	r = pciback_clean_begin(slot, slot->is_clean ? PCIBACK_CLEAN_RESTORE : PCIBACK_CLEAN_SILENCE, message);
	if (r < 0 && r != -EINPROGRESS)
		pciback_remember(slot, PCIBACK_SETTLED);
	return r == -EINPROGRESS ? 0 : r;
}

int
pciback_slot_give(struct pciback_guest *guest, const struct pciback_entry *entry,
    char message[PCIBACK_LOG_LINE])
{
	struct pciback_backend *backend = guest->backend;
	struct pciback_slot *slot = pciback_backend_taken(backend, &entry->address);
	bool is_new = slot == NULL || slot->is_new;
	int r;

	if (slot != NULL && slot->guest == guest)
		return 0;
	r = pciback_slot_check_free(backend, &entry->address, guest->domain, message);
	if (r < 0)
		return r;
	if (slot != NULL && slot->lost < 0) {
		pciback_slot_explain_lost(slot, message);
		return slot->lost == -EBUSY ? -EPERM : slot->lost;
	}
	r = slot != NULL ? make_ready(slot, guest->domain, message) :
	    pciback_slot_take(backend, &entry->address, guest->domain, entry->allow, entry->irq, &slot, message);
	if (r == 0 && pciback_slot_is_cleaned(slot))
		r = pciback_clean_await(slot, guest->domain, message);
	if (r < 0)
		return r;
	slot->is_moving = backend->has_stepped = true;
	slot->is_clean = slot->is_restored = false;
	slot->guest = guest;
	slot->domain = guest->domain;
	pciback_remember_domain(slot);
	slot->rdm_relaxed = entry->rdm_relaxed;
	/* Closed before it is initialised, the device has no interrupt on. */
	slot->device.interrupt = PCIBACK_INTX;
	slot->device.host = NULL;
	slot->device.settings.permissive = entry->permissive;
	pciback_remember(slot, PCIBACK_UNDER_WAY);
	r = grant(slot, entry, message);
	if (r < 0) {
		pciback_slot_take_back(slot);
		is_new = is_new && !pciback_slot_is_held_back(slot);
		slot->is_refused = pciback_slot_is_cleaned(slot);
		/* Once it is clean, if nobody else wants it then. */
		slot->is_new = is_new && slot->is_refused;
		if (is_new && !slot->is_refused)
			pciback_slot_return(slot, true);
		return r;
	}
	slot->is_moving = slot->is_new = false;
	pciback_remember(slot, PCIBACK_SETTLED);
	return 0;
}

void
pciback_slot_explain_lost(const struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	if (slot->lost == -ENODEV)
		pciback_error_explain(message, &slot->address, "is gone from this machine");
	else
		pciback_error_explain(message, &slot->address, "is a driver's of this system again; take it from there");
}

void
pciback_slot_take_back(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(&slot->address, name);
	slot->is_moving = backend->has_stepped = true;
	pciback_remember(slot, PCIBACK_UNDER_WAY);
	/* What a process has open nobody can take from it. */
	if (slot->is_served)
		pciback_child_stop(slot->guest);
	if (slot->is_placed)
		(void)pciback_topology_remove(&slot->guest->topology, &slot->device);
	slot->is_placed = false;
	/* It stops writing to memory before memory stops being its guest's. */
	if (slot->device.host != NULL && pciback_device_close(&slot->device) < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, slot->domain,
		    "%s could not be silenced before it was taken back", name);
	slot->device.host = NULL;
	slot->guest = NULL;
	slot->was_mappable = slot->was_mappable || pciback_ledger_has(slot, PCIBACK_PERMISSION_IOMEM);
	free_if_revoked(slot);
	slot->is_moving = false;
	pciback_remember(slot, PCIBACK_SETTLED);
	if (slot->ledger.n == 0)
		return;
	pciback_backend_log(backend, PCIBACK_LOG_ERROR, slot->domain, "%s is held back: nobody gets it before "
	    "this domain is gone or Xen takes back what it has of it", name);
}

void
pciback_slot_give_up(struct pciback_backend *backend)
{
	/* What is written of them holds for that process, too. */
	backend->record_store.operations = NULL;
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].is_taken)
			pciback_slot_return(&backend->slots[i], false);
}
