/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_STEP_H
#define PCIBACK_GUEST_STEP_H

#include <pciback/xenbus.h>

#include "state.h"

/* Does one step of the state machine. When it fails, the next look decides again. */
void pciback_step_perform(struct pciback_guest *guest, enum pciback_step step);

/* Takes back all that a guest has: the channel, then the devices. */
void pciback_step_release(struct pciback_guest *guest);

#endif
