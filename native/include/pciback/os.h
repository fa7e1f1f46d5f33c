/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_H
#define PCIBACK_OS_H

#include <stdbool.h>
#include <stddef.h>

#include <pciback/bus.h>

/*
 * What touches the machine. Errors are negative errno values.
 */

/*
 * Reads a regular file, a pipe or a device from its beginning, up to `limit` bytes and no
 * further: a file that is larger gives `limit` bytes. A directory is refused with -EISDIR, a
 * pipe that nobody writes to with -ENODATA.
 * The caller frees *ret_bytes, which has one NUL more than *ret_length says.
 */
int pciback_read_file(const char *path, size_t limit, char **ret_bytes, size_t *ret_length);

/* Whether `path`, taken below the directory `root`, is a regular file. */
bool pciback_file_exists(const char *root, const char *path);

/* What could not be read of the machine, for one sentence. */
struct pciback_scan_error {
	char path[64];
};

/*
 * Reads the machine's own bus into an empty one: on Linux from /sys/bus/pci/devices, on NetBSD
 * with the ioctls of pci(4) on /dev/pci0 and up. Elsewhere -ENOSYS.
 * `is_wanted` says of which functions alone; the others may be there, too, but on Linux they are asked nothing: one that
 * is being reset answers when that has ended. NULL: all.
 * The bus is empty again after a failure, and `error` then names what failed.
 */
int pciback_bus_scan(struct pciback_bus *bus, bool (*is_wanted)(const struct pciback_address *address),
    struct pciback_scan_error *error);

#endif
