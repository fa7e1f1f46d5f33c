/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_OPERATIONS_H
#define PCIBACK_GUEST_OPERATIONS_H

#include <pciback/operations.h>

/*
 * The operations that a guest's devices and its channel get: registers and power states are the
 * hardware's, MSI and events are Xen's. `world` is the backend, a device's handle its slot, a
 * channel's its guest.
 */
void pciback_operations_init(struct pciback_operations *ret_operations);

#endif
