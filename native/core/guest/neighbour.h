/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_NEIGHBOUR_H
#define PCIBACK_GUEST_NEIGHBOUR_H

#include "state.h"

/*
 * Refuses a device that shares its interrupt line, or 4096 bytes of memory, with one that dom0 uses
 * (XSA-461), unless the owner allows it: the guest could keep the line busy, or reach the other one's
 * registers. Returns 0, or a negative errno with the reason in `message`.
 */
int pciback_slot_check_neighbours(const struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

/* Whether it shares 4096 bytes of memory with another device. Where a BAR of that begins is enough: one that is larger than
 * a page has its pages for itself. */
bool pciback_neighbour_shares_page(const struct pciback_device_settings *settings,
    const struct pciback_neighbour *neighbour);

#endif
