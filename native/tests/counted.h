/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_COUNTED_H
#define TESTS_COUNTED_H

#include <pciback/operations.h>

/* Counts the accesses of configuration space that go through `counting`, which does what `counted` does. */
static struct pciback_operations counting;
static const struct pciback_operations *counted;
static unsigned n_accesses;

static int
count_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	n_accesses++;
	return counted->config_read(world, handle, offset, size, ret_value);
}

static int
count_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	n_accesses++;
	return counted->config_write(world, handle, offset, size, value);
}

/* From 0 on. */
static void
count(const struct pciback_operations *operations)
{
	counted = operations;
	counting = *counted;
	counting.config_read = count_read;
	counting.config_write = count_write;
	n_accesses = 0;
}

#endif
