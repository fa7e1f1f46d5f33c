/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/backend.h>
#include <pciback/beside.h>
#include <pciback/kernel_host.h>

#define SIMULATED "pcibackd-simulated"

/* Becomes the program that has the simulated world, with the same arguments. */
static int
become_simulated(char **argv, char message[PCIBACK_PLATFORM_MESSAGE])
{
	int r = pciback_beside_become(SIMULATED, argv);

	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "--bus is for tests and needs " SIMULATED
	    " in the directory of pcibackd, where 'make' leaves it and 'make install' does not: %s",
	    strerror(-r));
	return r;
}

/* A process for each guest, made of this one. */
static int
open_children(struct world *world, size_t n_guests, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct pciback_child_machine machine;

	pciback_xen_child(&world->link, &machine);
	machine.config_file = world->hardware.config_file;
	machine.adopt = world->hardware.adopt;
	machine.operations = world->hardware.operations;
	machine.devices = world->hardware.world;
	machine.forget = pciback_backend_forget;
	machine.known = backend;
	return pciback_children_open(&world->children, &machine, n_guests, message);
}

int
world_open(const struct options *options, char **argv, struct pciback_backend *backend,
    struct world *ret_world, char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct world world = { .has_devices = true };
	const char *sign;
	int r;

	if (options->bus != NULL)
		return become_simulated(argv, message);
	sign = pciback_kernel_sign();
	if (sign != NULL) {
		pciback_kernel_refuse(sign, message);
		return -EBUSY;
	}
	r = pciback_hardware_open(&world.hardware, message);
	if (r == 0)
		r = pciback_xen_open(&world.link, backend, message);
	if (r < 0)
		return r;
	if (options->children)
		r = open_children(&world, options->n_guests, backend, message);
	if (r < 0) {
		world.link.close(world.link.xen.world);
		return r;
	}
	*ret_world = world;
	return 0;
}

void
world_close(struct world *world)
{
	if (world->children.operations != NULL)
		pciback_children_close(&world->children);
	world->link.close(world->link.xen.world);
}
