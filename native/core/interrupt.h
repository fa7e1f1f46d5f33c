/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_INTERRUPT_H
#define PCIBACK_INTERRUPT_H

#include <pciback/backend.h>

/* Back to INTx, whatever was on. Returns 0, or what failed; it is off then all the same, as far as
 * the device's state goes, and is not tried again. */
int pciback_interrupt_release(struct pciback_device *device);

/* Acts on a command that is no access to a configuration space. `vectors` are those of the request,
 * and *value is its value, then the answer's. */
enum pciback_answer pciback_interrupt_act(struct pciback_device *device, uint32_t command,
    uint32_t *value, struct pciback_vector *vectors);

#endif
