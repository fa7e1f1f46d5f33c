/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "slot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <pciback/registers.h>

#include "ledger.h"

/* Why a device could not be given, as one sentence. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static void
explain(char message[PCIBACK_LOG_LINE], const struct pciback_address *address,
    const char *format, ...)
{
	char name[PCIBACK_ADDRESS_SIZE];
	va_list arguments;
	int n;

	pciback_address_format(address, name);
	n = snprintf(message, PCIBACK_LOG_LINE, "%s ", name);
	va_start(arguments, format);
	(void)vsnprintf(message + n, PCIBACK_LOG_LINE - (size_t)n, format, arguments);
	va_end(arguments);
}

static struct pciback_slot *
free_slot(struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].domain == 0)
			return &backend->slots[i];
	return NULL;
}

/* Returns the device to dom0, if nobody has anything of it any more. */
static void
free_if_revoked(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;

	if (!pciback_ledger_revoke(slot, 0))
		return;
	if (slot->is_open)
		backend->hardware.release(backend->hardware.world, slot->handle);
	slot->is_open = false;
	slot->domain = 0;
}

/* The device of an address that is held back still, after another try to take it; NULL if there is none. */
static const struct pciback_slot *
find_held_back(struct pciback_backend *backend, const struct pciback_address *address)
{
	for (size_t i = 0; i < backend->n_slots; i++) {
		struct pciback_slot *slot = &backend->slots[i];

		if (!pciback_slot_is_held_back(slot) ||
		    pciback_address_compare(&slot->address, address) != 0)
			continue;
		free_if_revoked(slot);
		if (pciback_slot_is_held_back(slot))
			return slot;
	}
	return NULL;
}

bool
pciback_slot_free_held_back(struct pciback_backend *backend)
{
	bool is_any_free = false;

	for (size_t i = 0; i < backend->n_slots; i++) {
		struct pciback_slot *slot = &backend->slots[i];

		if (!pciback_slot_is_held_back(slot))
			continue;
		free_if_revoked(slot);
		is_any_free = is_any_free || slot->domain == 0;
	}
	return is_any_free;
}

int
pciback_slot_check_free(struct pciback_backend *backend, const struct pciback_address *address,
    char message[PCIBACK_LOG_LINE])
{
	const struct pciback_slot *slot = pciback_backend_slot(backend, address);

	if (slot != NULL) {
		explain(message, address, "belongs to domain %u", (unsigned)slot->domain);
		return -EBUSY;
	}
	slot = find_held_back(backend, address);
	if (slot != NULL) {
		explain(message, address, "is held back: domain %u may still reach it; destroy that domain "
		    "first", (unsigned)slot->domain);
		return -EBUSY;
	}
	return 0;
}

/* The ports and the memory of each BAR, whole pages of it, in 64 bits (XSA-476). That their sizes and
 * addresses are possible was checked when the device was initialised. */
static int
grant_bars(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++) {
		const struct pciback_resource *resource = &slot->device.settings.bars[i];
		int r = 0;

		if (resource->kind == PCIBACK_RESOURCE_NONE)
			continue;
		if (resource->kind == PCIBACK_RESOURCE_IO)
			r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_IOPORT, resource->address,
			    resource->size, NULL);
		else
			r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_IOMEM, resource->address >> 12,
			    ((resource->address & 0xfff) + resource->size - 1) / 4096 + 1, NULL);
		if (r == -EBUSY)
			explain(message, &slot->address, "shares a page of BAR %u with another guest's device",
			    i);
		else if (r < 0)
			explain(message, &slot->address, "can't have BAR %u granted: %s", i, strerror(-r));
		if (r < 0)
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
		explain(message, &slot->address, "shares interrupt line %u with another guest's device",
		    irq);
	else if (r < 0)
		explain(message, &slot->address, "can't have interrupt line %u granted: %s", irq,
		    strerror(-r));
	return r;
}

/*
 * Xen protects an MSI-X table only from mappings that are made later, so that it has to know the table
 * before the guest may map anything [Xen: msix_capability_init].
 */
static int
protect_msix_table(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	int r = 0;

	if (slot->device.msix != 0)
		r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_MSIX_TABLE, 0, 0, NULL);
	if (r < 0)
		explain(message, &slot->address,
		    "has an MSI-X table that Xen can't protect from the guest: %s", strerror(-r));
	return r;
}

