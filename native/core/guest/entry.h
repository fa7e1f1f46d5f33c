/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_ENTRY_H
#define PCIBACK_GUEST_ENTRY_H

#include <stdbool.h>

#include "state.h"

/* The entry of a device, or NULL. */
const struct pciback_entry *pciback_guest_entry(const struct pciback_guest *guest,
    const struct pciback_address *address);

/* Whether the guest should have this device, by what the store says. */
bool pciback_entry_wanted(const struct pciback_guest *guest, const struct pciback_entry *entry);

#endif
