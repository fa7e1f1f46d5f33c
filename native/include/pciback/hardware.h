/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_HARDWARE_H
#define PCIBACK_HARDWARE_H

#include <limits.h>
#include <stdbool.h>

#include <pciback/address.h>
#include <pciback/bus.h>
#include <pciback/device.h>
#include <pciback/log.h>
#include <pciback/operations.h>
#include <pciback/wanted.h>

#define PCIBACK_NEIGHBOUR_UNTOLD UINT_MAX	/* a line, and nobody says which */

/* A device that a driver of dom0 uses. */
struct pciback_neighbour {
	struct pciback_address address;
	unsigned line;			/* the interrupt line that its driver uses; 0: none, or MSI */
	size_t n_bars;
	struct pciback_bar bars[PCIBACK_BARS_MAX];	/* their sizes can't be seen from outside */
};

/* The machine's devices. Functions return 0 or a negative errno value. */
struct pciback_hardware {
	/* config_read, config_write, device_enable and power_set are used; MSI goes through Xen. */
	const struct pciback_operations *operations;
	void *world;
	/* What a device is and who has it; nothing is done to it. -ENODEV: there is none. */
	int (*identify)(void *world, const struct pciback_address *address, struct pciback_found *ret_found);
	/* Takes a device from dom0, whose drivers don't get it from then on, and tells what it is, with the
	 * handle that the operations get. -ENODEV: there is none; -EBUSY: a driver of dom0 has it. */
	int (*open)(void *world, const struct pciback_address *address,
	    struct pciback_device_settings *ret_settings);
	/* Whether it is there and nobody else's still: 0; -ENODEV: it is gone, also if it is back since; -EBUSY: a
	 * driver of dom0 has taken it, as a rescan or whoever is root makes one do. */
	int (*check)(void *world, void *handle);
	/* Calls `visit` for each device that a driver of dom0 uses, until that returns something else than 0,
	 * which is then returned; or a negative errno value when they can't be found. */
	int (*visit_neighbours)(void *world, int (*visit)(void *context,
	    const struct pciback_neighbour *neighbour), void *context);
	/* Lets go of it. With `to_dom0` its drivers may have it again; else it stays taken, for the next
	 * process that opens it. */
	void (*release)(void *world, void *handle, bool to_dom0);
	/* Puts a device that does not write to memory into the state that it has when it is switched on.
	 * What was programmed may be lost, BARs too. It takes no time itself: while it returns more than 0 it is to be
	 * called again after so many milliseconds, and nobody else asks the device anything until it has returned
	 * something else. -ENOTSUP: this one can't be. */
	int (*reset)(void *world, void *handle);
	/* The file of a device's configuration space, which can be given to another process. NULL: there is none. */
	int (*config_file)(void *world, void *handle);
	/* That file is more than this device, and must not be given to whom a guest may take over. In a process that got
	 * it and has nothing else: the handle with which config_read and config_write of the operations reach the
	 * device. NULL: the file is the device's configuration space, for pread() and pwrite(). */
	int (*adopt)(void *world, int file, const struct pciback_address *address, void **ret_handle);
	/* Waits. */
	void (*pause)(void *world, unsigned milliseconds);
	/* Writes one line of the log. */
	void (*log)(void *world, enum pciback_log_level level, const char *line);
};

#endif
