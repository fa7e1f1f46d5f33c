/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_CAPABILITY_H
#define PCIBACK_POLICY_CAPABILITY_H

#include <stdint.h>

#include <pciback/device.h>

/* Adds the registers of the capabilities, and those that quirks open; interrupts and wake-up events
 * that the device still has on are turned off if it `is_new` to its guest. *ret_first is where the chain begins for the guest, 0
 * if it is shown none. Returns 0, -EIO, -EINVAL or -ENOSPC. */
int pciback_policy_add_capabilities(struct pciback_device *device, bool is_new, uint8_t *ret_first);

#endif
