/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_VIEW_H
#define PCIBACK_GUEST_VIEW_H

#include <stdbool.h>

#include <pciback/xenbus.h>

#include "state.h"

/* The view that the state machine decides on. */
void pciback_guest_view(const struct pciback_guest *guest, struct pciback_view *ret_view);

/* Whether a device that the guest would have is being reset. */
bool pciback_guest_awaits_reset(const struct pciback_guest *guest);

/* Whether what is waited for should have come by now. */
bool pciback_guest_timed_out(const struct pciback_guest *guest);

#endif
