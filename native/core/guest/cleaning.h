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
 * Resets that take longer than pciback_slot_clean() waits, of devices that nobody has: others are served meanwhile. Who
 * wants one of these devices waits for it; it ends after PCIBACK_WAIT_RESET, whatever the device does.
 */

/* Looks after those that it is time for. Returns milliseconds until the next one, -1 for none. */
int pciback_cleaning_run(struct pciback_backend *backend);

/* This process ends: waits for all of them, PCIBACK_WAIT_LAST_RESETS milliseconds at most. */
void pciback_cleaning_end(struct pciback_backend *backend);

#endif
