/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_KERNEL_HOLD_H
#define PCIBACK_KERNEL_HOLD_H

#include <pciback/kernel_backend.h>

#include "../guest/state.h"

/*
 * Takes a device that the kernel's backend keeps and no guest has, if it is the one that is wanted: silenced, in
 * quarantine, reset and restored. Its settings get the interrupt that the kernel has said, or where it tells none any more, the one
 * that is wanted. Returns 0, or a negative errno with a sentence; the device is
 * then as it was.
 */
int pciback_kernel_hold(struct pciback_backend *backend, const struct pciback_kernel_host *host,
    const struct pciback_wanted *wanted, char message[PCIBACK_LOG_LINE]);

/* The interrupt that the guest asks for is what it reads in INTERRUPT_LINE, where the kernel's backend leaves the
 * firmware's. Returns 0, or a negative errno with a sentence. */
int pciback_kernel_write_line(const struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

/* Takes everything back from every device that was taken; those that no guest can reach any more go out of quarantine. */
void pciback_kernel_let_go(struct pciback_backend *backend);

/* Finds the interrupt of a device that is open; 0 for one without. `stated` is the owner's word for it, which counts where the
 * kernel tells none; 0: there is none. As pciback_kernel_hold(). */
int pciback_kernel_find_line(const struct pciback_backend *backend, const struct pciback_kernel_host *host,
    struct pciback_device_settings *settings, uint8_t stated, char message[PCIBACK_LOG_LINE]);

#endif
