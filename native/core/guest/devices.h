/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_DEVICES_H
#define PCIBACK_GUEST_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "state.h"

/* The devices of one guest, as the store names them. */

/* How many it has. */
size_t pciback_devices_count(const struct pciback_guest *guest);

/* Whether one that it should have is about to be taken back from another guest. */
bool pciback_devices_any_becomes_free(const struct pciback_guest *guest);

/* Gives it what the store names. Returns how many devices that are, and sets waits_for_device when
 * one of them is about to be taken back from another guest. */
size_t pciback_devices_give_wanted(struct pciback_guest *guest);

/* Takes back what the store does not name for it; with `only_unnamed` not what it names to be taken
 * back. */
void pciback_devices_take_back_unwanted(struct pciback_guest *guest, bool only_unnamed);

/* Takes back all of them. */
void pciback_devices_take_back_all(struct pciback_guest *guest);

#endif
