/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include <pciback/bus.h>

/* Any text: a bus that is sorted and whole, or a refusal with a line that exists. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pciback_dump_error error = { .line = 0 };
	struct pciback_bar bars[PCIBACK_BARS_MAX];
	struct pciback_bus bus;
	size_t lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	pciback_bus_init(&bus);
	if (pciback_bus_read_dump(&bus, (const char *)data, size, &error) < 0) {
		ALWAYS(bus.n_functions == 0 && bus.functions == NULL);
		ALWAYS(error.line <= lines);
		ALWAYS(strlen(error.message) > 0);
		return 0;
	}
	ALWAYS(bus.n_functions > 0);
	for (size_t i = 0; i < bus.n_functions; i++) {
		const struct pciback_function *function = &bus.functions[i];

		ALWAYS(i == 0 || pciback_address_compare(&bus.functions[i - 1].address,
		    &function->address) < 0);
		ALWAYS(pciback_bus_find(&bus, &function->address) == function);
		ALWAYS(pciback_header_type(function) <= 2);
		ALWAYS(pciback_bars(function, bars) <= PCIBACK_BARS_MAX);
		(void)pciback_bus_scan_finds(&bus, function);
	}
	pciback_bus_free(&bus);
	return 0;
}
