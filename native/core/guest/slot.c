/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Registers of the MSI and MSI-X capabilities, from their beginning [PCI 6.8]. */
#define MSI_CONTROL		2
#define MSI_ENABLE		0x0001u
#define MSI_SEVERAL		0x0070u
#define MSIX_CONTROL		2
#define MSIX_ENABLE		0x8000u
#define MSIX_MASK_ALL		0x4000u
#define MSIX_TABLE		4
#define MSIX_TABLE_BAR		0x7u

/* ---- The operations of a device --------------------------------------------------------- */

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	const struct pciback_slot *slot = handle;
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	(void)world;
	return hardware->operations->config_read(hardware->world, slot->handle, offset, size,
	    ret_value);
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	const struct pciback_slot *slot = handle;
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	(void)world;
	return hardware->operations->config_write(hardware->world, slot->handle, offset, size, value);
}

static int
device_enable(void *world, void *handle)
{
	const struct pciback_slot *slot = handle;
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	(void)world;
	return hardware->operations->device_enable(hardware->world, slot->handle);
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
	return hardware->operations->power_set(hardware->world, slot->handle, state);
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
 * a guest. */
static int
map_msi(struct pciback_slot *slot, unsigned entry, uint64_t table, uint32_t *ret_pirq)
{
	const struct pciback_xen *xen = &slot->backend->xen;
	int r;

	if (slot->ledger.n == PCIBACK_PERMISSIONS_MAX)
		return -ENOMEM;
	r = xen->operations->msi_map(xen->world, slot->guest->domain, &slot->address, entry, table,
	    ret_pirq);
	if (r < 0)
		return r;
	pciback_ledger_add_msi(slot, *ret_pirq);
	return *ret_pirq == 0 || *ret_pirq > UINT16_MAX ? -EIO : 0;
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

/* Off at the device, then taken from the guest; all of it, whatever fails. */
static int
disable(struct pciback_slot *slot, unsigned control, uint32_t enable)
{
	int r = change_register(slot, control, enable, 0);
	int taken = pciback_ledger_take_back(slot, first_msi(&slot->ledger));

	return r < 0 ? r : taken;
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
	int r;

	(void)world;
	r = map_msi(slot, 0, 0, ret_pirq);
	if (r == 0)
		r = change_register(slot, slot->device.msi + MSI_CONTROL, MSI_SEVERAL, MSI_ENABLE);
	if (r < 0)
		(void)disable(slot, slot->device.msi + MSI_CONTROL, MSI_ENABLE);
	return r;
}

static int
msix_disable(void *world, void *handle)
{
	struct pciback_slot *slot = handle;

	(void)world;
	return disable(slot, slot->device.msix + MSIX_CONTROL, MSIX_ENABLE);
}

/* Where the MSI-X table is in memory. The BAR is what we know of it, not what the device says now
 * (XSA-337). */
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
	value &= ~MSIX_TABLE_BAR;
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
pciback_slot_operations(struct pciback_operations *ret_operations)
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

/* ---- Taking a device, and giving it back ------------------------------------------------ */

/* Why a device could not be taken, as one sentence. */
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
		if (backend->slots[i].guest == NULL)
			return &backend->slots[i];
	return NULL;
}

/* The ports and the memory of each BAR, whole pages of it, in 64 bits (XSA-476). */
static int
grant_bars(struct pciback_slot *slot, const struct pciback_device_settings *settings,
    char message[PCIBACK_LOG_LINE])
{
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++) {
		const struct pciback_resource *resource = &settings->bars[i];
		int r = 0;

		if (resource->kind == PCIBACK_RESOURCE_NONE)
			continue;
		if (resource->size == 0 || resource->address > UINT64_MAX - resource->size) {
			explain(message, &slot->address, "has an impossible BAR %u", i);
			return -EINVAL;
		}
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
			explain(message, &slot->address, "can't have BAR %u granted: error %d", i, -r);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The interrupt line; the guest gets it under the number in settings->pirq. */
static int
grant_irq(struct pciback_slot *slot, struct pciback_device_settings *settings,
    char message[PCIBACK_LOG_LINE])
{
	unsigned irq = settings->interrupt_line;
	int r;

	settings->pirq = 0;
	if (irq == 0 || irq == 255)
		return 0;
	r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_PIRQ, irq, 0, &settings->pirq);
	if (r == 0)
		r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_IRQ, settings->pirq, 1, NULL);
	if (r == -EBUSY)
		explain(message, &slot->address, "shares interrupt line %u with another guest's device",
		    irq);
	else if (r < 0)
		explain(message, &slot->address, "can't have interrupt line %u granted: error %d", irq,
		    -r);
	return r;
}

