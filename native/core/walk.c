/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "walk.h"

#include <pciback/policy.h>

uint64_t
pciback_walk_number(struct pciback_walk *walk, unsigned bytes, uint64_t value, uint64_t first, uint64_t last)
{
	uint64_t read = 0;

	for (unsigned i = 0; i < bytes; i++) {
		if (walk->to != NULL)
			walk->to[walk->position] = (uint8_t)(value >> 8 * i);
		else
			read |= (uint64_t)walk->from[walk->position] << 8 * i;
		walk->position++;
	}
	if (walk->to != NULL)
		return value;
	if (read >= first && read <= last)
		return read;
	walk->failed = true;
	return first;
}

void
pciback_walk_byte(struct pciback_walk *walk, uint8_t *value, uint8_t last)
{
	*value = (uint8_t)pciback_walk_number(walk, 1, *value, 0, last);
}

void
pciback_walk_flag(struct pciback_walk *walk, bool *value)
{
	*value = pciback_walk_number(walk, 1, *value, 0, 1) != 0;
}

void
pciback_walk_half(struct pciback_walk *walk, uint16_t *value)
{
	*value = (uint16_t)pciback_walk_number(walk, 2, *value, 0, UINT16_MAX);
}

void
pciback_walk_word(struct pciback_walk *walk, uint32_t *value, uint32_t first, uint32_t last)
{
	*value = (uint32_t)pciback_walk_number(walk, 4, *value, first, last);
}

void
pciback_walk_wide(struct pciback_walk *walk, uint64_t *value)
{
	*value = pciback_walk_number(walk, 8, *value, 0, UINT64_MAX);
}

void
pciback_walk_address(struct pciback_walk *walk, struct pciback_address *value)
{
	value->domain = (uint16_t)pciback_walk_number(walk, 2, value->domain, 0, UINT16_MAX);
	value->bus = (uint8_t)pciback_walk_number(walk, 1, value->bus, 0, UINT8_MAX);
	value->device = (uint8_t)pciback_walk_number(walk, 1, value->device, 0, 31);
	value->function = (uint8_t)pciback_walk_number(walk, 1, value->function, 0, 7);
}

static void
resource(struct pciback_walk *walk, struct pciback_resource *value)
{
	value->kind = (enum pciback_resource_kind)pciback_walk_number(walk, 1, (uint64_t)value->kind, 0,
	    PCIBACK_RESOURCE_MEM64);
	pciback_walk_flag(walk, &value->prefetchable);
	pciback_walk_wide(walk, &value->address);
	pciback_walk_wide(walk, &value->size);
}

void
pciback_walk_settings(struct pciback_walk *walk, struct pciback_device_settings *value)
{
	uint32_t unset_bars = value->unset_bars;
	bool has_quirks = value->quirks != NULL;

	pciback_walk_address(walk, &value->address);
	pciback_walk_half(walk, &value->vendor);
	pciback_walk_half(walk, &value->device);
	pciback_walk_half(walk, &value->config_size);
	pciback_walk_flag(walk, &value->is_virtual_function);
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++)
		resource(walk, &value->bars[i]);
	resource(walk, &value->rom);
	pciback_walk_word(walk, &unset_bars, 0, (1u << PCIBACK_RESOURCES) - 1);
	pciback_walk_byte(walk, &value->interrupt_line, UINT8_MAX);
	value->line_source = (enum pciback_line_source)pciback_walk_number(walk, 1, (uint64_t)value->line_source, 0,
	    PCIBACK_LINE_SYSTEM);
	pciback_walk_word(walk, &value->pirq, 0, UINT32_MAX);
	pciback_walk_flag(walk, &value->permissive);
	pciback_walk_flag(walk, &value->interrupt_control);
	pciback_walk_flag(walk, &has_quirks);
	if (walk->to != NULL)
		return;
	value->unset_bars = unset_bars;
	if (has_quirks)
		value->quirks = pciback_quirks(&value->n_quirks);
}

void
pciback_walk_state(struct pciback_walk *walk, struct pciback_device_state *value)
{
	value->interrupt = (enum pciback_interrupt)pciback_walk_number(walk, 1, (uint64_t)value->interrupt, 0, PCIBACK_MSIX);
	pciback_walk_flag(walk, &value->interrupt_by_registers);
	pciback_walk_half(walk, &value->command);
	pciback_walk_half(walk, &value->kept);
	pciback_walk_byte(walk, &value->sized, (1u << (PCIBACK_RESOURCES + 1)) - 1);
}
