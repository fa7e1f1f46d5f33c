/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_LOOK_H
#define PCIBACK_GUEST_LOOK_H

#include "state.h"

/* Reads what the store says of a guest, its devices too if look_backend is set, and whether its
 * domain runs if look_life is. Returns 0, or a negative errno when Xen could not be asked. */
int pciback_guest_look(struct pciback_guest *guest);

/* Reads which page and event channel the frontend names. Returns 0, or a negative errno when a key
 * is missing or holds garbage. */
int pciback_guest_look_at_channel(struct pciback_guest *guest);

#endif
