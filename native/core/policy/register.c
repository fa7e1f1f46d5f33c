/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "register.h"

#include <errno.h>

#include "raw.h"

static enum pciback_answer
fixed_read(struct pciback_device *device, const struct pciback_register *reg, uint32_t *ret_value)
{
	(void)device;
	*ret_value = reg->value;
	return PCIBACK_DONE;
}

const struct pciback_register_type pciback_register_fixed = { .read = fixed_read };

/* Keeps `first` true: the first register in or behind each dword. */
static void
index_registers(struct pciback_device *device)
{
	uint8_t i = 0;

	/* Behind the last one is one that no access reaches. */
	device->registers[device->n_registers] = (struct pciback_register){ .offset = UINT16_MAX };
	for (unsigned dword = 0; dword < sizeof(device->first); dword++) {
		while (i < device->n_registers && device->registers[i].offset < dword * 4)
			i++;
		device->first[dword] = i;
	}
}

int
pciback_device_add_register(struct pciback_device *device, const struct pciback_register *reg)
{
	const uint32_t masks[] = { reg->read_only, reg->clear_by_one, reg->preserve, reg->zero };
	uint32_t seen = 0;
	uint8_t place = 0;

	if (!pciback_is_access(reg->offset, reg->size) || reg->offset >= PCIBACK_CONFIG_PCI)
		return -EINVAL;
	for (unsigned i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		if ((masks[i] & seen) != 0 || (masks[i] & ~pciback_size_mask(reg->size)) != 0)
			return -EINVAL;
		seen |= masks[i];
	}
	if (device->n_registers == PCIBACK_REGISTERS_MAX - 1)
		return -ENOSPC;
	while (place < device->n_registers && device->registers[place].offset < reg->offset)
		place++;
	if (place < device->n_registers &&
	    device->registers[place].offset < (uint32_t)reg->offset + reg->size)
		return -EEXIST;
	if (place > 0 && (uint32_t)device->registers[place - 1].offset +
	    device->registers[place - 1].size > reg->offset)
		return -EEXIST;
	for (uint8_t i = device->n_registers++; i > place; i--)
		device->registers[i] = device->registers[i - 1];
	device->registers[place] = *reg;
	index_registers(device);
	return 0;
}
