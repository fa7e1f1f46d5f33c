/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_GUEST_H
#define PCIBACK_GUEST_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"

/* Makes a guest of a place in the table that is free. */
void pciback_guest_init(struct pciback_guest *guest, struct pciback_backend *backend,
    uint16_t domain);

/* The same; NULL if the table is full. */
struct pciback_guest *pciback_guest_add(struct pciback_backend *backend, uint16_t domain);

/* Does what is due for one guest: requests, then looks, decides and acts. Returns milliseconds until
 * something is due, or -1. */
int pciback_guest_run(struct pciback_guest *guest);

/* Whether something is due at once, such as what came in while another guest had its turn. */
bool pciback_guest_is_due(const struct pciback_guest *guest);

/* Removes what the store has of a guest whose domain is gone; nothing of one that lives, or whose life Xen does not tell. */
void pciback_guest_remove_left(struct pciback_guest *guest);

#endif
