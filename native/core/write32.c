/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/write32.h>

#include <string.h>

#include <pciback/registers.h>

#define CLEAR_BY_ONE	((uint32_t)STATUS_ERRORS << 16)	/* STATUS is the upper half of its dword */

/* What capabilities have: the dword from their beginning, and its bits. */
static const struct {
	uint8_t capability, offset;
	uint32_t bits;
} registers[] = {
	{ CAPABILITY_POWER, POWER_CONTROL, POWER_PME_STATUS },
	{ CAPABILITY_EXPRESS, EXPRESS_DEVICE_CONTROL, UINT32_C(0x000f0000) },	/* Device Status */
	{ CAPABILITY_EXPRESS, EXPRESS_LINK_CONTROL, UINT32_C(0xc0000000) },	/* Link Status */
	{ CAPABILITY_EXPRESS, EXPRESS_SLOT_CONTROL, UINT32_C(0x011f0000) },	/* Slot Status */
	{ CAPABILITY_EXPRESS, EXPRESS_ROOT_STATUS, UINT32_C(0x00010000) },	/* Root Status */
};

void
pciback_clear_by_one_find(const uint8_t config[PCIBACK_CONFIG_PCI],
    struct pciback_clear_by_one *ret_bits)
{
	unsigned offset = config[REG_CAPABILITIES] & 0xfc;

	memset(ret_bits, 0, sizeof(*ret_bits));
	ret_bits->bits[REG_STATUS / 4] = CLEAR_BY_ONE;
	if ((config[REG_HEADER_TYPE] & HEADER_TYPE) == 1)
		ret_bits->bits[REG_BRIDGE_STATUS / 4] = CLEAR_BY_ONE;
	if ((config[REG_STATUS] & STATUS_CAPABILITIES) == 0)
		return;
	/* There is room for 48; a longer list is a circle. */
	for (unsigned i = 0; i < 48 && offset >= PCIBACK_CONFIG_HEADER; i++) {
		for (size_t j = 0; j < sizeof(registers) / sizeof(registers[0]); j++) {
			unsigned at = offset + registers[j].offset;

			if (config[offset] == registers[j].capability && at < PCIBACK_CONFIG_PCI)
				ret_bits->bits[at / 4] |= registers[j].bits;
		}
		offset = config[offset + 1] & 0xfc;
	}
}

uint32_t
pciback_write32(const struct pciback_clear_by_one *bits, uint32_t old, unsigned offset,
    unsigned size, uint32_t value)
{
	unsigned shift = (offset & 3) * 8;
	uint32_t mask = size == 4 ? UINT32_MAX : ((UINT32_C(1) << size * 8) - 1) << shift;

	return (old & ~mask & ~bits->bits[offset / 4]) | (value << shift & mask);
}
