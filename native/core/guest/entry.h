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

/* Reads "msitranslate=0,power_mgmt=0,permissive=1,rdm_policy=strict,irq=20,allow=no-reset"; what else is in it is for
 * others. Returns 0 or -EINVAL. */
int pciback_entry_read_options(const char *text, struct pciback_entry *entry);

/* The entry of a device, or NULL. */
const struct pciback_entry *pciback_guest_entry(const struct pciback_guest *guest,
    const struct pciback_address *address);

/* Whether the guest should have this device, by what the store says. */
bool pciback_entry_wanted(const struct pciback_guest *guest, const struct pciback_entry *entry);

#endif
