/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_NEIGHBOURS_H
#define PCIBACK_OS_NEIGHBOURS_H

#include <stdbool.h>

#include <pciback/bus.h>
#include <pciback/hardware.h>

/* What a system knows of a function: whether a driver of it, which is no keeper, has it; and the number of
 * the interrupt line that this driver uses, 0 for none. */
struct neighbours_system {
	bool (*is_in_use)(const struct pciback_address *address);
	unsigned (*line)(const struct pciback_function *function);
};

/* visit_neighbours of struct pciback_hardware, by a scan of the bus. Allocates while it runs. */
int neighbours_visit(const struct neighbours_system *system, int (*visit)(void *context,
    const struct pciback_neighbour *neighbour), void *context);

#endif
