/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_PUBLISH_H
#define PCIBACK_GUEST_PUBLISH_H

#include "state.h"

/*
 * Writes what the guest's devices look like (vdev-N, state-N, root-N, root_num) where it differs,
 * and the backend's own state, in one transaction that fails with -ESTALE when the toolstack has
 * changed anything meanwhile. Returns 0, or what the store returned, and then it is read again.
 */
int pciback_guest_publish(struct pciback_guest *guest, enum pciback_xenbus own);

#endif
