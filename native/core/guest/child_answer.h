/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_CHILD_ANSWER_H
#define PCIBACK_GUEST_CHILD_ANSWER_H

#include "state.h"

/*
 * Does for a child what it asks for one of its guest's devices, as far as a request of the guest could have it done,
 * and makes the answer. What it says of the device decides nothing: interrupts are what this process knows of them.
 */
void pciback_child_answer(struct pciback_slot *slot, const struct pciback_message *question,
    struct pciback_message *ret_answer);

#endif
