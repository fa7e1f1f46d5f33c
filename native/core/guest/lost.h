/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_LOST_H
#define PCIBACK_GUEST_LOST_H

#include "state.h"

/*
 * Looks every PCIBACK_WAIT_CHECK whether the devices that were taken from dom0 are there still, and no
 * driver of dom0 has them. One that is lost is served no more: its guest's next look takes it back.
 * Returns milliseconds until the next look, -1 for none.
 */
int pciback_lost_check(struct pciback_backend *backend);

/* The same for one device, now. One that is gone, and of which no guest has anything, is forgotten. */
void pciback_lost_check_one(struct pciback_slot *slot);

#endif
