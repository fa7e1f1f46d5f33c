/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_HARDWARE_H
#define PCIBACK_HARDWARE_H

#include <pciback/address.h>
#include <pciback/device.h>
#include <pciback/log.h>
#include <pciback/operations.h>

/* The machine's devices. */
struct pciback_hardware {
	/* config_read, config_write, device_enable and power_set are used; MSI goes through Xen. */
	const struct pciback_operations *operations;
	void *world;
	/* Takes a device from dom0 and tells what it is, with the handle that the operations get.
	 * -ENODEV: there is none; -EBUSY: a driver of dom0 has it. */
	int (*open)(void *world, const struct pciback_address *address,
	    struct pciback_device_settings *ret_settings);
	/* Returns it to dom0; resets it if it can. */
	void (*release)(void *world, void *handle);
	/* Writes one line of the log. */
	void (*log)(void *world, enum pciback_log_level level, const char *line);
};

#endif
