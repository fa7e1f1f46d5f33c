/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_READ_H
#define PCIBACK_POLICY_READ_H

#include <pciback/device.h>
#include <pciback/policy.h>

#include "raw.h"

/*
 * Reads that a driver makes most, inline since the path of every request goes through them; what they leave is in
 * core/policy/access.c.
 */

/* Reads one register, as a guest sees it. *ret_value stays on failure. */
PCIBACK_HOT enum pciback_answer
pciback_register_read(struct pciback_device *device, const struct pciback_register *reg,
    uint32_t *ret_value)
{
	uint32_t value;

	if (reg->type != NULL && reg->type->read != NULL)
		return reg->type->read(device, reg, ret_value);
	if (pciback_raw_read(device, reg->offset, reg->size, &value) != PCIBACK_DONE)
		return PCIBACK_FAILED;
	*ret_value = value & ~(reg->preserve | reg->zero);
	return PCIBACK_DONE;
}

/* The accesses that pciback_config_read_inline() leaves: several registers, a part of one, extended space, and
 * those that are none. As pciback_config_read(). */
enum pciback_answer pciback_config_read_rest(struct pciback_device *device, uint32_t offset,
    uint32_t size, uint32_t *ret_value);

/* As pciback_config_read(). */
PCIBACK_HOT enum pciback_answer
pciback_config_read_inline(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t *ret_value)
{
	if (offset < PCIBACK_CONFIG_PCI) {
		const struct pciback_register *first = &device->registers[device->first[offset / 4]];

		/* One register, which is always a valid access; or none. */
		if (first->offset == offset && first->size == size)
			return pciback_register_read(device, first, ret_value);
		if (first->offset >= offset + size && pciback_is_access(offset, size))
			return pciback_raw_read(device, offset, size, ret_value);
	}
	return pciback_config_read_rest(device, offset, size, ret_value);
}

#endif
