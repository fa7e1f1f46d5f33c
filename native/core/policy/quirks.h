/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_QUIRKS_H
#define PCIBACK_POLICY_QUIRKS_H

#include <stdbool.h>
#include <stdint.h>

#include <pciback/device.h>

/* Whether a device has a quirk of this kind (HIDE or SHOW) for a capability. */
bool pciback_quirks_has(const struct pciback_device *device, enum pciback_quirk_kind kind,
    uint8_t capability);

/* Adds the registers that quirks open, but where a capability has its own. Returns 0, -EINVAL for
 * one outside 0x40 to 0xff or with a type, or -ENOSPC. */
int pciback_quirks_add(struct pciback_device *device);

#endif
