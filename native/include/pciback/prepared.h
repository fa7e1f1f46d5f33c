/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_PREPARED_H
#define PCIBACK_PREPARED_H

#include <stddef.h>

#include <pciback/address.h>
#include <pciback/platform.h>

/*
 * Files of Linux that libxl reads of a device, where there is no Linux: /sys/bus/pci/devices/0000:BB:DD.F/resource and
 * irq. The file /sys/.xen-pciback says that all of /sys was made here, and for which devices. A /sys that has no such
 * file, holds anything else, is a link, or lies on another file system, is somebody else's and is left alone.
 *
 * `root` is the directory in which sys is. Functions return 0 or a negative errno value, and then one sentence in
 * `message`. A process that ends half-way leaves what the next one goes on from.
 */

#define PCIBACK_PREPARED_MAX 256

struct pciback_prepared {
	struct pciback_address address;
	const char *resource;		/* what the file holds */
	const char *irq;		/* the same; "": there is none */
};

/* Whether there is no /sys, or ours. */
int pciback_prepared_check(const char *root, char message[PCIBACK_PLATFORM_MESSAGE]);

/* Makes the files of devices, or replaces them, each in one step. */
int pciback_prepared_write(const char *root, const struct pciback_prepared *devices, size_t n,
    char message[PCIBACK_PLATFORM_MESSAGE]);

/* Removes the files of devices, and with the last one /sys. -ENOENT, and nothing is removed, when one of them has none. */
int pciback_prepared_remove(const char *root, const struct pciback_address *addresses, size_t n,
    char message[PCIBACK_PLATFORM_MESSAGE]);

#endif
