/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_RESET_H
#define PCIBACK_RESET_H

#include <stdint.h>

#include <pciback/operations.h>

enum pciback_reset_stage {
	PCIBACK_RESET_NONE,
	PCIBACK_RESET_PENDING,		/* what the function asked for before is on its way still */
	PCIBACK_RESET_ASLEEP,		/* it is in D3hot */
	PCIBACK_RESET_SILENT,		/* it may not answer yet */
};

/* How far a reset has come. Cleared to zero there is none; so it is again when one has ended. */
struct pciback_reset {
	enum pciback_reset_stage stage;
	unsigned n_left;		/* waits of this stage */
};

/*
 * Resets a function through its own registers, where the system has no way to: by a function level
 * reset [PCIe 6.6.2; Advanced Capabilities ECN] or through D3hot [PM 5.4]. It must not write to memory
 * any more. All that was programmed is lost, BARs too.
 *
 * Does the next step, without waiting. `config` is what its first PCIBACK_CONFIG_PCI bytes were.
 * Returns milliseconds after which it is to be called again, and before which nobody may ask the function anything;
 * 0 at the end; -ENOTSUP if it has none of these; -EIO if it does not answer again within a second, or what an operation
 * returned.
 */
int pciback_reset(struct pciback_reset *reset, const struct pciback_operations *operations, void *world,
    void *handle, const uint8_t *config);

/*
 * Brings a device to D0, where it answers. What it had programmed may be lost. `pause` waits some milliseconds.
 * Returns 1 if it was asleep, 0 if it was not or has no power states, -EIO if it stays where it is, or what an operation
 * returned.
 */
int pciback_wake(const struct pciback_operations *operations, void *world, void *handle,
    const uint8_t *config, void (*pause)(void *world, unsigned milliseconds));

#endif
