/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../daemon/world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/kernel_host.h>

#include "children_here.h"
#include "fake_xen.h"
#include "simulated.h"

/* A Xen behind a socket, with what its dom0 does beside a backend. */
static int
open_simulated(const char *path, struct world *world, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct simulated_dom0 dom0;
	void *xen;
	int r = simulated_xen_open(&world->link, backend, path, message);

	if (r < 0)
		return r;
	xen = world->link.xen.world;
	r = simulated_xen_dom0(xen, &dom0);
	if (r == 0 && dom0.kernel_backend[0] == '\0') {
		simulated_hardware_beside(world->devices, xen);
		return 0;
	}
	if (r == 0)
		pciback_kernel_refuse(dom0.kernel_backend, message);
	else
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "the simulated Xen at %s can't be "
		    "asked: %s", path, strerror(-r));
	world->link.close(xen);
	return r == 0 ? -EBUSY : r;
}

/* ---- Without a socket: a Xen in memory that has no domain ------------------------------------ */

static int
receive_nothing(void *xen)
{
	(void)xen;
	return 0;
}

static uint64_t
real_clock(void *xen)
{
	(void)xen;
	return pciback_clock();
}

static int
open_empty(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct fake_xen *xen = calloc(1, sizeof(*xen));

	if (xen == NULL) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	xen->backend = backend;
	for (size_t i = 0; i < FAKE_DOMAINS; i++)
		xen->life[i] = PCIBACK_LIFE_GONE;
	*ret_link = (struct pciback_xen_link){
		.xen = { .operations = &fake_xen_operations, .world = xen },
		.receive = receive_nothing,
		.clock = real_clock,
		.close = free,
	};
	return 0;
}

/* In tests they are structs of this process, which every system has. */
bool
pciback_children_are_default(void)
{
	return true;
}

/* As those of a machine, beside the record. */
static int
keep_devices(const char *record, struct world *world, char message[PCIBACK_PLATFORM_MESSAGE])
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s.devices", record), r = -ENAMETOOLONG;

	if (n > 0 && (size_t)n < sizeof(path))
		r = simulated_hardware_keep(world->devices, path);
	if (r < 0)
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%.400s: %s", path, strerror(-r));
	return r;
}

int
world_open(const struct options *options, char **argv, struct pciback_backend *backend,
    struct world *ret_world, char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct world world = { .has_devices = false };
	int r;

	(void)argv;
	if (options->bus == NULL) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
		    "this is pcibackd-simulated, which has no devices but those of --bus DUMP");
		return -ENODEV;
	}
	r = simulated_hardware_read(options->bus, &world.hardware, message);
	if (r < 0)
		return r;
	world.devices = world.hardware.world;
	if (options->record != NULL)
		r = keep_devices(options->record, &world, message);
	if (r == 0)
		r = options->xen_socket != NULL ?
		    open_simulated(options->xen_socket, &world, backend, message) :
		    open_empty(&world.link, backend, message);
	if (r < 0) {
		simulated_hardware_close(world.devices);
		return r;
	}
	if (options->children) {
		r = children_here_open(&world.children, backend, options->n_guests);
		if (r < 0) {
			world_close(&world);
			(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s", strerror(-r));
			return r;
		}
	}
	*ret_world = world;
	return 0;
}

void
world_close(struct world *world)
{
	world->link.close(world->link.xen.world);
	simulated_hardware_close(world->devices);
	if (world->children.operations != NULL)
		children_here_close(&world->children);
}
