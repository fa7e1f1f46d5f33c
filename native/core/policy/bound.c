/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/policy.h>

#include <errno.h>

#include "raw.h"

/* The one at these bytes, exactly; NULL and whether some register has one of them. */
static const struct pciback_register *
find_register(const struct pciback_device *device, uint32_t offset, uint32_t size, bool *ret_is_owned)
{
	*ret_is_owned = false;
	for (unsigned i = 0; i < device->n_registers; i++) {
		const struct pciback_register *reg = &device->registers[i];

		if (reg->offset == offset && reg->size == size)
			return reg;
		if (reg->offset < offset + size && offset < (uint32_t)reg->offset + reg->size)
			*ret_is_owned = true;
	}
	return NULL;
}

int
pciback_policy_bound(const struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t current,
    uint32_t value, uint32_t *ret_value)
{
	const struct pciback_register *reg;
	bool is_owned;
	uint32_t open;

	if (!pciback_is_access(offset, size) || offset >= PCIBACK_CONFIG_PCI)
		return -EPERM;
	value &= pciback_size_mask(size);
	reg = find_register(device, offset, size, &is_owned);
	if (reg == NULL) {
		/* What nobody owns is a permissive device's to write. */
		if (is_owned || !device->settings.permissive)
			return -EPERM;
		*ret_value = value;
		return 0;
	}
	if (reg->guarded && !device->settings.permissive)
		return -EPERM;
	if (reg->type != NULL && reg->type->write != NULL)
		return reg->type->bound == NULL ? -EPERM : reg->type->bound(device, current, value, ret_value);
	open = pciback_size_mask(size) & ~(reg->read_only | reg->preserve | reg->zero);
	if (open == 0)
		return -EPERM;
	*ret_value = (current & ~(open | reg->zero)) | (value & open);
	return 0;
}
