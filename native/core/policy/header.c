/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "header.h"

#include <errno.h>

#include "command.h"
#include "raw.h"
#include "register.h"

/*
 * The registers of the first 64 bytes. What a guest may do with each is that of Linux's default
 * or less; docs/explanation/config-space-policy.md says where and why it is less.
 */

/* The self-test starts, or nothing does. */
static enum pciback_answer
bist_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	uint32_t current;
	enum pciback_answer answer = pciback_raw_read(device, reg->offset, 1, &current);

	(void)written;
	if (answer != PCIBACK_DONE || (value ^ current) != BIST_START)
		return answer;
	return pciback_raw_write(device, reg->offset, 1, value);
}

static int
bist_bound(const struct pciback_device *device, uint32_t current, uint32_t value, uint32_t *ret_value)
{
	(void)device;
	*ret_value = current | (value & BIST_START);
	return 0;
}

static const struct pciback_register_type type_bist = { .write = bist_write, .bound = bist_bound };

/* A base address register: `value` says whether it is being sized. The device's own is never
 * touched, so no write can move what it decodes. */
static uint32_t
address_or_mask(const struct pciback_register *reg, const struct pciback_resource *resource)
{
	uint64_t shown = reg->value != 0 ? ~(resource->size - 1) : resource->address;

	return (uint32_t)shown;
}

static enum pciback_answer
bar_read(struct pciback_device *device, const struct pciback_register *reg, uint32_t *ret_value)
{
	const struct pciback_resource *resource =
	    &device->settings.bars[(reg->offset - REG_BAR0) / 4];
	uint32_t value = 0;

	switch (resource->kind) {
	case PCIBACK_RESOURCE_NONE:
		break;
	case PCIBACK_RESOURCE_IO:
		value = (address_or_mask(reg, resource) & ~(uint32_t)BAR_IO_BITS) | BAR_IO;
		break;
	case PCIBACK_RESOURCE_MEM32:
	case PCIBACK_RESOURCE_MEM64:
		value = address_or_mask(reg, resource) & ~(uint32_t)BAR_MEMORY_BITS;
		if (resource->kind == PCIBACK_RESOURCE_MEM64)
			value |= BAR_64;
		if (resource->prefetchable)
			value |= BAR_PREFETCHABLE;
		break;
	}
	*ret_value = value;
	return PCIBACK_DONE;
}

static enum pciback_answer
bar_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	(void)device;
	(void)written;
	/* Drivers differ in whether they write ones to the bits that are no address. */
	reg->value = (value | reg->read_only) == UINT32_MAX;
	return PCIBACK_DONE;
}

static const struct pciback_register_type type_bar = { .read = bar_read, .write = bar_write };

/* The upper half of a 64-bit one. */
static enum pciback_answer
bar_high_read(struct pciback_device *device, const struct pciback_register *reg,
    uint32_t *ret_value)
{
	const struct pciback_resource *resource =
	    &device->settings.bars[(reg->offset - REG_BAR0) / 4 - 1];
	uint64_t shown = reg->value != 0 ? ~(resource->size - 1) : resource->address;

	*ret_value = (uint32_t)(shown >> 32);
	return PCIBACK_DONE;
}

static const struct pciback_register_type type_bar_high = {
	.read = bar_high_read,
	.write = bar_write,
};

/* Never shown as enabled: the decoder may be shared with a BAR's. */
static enum pciback_answer
rom_read(struct pciback_device *device, const struct pciback_register *reg, uint32_t *ret_value)
{
	*ret_value = device->settings.rom.kind == PCIBACK_RESOURCE_NONE ? 0 :
	    address_or_mask(reg, &device->settings.rom) & ~(uint32_t)ROM_BITS;
	return PCIBACK_DONE;
}

static const struct pciback_register_type type_rom = { .read = rom_read, .write = bar_write };

#define READ_ONLY(at, bytes) \
	{ .offset = (at), .size = (bytes), .read_only = UINT32_MAX >> (32 - 8 * (bytes)) }
#define FIXED(at, bytes) \
	{ .offset = (at), .size = (bytes), .read_only = UINT32_MAX >> (32 - 8 * (bytes)), \
	    .type = &pciback_register_fixed }
#define ROM(at) \
	{ .offset = (at), .size = 4, .read_only = ROM_BITS, .type = &type_rom }

