/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/pristine.h>

#include <errno.h>
#include <stdbool.h>

#include <pciback/registers.h>

static uint32_t
load32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void
store32(uint8_t *bytes, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

uint8_t
pciback_find_capability(const uint8_t *config, uint8_t id, unsigned length)
{
	unsigned offset = config[REG_CAPABILITIES] & 0xfc;

	if ((config[REG_STATUS] & STATUS_CAPABILITIES) == 0)
		return 0;
	/* There is room for 48; a longer list is a circle. */
	for (unsigned i = 0; i < 48 && offset >= PCIBACK_CONFIG_HEADER; i++) {
		if (config[offset] == id && offset + length <= PCIBACK_CONFIG_PCI)
			return (uint8_t)offset;
		offset = config[offset + 1] & 0xfc;
	}
	return 0;
}

/* The address of a BAR as the system assigned it; its other bits are the device's. */
static void
set_bar(uint8_t *config, unsigned i, const struct pciback_resource *resource)
{
	uint8_t *bar = config + REG_BAR0 + (size_t)4 * i;
	uint32_t bits = resource->kind == PCIBACK_RESOURCE_IO ? BAR_IO_BITS : BAR_MEMORY_BITS;

	store32(bar, ((uint32_t)resource->address & ~bits) | (load32(bar) & bits));
	if (resource->kind == PCIBACK_RESOURCE_MEM64)
		store32(bar + 4, (uint32_t)(resource->address >> 32));
}

static void
switch_off_interrupts(uint8_t *config)
{
	uint8_t msi = pciback_find_capability(config, CAPABILITY_MSI, MSI_CONTROL + 2);
	uint8_t msix = pciback_find_capability(config, CAPABILITY_MSIX, MSIX_LENGTH);

	if (msi != 0)
		config[msi + MSI_CONTROL] &= (uint8_t)~MSI_ENABLE;
	if (msix != 0)
		config[msix + MSIX_CONTROL + 1] &= (uint8_t)~(MSIX_ENABLE >> 8);
}

/* What is saved of it once all is read. */
static void
complete(struct pciback_pristine *pristine, const struct pciback_device_settings *settings)
{
	pristine->size = settings->config_size;
	switch_off_interrupts(pristine->config);
	/* The registers of a virtual function are wired to zero. */
	for (unsigned i = 0; i < PCIBACK_RESOURCES && !settings->is_virtual_function; i++)
		if (settings->bars[i].kind != PCIBACK_RESOURCE_NONE)
			set_bar(pristine->config, i, &settings->bars[i]);
}

int
pciback_pristine_save(struct pciback_pristine *pristine, const struct pciback_operations *operations,
    void *world, const struct pciback_device_settings *settings, unsigned *offset)
{
	pristine->size = 0;
	for (unsigned n = 0; n < PCIBACK_PRISTINE_STEP && *offset < settings->config_size; n++) {
		uint32_t value = 0;
		int r = operations->config_read(world, settings->handle, *offset, 4, &value);

		if (r < 0)
			return r;
		store32(pristine->config + *offset, value);
		*offset += 4;
	}
	if (*offset < settings->config_size)
		return 1;
	complete(pristine, settings);
	return 0;
}

/* Whether the dword is written back. */
static bool
is_restored(unsigned offset, unsigned vpd)
{
	if (offset == REG_COMMAND)
		return false;
	return vpd == 0 || (offset != vpd && offset != vpd + VPD_DATA);
}

/* What of a dword must be as it was, once it was written back. */
static uint32_t
checked_bits(const uint8_t *config, unsigned offset)
{
	/* A self-test may be running. */
	if (offset == (REG_CACHE_LINE & ~3u))
		return 0x00ffffff;
	/* Errors of a bridge's other side come by themselves. */
	if (offset == REG_BRIDGE_IO && (config[REG_HEADER_TYPE] & HEADER_TYPE) == 1)
		return 0x0000ffff;
	return offset >= REG_BAR0 && offset < PCIBACK_CONFIG_HEADER ? UINT32_MAX : 0;
}

/* Accesses that a dword may take: it is read, written, and read again. */
#define RESTORE_MAX 3

/* One dword; returns how many accesses it took, or as pciback_pristine_restore(). */
static int
restore(const struct pciback_pristine *pristine, const struct pciback_operations *operations, void *world,
    void *handle, unsigned offset)
{
	uint32_t wanted = load32(pristine->config + offset), value = 0;
	int n = 1, r = operations->config_read(world, handle, offset, 4, &value);

	if (r == 0 && value != wanted) {
		n = RESTORE_MAX;
		r = operations->config_write(world, handle, offset, 4, wanted);
		if (r == 0)
			r = operations->config_read(world, handle, offset, 4, &value);
	}
	if (r < 0)
		return r;
	return ((value ^ wanted) & checked_bits(pristine->config, offset)) != 0 ? -EIO : n;
}

int
pciback_pristine_restore(const struct pciback_pristine *pristine,
    const struct pciback_operations *operations, void *world, void *handle, unsigned *offset)
{
	unsigned vpd = pciback_find_capability(pristine->config, CAPABILITY_VPD, VPD_LENGTH);

	for (int left = PCIBACK_PRISTINE_STEP; left >= RESTORE_MAX && *offset < pristine->size; *offset += 4) {
		int r = 0;

		if (is_restored(*offset, vpd))
			r = restore(pristine, operations, world, handle, *offset);
		if (r < 0)
			return r;
		left -= r;
	}
	return *offset < pristine->size;
}
