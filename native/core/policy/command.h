/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_COMMAND_H
#define PCIBACK_POLICY_COMMAND_H

#include <stdint.h>

#include <pciback/device.h>
#include <pciback/registers.h>

enum {
	/* What of COMMAND is read from the device; what the guest wrote is shown for the rest. */
	COMMAND_FROM_DEVICE = COMMAND_MASTER | COMMAND_SPECIAL | COMMAND_INVALIDATE |
	    COMMAND_VGA_PALETTE | COMMAND_WAIT | COMMAND_FAST_BACK,
	/* What reaches the device as the guest wants it. */
	COMMAND_PASSED = COMMAND_MASTER | COMMAND_INVALIDATE,
	/* And what does so besides if the device is permissive. */
	COMMAND_PERMISSIVE = COMMAND_FROM_DEVICE & ~COMMAND_PASSED,
};

/*
 * Writes all of the device's COMMAND: what the host keeps, what of `wanted` is the guest's to
 * have, and INTX_DISABLE as the interrupt that is on demands it. Never a read: what a device
 * lost in a power state comes back, and what it says decides nothing.
 */
enum pciback_answer pciback_command_apply(struct pciback_device *device, uint32_t wanted);

/* COMMAND as a guest reads and writes it. */
extern const struct pciback_register_type pciback_register_command;

#endif
