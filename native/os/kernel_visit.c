/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/kernel_host.h>

#include <errno.h>

#include <pciback/registers.h>

#include "neighbours.h"

#if defined(__NetBSD__)

static bool
is_held(const struct pciback_address *address)
{
	return pciback_kernel_holds(NULL, address);
}

static unsigned
find_line(const struct pciback_function *function)
{
	uint32_t gsi = 0;

	if (pciback_config8(function, REG_INTERRUPT_PIN) == 0)
		return 0;
	return pciback_kernel_interrupt(NULL, &function->address, &gsi) < 0 ? PCIBACK_NEIGHBOUR_UNTOLD : gsi;
}

int
pciback_kernel_visit(void *world, int (*visit)(void *context, const struct pciback_neighbour *held), void *context)
{
	static const struct neighbours_system system = { .is_in_use = is_held, .line = find_line };

	(void)world;
	return neighbours_visit(&system, visit, context);
}

#else

int
pciback_kernel_visit(void *world, int (*visit)(void *context, const struct pciback_neighbour *held), void *context)
{
	(void)world;
	(void)visit;
	(void)context;
	return -ENOSYS;
}

#endif
