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

/* A Xen that is simulated by the process behind a socket; its protocol is in native/README.md. As
 * pciback_xen_open(). */
int simulated_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    const char *path, char message[PCIBACK_PLATFORM_MESSAGE]);

/* The devices of a dump, which behave. Returns 0 or -ENOMEM. */
int simulated_hardware_open(struct pciback_hardware *ret_hardware, const struct pciback_bus *bus);
void simulated_hardware_close(void *world);

#endif
