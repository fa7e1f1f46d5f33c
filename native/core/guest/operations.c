/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "operations.h"

#include <errno.h>

#include <pciback/registers.h>

#include "ledger.h"
#include "remember.h"
#include "state.h"

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	const struct pciback_slot *slot = handle;
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	(void)world;
	return hardware->operations->config_read(hardware->world, slot->settings.handle, offset, size,
	    ret_value);
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	const struct pciback_slot *slot = handle;
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	(void)world;
	return hardware->operations->config_write(hardware->world, slot->settings.handle, offset, size, value);
}

static int
device_enable(void *world, void *handle)
{
	const struct pciback_slot *slot = handle;
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	(void)world;
	return hardware->operations->device_enable(hardware->world, slot->settings.handle);
}

static int
power_set(void *world, void *handle, unsigned state)
{
	const struct pciback_slot *slot = handle;
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	(void)world;
	/* A device that can't be switched stays in D0. */
	if (hardware->operations->power_set == NULL)
		return state == 0 ? 0 : -ENOTSUP;
	return hardware->operations->power_set(hardware->world, slot->settings.handle, state);
}

/* Sets and clears bits of a 16-bit register. */
static int
change_register(struct pciback_slot *slot, unsigned offset, uint32_t clear, uint32_t set)
{
	uint32_t value;
	int r = config_read(NULL, slot, offset, 2, &value);

	return r < 0 ? r : config_write(NULL, slot, offset, 2, (value & ~clear) | set);
}

/* Maps one MSI and records it. A pirq of 0, or one that the page has no room for, is of no use to
 * a guest: -EIO, and it is recorded all the same. */
static int
map_msi(struct pciback_slot *slot, unsigned entry, uint64_t table, uint32_t *ret_pirq)
{
	const struct pciback_xen *xen = &slot->backend->xen;
	uint32_t pirq;
	int r;

	if (slot->ledger.n == PCIBACK_PERMISSIONS_MAX)
		return -ENOMEM;
	r = xen->operations->msi_map(xen->world, slot->guest->domain, &slot->address, entry, table,
	    &pirq);
	if (r < 0)
		return r;
	pciback_ledger_add_msi(slot, pirq);
	if (pirq == 0 || pirq > UINT16_MAX)
		return -EIO;
	*ret_pirq = pirq;
	return 0;
}

/* MSIs come last in a ledger: all else is granted before the guest sees the device. */
static size_t
first_msi(const struct pciback_ledger *ledger)
{
	size_t i = ledger->n;

	while (i > 0 && ledger->entries[i - 1].kind == PCIBACK_PERMISSION_MSI)
		i--;
	return i;
}

/* Off at the device, then revoked; all of it, whatever fails. */
static int
disable(struct pciback_slot *slot, unsigned control, uint32_t enable)
{
	bool is_revoked;
	int r;

	pciback_remember(slot, PCIBACK_UNDER_WAY);
	r = change_register(slot, control, enable, 0);
	is_revoked = pciback_ledger_revoke(slot, first_msi(&slot->ledger));
	pciback_remember(slot, PCIBACK_SETTLED);
	return r < 0 || is_revoked ? r : -EIO;
}

static int
msi_disable(void *world, void *handle)
{
	struct pciback_slot *slot = handle;

	(void)world;
	return disable(slot, slot->device.msi + MSI_CONTROL, MSI_ENABLE);
}

static int
msi_enable(void *world, void *handle, uint32_t *ret_pirq)
{
	struct pciback_slot *slot = handle;
	uint32_t pirq;
	int r;

	(void)world;
	pciback_remember(slot, PCIBACK_UNDER_WAY);
	r = map_msi(slot, 0, 0, &pirq);
	if (r == 0)
		r = change_register(slot, slot->device.msi + MSI_CONTROL, MSI_MULTIPLE, MSI_ENABLE);
	if (r < 0)
		(void)disable(slot, slot->device.msi + MSI_CONTROL, MSI_ENABLE);
	else
		*ret_pirq = pirq;
	pciback_remember(slot, PCIBACK_SETTLED);
	return r;
}

static int
msix_disable(void *world, void *handle)
{
	struct pciback_slot *slot = handle;

	(void)world;
	return disable(slot, slot->device.msix + MSIX_CONTROL, MSIX_ENABLE);
}

/* Where the MSI-X table is in memory. The BAR's address is that of the settings, not what the device
 * says now (XSA-337). */
static int
msix_table(struct pciback_slot *slot, uint64_t *ret_table)
{
	const struct pciback_resource *resource;
	uint32_t value;
	int r = config_read(NULL, slot, slot->device.msix + MSIX_TABLE, 4, &value);

	if (r < 0)
		return r;
	if ((value & MSIX_TABLE_BAR) >= PCIBACK_RESOURCES)
		return -EIO;
	resource = &slot->device.settings.bars[value & MSIX_TABLE_BAR];
	value &= ~(uint32_t)MSIX_TABLE_BAR;
	if ((resource->kind != PCIBACK_RESOURCE_MEM32 && resource->kind != PCIBACK_RESOURCE_MEM64) ||
	    value > resource->size || resource->size - value < 16u * slot->device.n_vectors)
		return -EIO;
	*ret_table = resource->address + value;
	return 0;
}

static int
msix_enable(void *world, void *handle, struct pciback_vector *vectors, size_t n)
{
	struct pciback_slot *slot = handle;
	uint64_t table;
	int r;

	(void)world;
	r = msix_table(slot, &table);
	if (r == 0)
		pciback_remember(slot, PCIBACK_UNDER_WAY);
	for (size_t i = 0; r == 0 && i < n; i++) {
		uint32_t pirq;

		r = map_msi(slot, vectors[i].entry, table, &pirq);
		if (r == 0)
			vectors[i].vector = (uint16_t)pirq;
	}
	if (r == 0)
		r = change_register(slot, slot->device.msix + MSIX_CONTROL, MSIX_MASK_ALL,
		    MSIX_ENABLE);
	if (r < 0)
		(void)disable(slot, slot->device.msix + MSIX_CONTROL, MSIX_ENABLE);
	pciback_remember(slot, PCIBACK_SETTLED);
	return r;
}

/* An event that can't be sent finds a guest that is gone. */
static void
notify(void *world, void *handle)
{
	const struct pciback_guest *guest = handle;
	const struct pciback_xen *xen = &guest->backend->xen;

	(void)world;
	(void)xen->operations->event_notify(xen->world, guest->port);
}

static void
log_line(void *world, enum pciback_log_level level, const char *line)
{
	const struct pciback_backend *backend = world;

	backend->hardware.log(backend->hardware.world, level, line);
}

void
pciback_operations_init(struct pciback_operations *ret_operations)
{
	*ret_operations = (struct pciback_operations){
		.config_read = config_read,
		.config_write = config_write,
		.device_enable = device_enable,
		.power_set = power_set,
		.msi_enable = msi_enable,
		.msi_disable = msi_disable,
		.msix_enable = msix_enable,
		.msix_disable = msix_disable,
		.notify = notify,
		.log = log_line,
	};
}
