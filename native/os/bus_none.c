/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if !defined(__linux__) && !defined(__NetBSD__)

#include <pciback/os.h>

#include <errno.h>
#include <stdio.h>

int
pciback_bus_scan(struct pciback_bus *bus, bool (*is_wanted)(const struct pciback_address *address),
    struct pciback_scan_error *error)
{
	(void)bus;
	(void)is_wanted;
	(void)snprintf(error->path, sizeof(error->path), "the machine's own PCI bus");
	return -ENOSYS;
}

#else

/* This file is for systems without a way to read the bus; C has no empty translation unit. */
typedef int pciback_has_bus;

#endif
