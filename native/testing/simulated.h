/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTING_SIMULATED_H
#define PCIBACK_TESTING_SIMULATED_H

#include <pciback/platform.h>

struct pciback_bus;

#define SIMULATED_DRIVERS_MAX	256
#define SIMULATED_RESET_MAX	100000	/* milliseconds until the next look at a reset */

/* A device that a driver of the simulated machine's dom0 uses, with the interrupt line of that driver. */
struct simulated_driver {
	struct pciback_address address;
	unsigned line;			/* 0: none */
	char name[PCIBACK_DRIVER_SIZE];
};

/* What is in the way of a backend in the simulated machine's dom0. */
struct simulated_dom0 {
	char kernel_backend[64];	/* the path that shows it; empty: there is none */
	size_t n_drivers;
	struct simulated_driver drivers[SIMULATED_DRIVERS_MAX];
};

/* A Xen that is simulated by the process behind a socket; its protocol is in native/README.md. As
 * pciback_xen_open(). */
int simulated_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    const char *path, char message[PCIBACK_PLATFORM_MESSAGE]);
/* Asks it, by `world` of its pciback_xen_link. Returns 0 or a negative errno value. */
int simulated_xen_dom0(void *world, struct simulated_dom0 *ret_dom0);

/* For how long a device's reset goes on, in milliseconds; 0 if it ends now. A negative errno value when nobody knows. */
int simulated_xen_reset(void *world, const struct pciback_address *address);

/* An access of a device's configuration space is made. */
void simulated_xen_access(void *world);

/* The devices of a dump, which behave. Returns 0 or -ENOMEM. */
int simulated_hardware_open(struct pciback_hardware *ret_hardware, const struct pciback_bus *bus);
/* The same, of a dump in a file; an error is a sentence. */
int simulated_hardware_read(const char *path, struct pciback_hardware *ret_hardware,
    char message[PCIBACK_PLATFORM_MESSAGE]);
/* Devices outlive the process that is killed: what they hold is in a file, and as the last process left it if there was one
 * with these devices. Returns 0 or a negative errno value. */
int simulated_hardware_keep(void *world, const char *path);
/* From now on devices that a driver of dom0 has are in use; `xen` is world of a pciback_xen_link. */
void simulated_hardware_beside(void *world, void *xen);
void simulated_hardware_close(void *world);

#endif
