/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/bus.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
pciback_bus_init(struct pciback_bus *bus)
{
	*bus = (struct pciback_bus){ 0 };
}

void
pciback_bus_free(struct pciback_bus *bus)
{
	for (size_t i = 0; i < bus->n_functions; i++)
		free(bus->functions[i].config);
	free(bus->functions);
	pciback_bus_init(bus);
}

int
pciback_bus_add(struct pciback_bus *bus, const struct pciback_address *address, size_t line,
    const uint8_t *config, size_t size)
{
	struct pciback_function *function;
	uint8_t *copy;

	if (size < PCIBACK_CONFIG_HEADER || size > PCIBACK_CONFIG_EXPRESS)
		return -EINVAL;
	if (bus->n_functions == bus->n_allocated) {
		size_t wanted = bus->n_allocated == 0 ? 32 : bus->n_allocated * 2;

		function = realloc(bus->functions, wanted * sizeof(*function));
		if (function == NULL)
			return -ENOMEM;
		bus->functions = function;
		bus->n_allocated = wanted;
	}
	copy = malloc(size);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, config, size);
	bus->functions[bus->n_functions++] = (struct pciback_function){
		.address = *address,
		.line = line,
		.config_size = size,
		.config = copy,
	};
	return 0;
}

static int
compare_functions(const void *a, const void *b)
{
	const struct pciback_function *left = a, *right = b;
	int order = pciback_address_compare(&left->address, &right->address);

	if (order != 0)
		return order;
	return left->line < right->line ? -1 : left->line > right->line;
}

int
pciback_bus_sort(struct pciback_bus *bus, const struct pciback_function **ret_twice)
{
	if (bus->n_functions < 2)
		return 0;
	qsort(bus->functions, bus->n_functions, sizeof(*bus->functions), compare_functions);
	for (size_t i = 1; i < bus->n_functions; i++) {
		if (pciback_address_compare(&bus->functions[i - 1].address,
		    &bus->functions[i].address) == 0) {
			if (ret_twice != NULL)
				*ret_twice = &bus->functions[i];
			return -EEXIST;
		}
	}
	return 0;
}

const struct pciback_function *
pciback_bus_find(const struct pciback_bus *bus, const struct pciback_address *address)
{
	size_t low = 0, high = bus->n_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = pciback_address_compare(&bus->functions[middle].address, address);

		if (order == 0)
			return &bus->functions[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool
pciback_bus_scan_finds(const struct pciback_bus *bus, const struct pciback_function *function)
{
	struct pciback_address first = function->address;
	const struct pciback_function *zero;

	if (function->address.function == 0)
		return true;
	first.function = 0;
	zero = pciback_bus_find(bus, &first);
	return zero != NULL && pciback_is_multifunction(zero);
}

uint8_t
pciback_config8(const struct pciback_function *function, size_t offset)
{
	assert(offset < function->config_size);
	return function->config[offset];
}

uint16_t
pciback_config16(const struct pciback_function *function, size_t offset)
{
	return (uint16_t)(pciback_config8(function, offset) |
	    (unsigned)pciback_config8(function, offset + 1) << 8);
}

uint32_t
pciback_config32(const struct pciback_function *function, size_t offset)
{
	return (uint32_t)pciback_config16(function, offset) |
	    (uint32_t)pciback_config16(function, offset + 2) << 16;
}

unsigned
pciback_header_type(const struct pciback_function *function)
{
	return pciback_config8(function, REG_HEADER_TYPE) & HEADER_TYPE;
}

bool
pciback_is_multifunction(const struct pciback_function *function)
{
	return (pciback_config8(function, REG_HEADER_TYPE) & HEADER_MULTIFUNCTION) != 0;
}

uint32_t
pciback_class(const struct pciback_function *function)
{
	return pciback_config32(function, REG_CLASS) >> 8;
}

size_t
pciback_bars(const struct pciback_function *function,
    struct pciback_bar ret_bars[PCIBACK_BARS_MAX])
{
	static const unsigned n_registers[] = { 6, 2, 1 };
	unsigned type = pciback_header_type(function);
	unsigned last = type < 3 ? n_registers[type] : 0;
	size_t n = 0;

	for (unsigned i = 0; i < last; i++) {
		uint32_t low = pciback_config32(function, REG_BAR0 + 4 * (size_t)i);
		struct pciback_bar bar = { .index = i };

		if ((low & 1) != 0) {
			bar.kind = PCIBACK_BAR_IO;
			bar.address = low & ~UINT32_C(3);
		} else {
			bar.kind = PCIBACK_BAR_MEM32;
			bar.address = low & ~UINT32_C(15);
			bar.prefetchable = (low & 8) != 0;
			if ((low & 6) == 4 && i + 1 < last) {
				bar.kind = PCIBACK_BAR_MEM64;
				bar.address |= (uint64_t)pciback_config32(function,
				    REG_BAR0 + 4 * (size_t)(i + 1)) << 32;
				i++;
			}
		}
		if (bar.address != 0)
			ret_bars[n++] = bar;
	}
	return n;
}
