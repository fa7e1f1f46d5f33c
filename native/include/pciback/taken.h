/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TAKEN_H
#define PCIBACK_TAKEN_H

#include <stddef.h>

#include <pciback/log.h>
#include <pciback/wanted.h>

/*
 * Devices that were taken from dom0 and that no guest has: in Xen's quarantine, clean, ready for whoever
 * comes. A guest's devices are taken when it gets them, and stay taken afterwards.
 */

struct pciback_backend;

/*
 * Whether devices are there, and have the numbers that they have to have; nothing is done to them.
 * Returns 0, or a negative errno with one sentence in `message`: -ENODEV for one that is not there,
 * -EXDEV for another one than is expected.
 */
int pciback_backend_check(const struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n,
    char message[PCIBACK_LOG_LINE]);

/* What is at an address. Returns 0, -ENODEV when there is no device, or another negative errno value. */
int pciback_backend_find_device(const struct pciback_backend *backend, const struct pciback_address *address,
    struct pciback_found *ret_found);

/*
 * Takes devices from dom0, all of them or none. While one of them is being reset, it returns -EINPROGRESS and is to be
 * called again. Those that are taken already stay so, with whoever has
 * them, and from now on that is allowed for them which their words say, and their interrupt is the one that these state;
 * a guest that has one learns of it when it gets it again. They are checked before anything is
 * done to one of them.
 * Returns 0, or a negative errno with one sentence in `message`: as above, or -EBUSY when a driver of dom0
 * has one. At most PCIBACK_ENTRIES_MAX of them.
 */
int pciback_backend_take(struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n,
    char message[PCIBACK_LOG_LINE]);

/* Returns devices to dom0, out of quarantine, all of them or none; drivers may have them then. Returns as
 * above, -ENOENT for one that was not taken, -EBUSY for one that somebody has, or that the system resets without end. */
int pciback_backend_return(struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n,
    char message[PCIBACK_LOG_LINE]);

#endif
