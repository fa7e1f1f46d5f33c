/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_TAKE_H
#define PCIBACK_GUEST_TAKE_H

#include "state.h"

/*
 * Takes a device from dom0, for a guest or (domain 0) for whoever comes: it is silenced, put into
 * quarantine, and begins to be made clean; its MSI-X table is protected from then on until it goes back.
 * `consent` is what its owner allows for it alone, PCIBACK_ALLOW_*; `irq` is as in pciback_slot. Returns 0, and whether it is clean or will be says
 * pciback_slot_is_cleaned(); or a negative errno with the reason in `message`: the device is then dom0's as before.
 */
int pciback_slot_take(struct pciback_backend *backend, const struct pciback_address *address,
    uint16_t domain, unsigned consent, uint8_t irq, struct pciback_slot **ret_slot, char message[PCIBACK_LOG_LINE]);

/* Has a device that a process before this one had taken from dom0, and that no guest has now, as pciback_slot_take()
 * leaves it. What is so already is done again, which does no harm. Returns 0, or a negative errno with the reason in
 * `message`. */
int pciback_slot_take_up(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

/*
 * Whether an owner may state this interrupt for a device's line; 0 states nothing. What the system says is right. Returns
 * 0, or -EINVAL with the reason in `message`.
 */
int pciback_slot_check_irq(const struct pciback_device_settings *settings, uint8_t irq, char message[PCIBACK_LOG_LINE]);

/* What an answer of the IOMMU to a device means: 0 also where there is none and the owner knows; else the
 * error, with a sentence. `what` it was to be: "assigned". */
int pciback_slot_explain_iommu(const struct pciback_slot *slot, int error, const char *what,
    char message[PCIBACK_LOG_LINE]);

/* One that was taken for nobody who has got it goes back to dom0; but one that is stuck stays in quarantine, and one whose
 * reset has ended after all goes back once it is clean. */
void pciback_slot_drop(struct pciback_slot *slot);

/* Lets go of a device that no guest has: back to dom0, or as it is, for the next process that takes it. */
void pciback_slot_return(struct pciback_slot *slot, bool to_dom0);

#endif
