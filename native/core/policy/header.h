/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_HEADER_H
#define PCIBACK_POLICY_HEADER_H

#include <stdint.h>

#include <pciback/device.h>

/* Adds the registers of the first 64 bytes; `first_capability` is what the guest sees as the
 * beginning of the chain, 0 for none. Returns 0, -EIO, or what pciback_device_add_register()
 * returns. */
int pciback_policy_add_header(struct pciback_device *device, uint8_t first_capability);

#endif
