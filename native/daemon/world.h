/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_WORLD_H
#define PCIBACK_DAEMON_WORLD_H

#include <pciback/children.h>
#include <pciback/platform.h>

#include "options.h"

/*
 * What pcibackd runs on. A program has one of two: daemon/world.c, the machine that it runs on, is
 * in pcibackd; testing/world.c, devices of a dump and a Xen that is simulated, in
 * pcibackd-simulated.
 */

struct world {
	struct pciback_xen_link link;
	struct pciback_hardware hardware;	/* `log` is left for the caller to set */
	struct pciback_children children;	/* without operations there are none */
	bool has_devices;		/* of the machine */
	void *devices;			/* the implementation's own */
};

/*
 * Opens what the options name, for a backend that is then bound to it.
 * `argv` is main()'s. A world that the program does not have is another program's, which then takes
 * the place of this one. Returns 0, or a negative errno value with one sentence in `message`.
 */
int world_open(const struct options *options, char **argv, struct pciback_backend *backend,
    struct world *ret_world, char message[PCIBACK_PLATFORM_MESSAGE]);
void world_close(struct world *world);

#endif
