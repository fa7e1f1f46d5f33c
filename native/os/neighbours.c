/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "neighbours.h"

#include <errno.h>

#include <pciback/os.h>

int
neighbours_visit(const struct neighbours_system *system, int (*visit)(void *context,
    const struct pciback_neighbour *neighbour), void *context)
{
	struct pciback_scan_error error = { .path = "" };
	struct pciback_bus bus;
	int r;

	pciback_bus_init(&bus);
	r = pciback_bus_scan(&bus, system->is_in_use, &error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < bus.n_functions && r == 0; i++) {
		const struct pciback_function *function = &bus.functions[i];
		struct pciback_neighbour neighbour = { .address = function->address };

		if (!system->is_in_use(&function->address))
			continue;
		neighbour.line = system->line(function);
		neighbour.n_bars = pciback_bars(function, neighbour.bars);
		r = visit(context, &neighbour);
	}
	pciback_bus_free(&bus);
	return r;
}