/* Those that every header has; BARs, and values that depend on the device, come later. */
static const struct pciback_register common[] = {
	{ .offset = REG_COMMAND, .size = 2, .zero = COMMAND_RESERVED, .type = &pciback_register_command },
	READ_ONLY(REG_CLASS, 4),
	{ .offset = REG_CACHE_LINE, .size = 1 },
	{ .offset = REG_LATENCY, .size = 1, .guarded = true },
	READ_ONLY(REG_HEADER_TYPE, 1),
	{ .offset = REG_BIST, .size = 1, .type = &type_bist },
};

static const struct pciback_register of_device[] = {
	READ_ONLY(REG_CARDBUS, 4),
	READ_ONLY(REG_SUBSYSTEM_VENDOR, 4),
	ROM(REG_ROM),
	FIXED(REG_RESERVED, 4),
	READ_ONLY(REG_LATENCY_WANTED, 2),
};

/* Bus numbers and windows, read-only: what is behind the bridge is not this guest's to move. */
static const struct pciback_register of_bridge[] = {
	READ_ONLY(REG_BRIDGE_CONTROL, 2),
	READ_ONLY(REG_BRIDGE_PRIMARY, 4),
	READ_ONLY(REG_BRIDGE_IO, 4),
	READ_ONLY(REG_BRIDGE_MEMORY, 4),
	READ_ONLY(REG_BRIDGE_PREFETCHABLE, 4),
	READ_ONLY(REG_BRIDGE_PREFETCHABLE_BASE, 4),
	READ_ONLY(REG_BRIDGE_PREFETCHABLE_LIMIT, 4),
	READ_ONLY(REG_BRIDGE_IO_HIGH, 4),
	ROM(REG_BRIDGE_ROM),
};

static int
add_all(struct pciback_device *device, const struct pciback_register *registers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = pciback_device_add_register(device, &registers[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int
add_bars(struct pciback_device *device)
{
	const struct pciback_resource *bars = device->settings.bars;
	unsigned n = device->header_type == 0 ? 6 : 2;

	for (unsigned i = 0; i < n; i++) {
		struct pciback_register reg = {
			.offset = (uint16_t)(REG_BAR0 + 4 * i),
			.size = 4,
			.read_only = BAR_MEMORY_BITS,
			.type = &type_bar,
		};
		int r;

		if (bars[i].kind == PCIBACK_RESOURCE_IO)
			reg.read_only = BAR_IO_BITS;
		else if (i > 0 && bars[i - 1].kind == PCIBACK_RESOURCE_MEM64) {
			reg.read_only = 0;
			reg.type = &type_bar_high;
		}
		r = pciback_device_add_register(device, &reg);
		if (r < 0)
			return r;
	}
	return 0;
}

int
pciback_policy_add_header(struct pciback_device *device, uint8_t first_capability)
{
	const struct pciback_device_settings *settings = &device->settings;
	struct pciback_register known[] = {
		FIXED(REG_VENDOR, 4),
		FIXED(REG_CAPABILITIES, 4),
		FIXED(REG_INTERRUPT_LINE, 2),
		{ .offset = REG_STATUS, .size = 2, .clear_by_one = STATUS_ERRORS,
		    .read_only = 0xffff & ~STATUS_ERRORS, .guarded = true },
	};
	uint32_t pin;
	int r;

	if (pciback_raw_read(device, REG_INTERRUPT_PIN, 1, &pin) != PCIBACK_DONE)
		return -EIO;
	known[0].value = settings->vendor | (uint32_t)settings->device << 16;
	known[1].value = first_capability;
	known[2].value = settings->interrupt_line | pin << 8;
	if (first_capability == 0) {
		known[3].read_only &= ~(uint32_t)STATUS_CAPABILITIES;
		known[3].preserve = STATUS_CAPABILITIES;
	}
	r = add_all(device, known, sizeof(known) / sizeof(known[0]));
	if (r == 0)
		r = add_all(device, common, sizeof(common) / sizeof(common[0]));
	if (r == 0)
		r = add_bars(device);
	if (r < 0)
		return r;
	return device->header_type == 0 ?
	    add_all(device, of_device, sizeof(of_device) / sizeof(of_device[0])) :
	    add_all(device, of_bridge, sizeof(of_bridge) / sizeof(of_bridge[0]));
}
