/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_SLOT_H
#define PCIBACK_GUEST_SLOT_H

#include "state.h"

/*
 * Gives a device to a guest: takes it from dom0 unless it was taken before, lays out its policy, assigns
 * it, grants what belongs to it, gives it a place on the guest's bus.
 * Returns 0, also when the guest has it already, or a negative errno after having undone all of
 * it, and then one sentence in message. -EBUSY while it is being reset for the guest (pciback_slot_is_coming()).
 */
int pciback_slot_give(struct pciback_guest *guest, const struct pciback_entry *entry,
    char message[PCIBACK_LOG_LINE]);

/*
 * Whether a domain (0: dom0) could get the device: nobody has it, and it is not held back from another
 * one, also after another try to take it. Returns 0, or -EBUSY and one sentence in message.
 */
int pciback_slot_check_free(struct pciback_backend *backend, const struct pciback_address *address,
    uint16_t domain, char message[PCIBACK_LOG_LINE]);

/*
 * Takes a device back from its guest, as far as it was given, and cleans it. While its domain lives, the
 * device is held back.
 */
void pciback_slot_take_back(struct pciback_slot *slot);

/* Why a device is served no more that is lost. */
void pciback_slot_explain_lost(const struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

/* Tries again for all devices that are held back; true if one is free now. A domain that is gone has
 * nothing any more. */
bool pciback_slot_free_held_back(struct pciback_backend *backend);

/* This process ends: lets go of all devices, which stay taken from dom0. */
void pciback_slot_give_up(struct pciback_backend *backend);

#endif
