/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "simulated.h"

#include <errno.h>
#include <stdlib.h>

#include <pciback/policy.h>
#include <pciback/reset.h>

#include "simulated_bus.h"

struct simulated {
	struct pciback_simulated_bus bus;
	struct pciback_operations operations;
};

static int
identify(void *world, const struct pciback_address *address, struct pciback_found *ret_found)
{
	const struct simulated *simulated = world;
	const struct pciback_simulated_device *device =
	    pciback_simulated_bus_find(&simulated->bus, address);

	if (device == NULL)
		return -ENODEV;
	*ret_found = (struct pciback_found){ .driver = "" };
	pciback_simulated_device_identity(device, &ret_found->identity);
	return 0;
}

static int
open_device(void *world, const struct pciback_address *address,
    struct pciback_device_settings *ret_settings)
{
	const struct simulated *simulated = world;
	struct pciback_simulated_device *device =
	    pciback_simulated_bus_find(&simulated->bus, address);

	if (device == NULL)
		return -ENODEV;
	pciback_simulated_device_settings(device, ret_settings);
	ret_settings->quirks = pciback_quirks(&ret_settings->n_quirks);
	return 0;
}

static void
release_device(void *world, void *handle, bool to_dom0)
{
	(void)world;
	(void)handle;
	(void)to_dom0;
}

/* dom0 uses none of them. */
static int
visit_neighbours(void *world, int (*visit)(void *context, const struct pciback_neighbour *neighbour),
    void *context)
{
	(void)world;
	(void)visit;
	(void)context;
	return 0;
}

static int
check_device(void *world, void *handle)
{
	(void)world;
	(void)handle;
	return 0;
}

/* No time passes. */
static void
pass(void *world, unsigned milliseconds)
{
	(void)world;
	(void)milliseconds;
}

static int
reset_device(void *world, void *handle)
{
	const struct simulated *simulated = world;
	const struct pciback_simulated_device *device = handle;

	return pciback_reset(&simulated->operations, world, handle, device->config, pass);
}

int
simulated_hardware_open(struct pciback_hardware *ret_hardware, const struct pciback_bus *bus)
{
	struct simulated *simulated = calloc(1, sizeof(*simulated));

	if (simulated == NULL || pciback_simulated_bus_init(&simulated->bus, bus) < 0) {
		free(simulated);
		return -ENOMEM;
	}
	pciback_simulated_bus_operations(&simulated->operations);
	*ret_hardware = (struct pciback_hardware){
		.operations = &simulated->operations,
		.world = simulated,
		.identify = identify,
		.open = open_device,
		.check = check_device,
		.visit_neighbours = visit_neighbours,
		.release = release_device,
		.reset = reset_device,
		.pause = pass,
	};
	return 0;
}

void
simulated_hardware_close(void *world)
{
	struct simulated *simulated = world;

	pciback_simulated_bus_free(&simulated->bus);
	free(simulated);
}
