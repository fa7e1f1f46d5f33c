/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_SYSFS_H
#define PCIBACK_OS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>

#include "reset_process.h"

/*
 * Files of Linux's PCI devices. `name` is a device's address as pciback_address_format() writes it. Functions
 * return 0 or a negative errno value.
 */

#define SYSFS_DEVICES "/sys/bus/pci/devices"

/* Whether it is that file of the device that is open. One that was removed and found again has others of its own. */
bool sysfs_is_open(const char *name, const char *file, int fd);

/* Writes a value to a file of the device. */
int sysfs_set(const char *name, const char *file, const char *value);

/* The kernel's reset of the device, by whatever way it knows: as reset_process_run(). */
int sysfs_reset(const char *name, struct reset_process *process);

/* The number in a file of the device, decimal or with 0x. */
int sysfs_get(const char *name, const char *file, unsigned long *ret_value);

/* The name of the driver that has a device, whichever it is; false for none. */
bool sysfs_driver(const char *name, char *ret_driver, size_t size);

/* Which driver of this system has a device: none, one that only keeps it for others (pciback, pci-stub,
 * vfio-pci), or another one. */
enum sysfs_owner {
	SYSFS_NOBODY,
	SYSFS_KEEPER,
	SYSFS_DRIVER,
};

enum sysfs_owner sysfs_owner(const char *name);

#endif
