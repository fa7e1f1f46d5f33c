/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_CLEANING_H
#define PCIBACK_GUEST_CLEANING_H

#include "state.h"

/*
 * Goes on with the devices that are made clean (core/guest/clean.h): one step of one of them in each run of the backend,
 * in turns, so that guests' requests and changes, and other devices, wait for one step and no longer. Who wants one of
 * these devices waits for it. It ends, whatever the device does: a reset is given up after PCIBACK_WAIT_RESET.
 */

/* Does the step that is due. Returns milliseconds until the next one, -1 for none; 0 after a step. */
int pciback_cleaning_run(struct pciback_backend *backend);

/* This process ends: waits for all of them, PCIBACK_WAIT_LAST_RESETS milliseconds at most. */
void pciback_cleaning_end(struct pciback_backend *backend);

#endif