static int
assign(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	int r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_DEVICE, 0, 0, NULL);

	if ((r == -EOPNOTSUPP || r == -ENOTSUP || r == -ENOSYS || r == -ENODEV) &&
	    (slot->backend->allow & PCIBACK_ALLOW_NO_IOMMU) != 0)
		return 0;
	if (r == -EOPNOTSUPP || r == -ENOTSUP || r == -ENOSYS || r == -ENODEV)
		explain(message, &slot->address, "could write to all memory: there is no IOMMU for it "
		    "(allow no-iommu if you trust the guest)");
	else if (r < 0)
		explain(message, &slot->address, "can't be assigned: %s", strerror(-r));
	return r;
}

/*
 * Everything after the device was opened. The order keeps this true at each moment: whenever the guest
 * has memory or ports of the device, the IOMMU has the device for that guest, and its MSI-X table is
 * protected. The ledger takes back in the reverse order, so that it stays true until the end.
 */
static int
give(struct pciback_slot *slot, const struct pciback_device_settings *settings,
    char message[PCIBACK_LOG_LINE])
{
	struct pciback_guest *guest = slot->guest;
	int r = pciback_device_init(&slot->device, &slot->backend->host, &guest->log, settings);

	if (r < 0) {
		explain(message, &slot->address, "can't be handed out: %s", strerror(-r));
		return r;
	}
	r = protect_msix_table(slot, message);
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
		explain(message, &slot->address, "finds no place on the guest's bus");
	slot->is_placed = r == 0;
	return r;
}

int
pciback_slot_give(struct pciback_guest *guest, const struct pciback_entry *entry,
    char message[PCIBACK_LOG_LINE])
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_hardware *hardware = &backend->hardware;
	struct pciback_slot *slot = pciback_backend_slot(backend, &entry->address);
	struct pciback_device_settings settings = { .handle = NULL };
	int r;

	if (slot != NULL && slot->guest == guest)
		return 0;
	r = pciback_slot_check_free(backend, &entry->address, message);
	if (r < 0)
		return r;
	slot = free_slot(backend);
	if (slot == NULL) {
		explain(message, &entry->address, "is one device too many: %zu are handled",
		    backend->n_slots);
		return -ENOSPC;
	}
	r = hardware->open(hardware->world, &entry->address, &settings);
	if (r == -ENODEV)
		explain(message, &entry->address, "is no device of this machine");
	else if (r == -EBUSY)
		explain(message, &entry->address, "is in use by a driver of this system; hide it first");
	else if (r < 0)
		explain(message, &entry->address, "can't be opened: %s", strerror(-r));
	if (r < 0)
		return r;
	slot->guest = guest;
	slot->domain = guest->domain;
	slot->backend = backend;
	slot->address = entry->address;
	slot->handle = settings.handle;
	slot->is_placed = false;
	slot->ledger.n = 0;
	/* Closed before it is initialised, the device has no interrupt on. */
	slot->device.interrupt = PCIBACK_INTX;
	slot->is_open = true;
	settings.address = entry->address;
	settings.handle = slot;
	settings.permissive = entry->permissive;
	slot->device.host = NULL;
	r = give(slot, &settings, message);
	if (r < 0)
		pciback_slot_take_back(slot);
	return r;
}

void
pciback_slot_take_back(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(&slot->address, name);
	if (slot->is_placed)
		(void)pciback_topology_remove(&slot->guest->topology, &slot->device);
	slot->is_placed = false;
	/* It stops writing to memory before memory stops being its guest's. */
	if (slot->device.host != NULL && pciback_device_close(&slot->device) < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, slot->domain,
		    "%s could not be silenced before it was taken back", name);
	slot->device.host = NULL;
	slot->guest = NULL;
	free_if_revoked(slot);
	if (!pciback_slot_is_held_back(slot))
		return;
	pciback_backend_log(backend, PCIBACK_LOG_ERROR, slot->domain, "%s is held back: nobody gets it before "
	    "this domain is gone or Xen takes back what it has of it", name);
}

void
pciback_slot_give_up(struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_slots; i++) {
		struct pciback_slot *slot = &backend->slots[i];

		if (slot->domain != 0 && slot->is_open)
			backend->hardware.release(backend->hardware.world, slot->handle);
		slot->is_open = false;
		slot->domain = 0;
	}
}