static int
assign(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	int r = 0;

	if (slot->device.msix != 0 && slot->backend->xen.operations->msix_table != NULL)
		r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_MSIX_TABLE, 0, 0, NULL);
	/* It works without, by other interrupts. */
	if (r < 0)
		pciback_log_write(&slot->guest->log, PCIBACK_LOG_WARNING,
		    "Xen does not find the MSI-X table of a device: error %d", -r);
	r = pciback_ledger_grant(slot, PCIBACK_PERMISSION_DEVICE, 0, 0, NULL);

	if ((r == -EOPNOTSUPP || r == -ENOTSUP || r == -ENOSYS || r == -ENODEV) &&
	    (slot->backend->allow & PCIBACK_ALLOW_NO_IOMMU) != 0)
		return 0;
	if (r == -EOPNOTSUPP || r == -ENOTSUP || r == -ENOSYS || r == -ENODEV)
		explain(message, &slot->address, "could write to all memory: there is no IOMMU for it "
		    "(allow no-iommu if you trust the guest)");
	else if (r < 0)
		explain(message, &slot->address, "can't be assigned: error %d", -r);
	return r;
}

/* Everything after the device was opened. */
static int
hand_over(struct pciback_slot *slot, struct pciback_device_settings *settings,
    char message[PCIBACK_LOG_LINE])
{
	struct pciback_guest *guest = slot->guest;
	int r = grant_bars(slot, settings, message);

	if (r == 0)
		r = grant_irq(slot, settings, message);
	if (r < 0)
		return r;
	r = pciback_device_init(&slot->device, &slot->backend->host, &guest->log, settings);
	if (r < 0) {
		explain(message, &slot->address, "can't be handed out: error %d", -r);
		return r;
	}
	r = assign(slot, message);
	if (r < 0)
		return r;
	r = pciback_topology_add(&guest->topology, &slot->device, &slot->place);
	if (r < 0)
		explain(message, &slot->address, "finds no place on the guest's bus");
	slot->is_placed = r == 0;
	return r;
}

int
pciback_slot_take(struct pciback_guest *guest, const struct pciback_entry *entry,
    char message[PCIBACK_LOG_LINE])
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_hardware *hardware = &backend->hardware;
	struct pciback_slot *slot = pciback_backend_slot(backend, &entry->address);
	struct pciback_device_settings settings = { .handle = NULL };
	int r;

	if (slot != NULL && slot->guest == guest)
		return 0;
	if (slot != NULL) {
		explain(message, &entry->address, "belongs to domain %u",
		    (unsigned)slot->guest->domain);
		return -EBUSY;
	}
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
		explain(message, &entry->address, "can't be opened: error %d", -r);
	if (r < 0)
		return r;
	slot->guest = guest;
	slot->backend = backend;
	slot->address = entry->address;
	slot->handle = settings.handle;
	slot->is_placed = false;
	slot->ledger.n = 0;
	/* A close before init finds a device that holds nothing. */
	slot->device.interrupt = PCIBACK_INTX;
	slot->is_open = true;
	settings.address = entry->address;
	settings.handle = slot;
	settings.permissive = entry->permissive;
	slot->device.host = NULL;
	r = hand_over(slot, &settings, message);
	if (r < 0)
		pciback_slot_drop(slot);
	return r;
}

void
pciback_slot_drop(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;

	if (slot->is_placed)
		(void)pciback_topology_remove(&slot->guest->topology, &slot->device);
	slot->is_placed = false;
	/* It stops writing to memory before memory stops being its guest's. */
	if (slot->device.host != NULL && pciback_device_close(&slot->device) < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, slot->guest->domain,
		    "a device could not be silenced before it was taken back");
	slot->device.host = NULL;
	(void)pciback_ledger_take_back(slot, 0);
	if (slot->is_open)
		backend->hardware.release(backend->hardware.world, slot->handle);
	slot->is_open = false;
	slot->guest = NULL;
}
