/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_REGISTER_H
#define PCIBACK_POLICY_REGISTER_H

#include <pciback/device.h>
#include <pciback/register.h>

/*
 * Adds a copy of a register between 0 and 0xff to a device.
 * Returns 0, -EINVAL (size, alignment, past 0xff, masks that overlap or reach past the size),
 * -EEXIST when another register has one of its bytes, or -ENOSPC.
 */
int pciback_device_add_register(struct pciback_device *device,
    const struct pciback_register *reg);

/* Shows `value` of the register, whatever the device says. */
extern const struct pciback_register_type pciback_register_fixed;

#endif
