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
 * quarantine, and made clean; its MSI-X table is protected from then on until it goes back.
 * `consent` is what its owner allows for it alone, PCIBACK_ALLOW_*. Returns 0, also while it is being reset, or a negative
 * errno with the reason in `message`; the device is then dom0's as before.
 */
int pciback_slot_take(struct pciback_backend *backend, const struct pciback_address *address,
    uint16_t domain, unsigned consent, struct pciback_slot **ret_slot, char message[PCIBACK_LOG_LINE]);

/*
 * Makes a device that no guest has as its first owner found it: reset, in D0, its configuration space
 * restored, decoded, but neither writing to memory nor interrupting, its MSI-X table protected. Returns 0;
 * -EINPROGRESS while it is being reset, which core/guest/cleaning.c goes on with; or a negative errno with the reason in
 * `message`. But for 0 nobody gets it.
 */
int pciback_slot_clean(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

/* The same after the reset, which has ended with this: 0 or a negative errno. */
int pciback_slot_finish_cleaning(struct pciback_slot *slot, int result, char message[PCIBACK_LOG_LINE]);

/* Whether the system is still at a reset that was given up: nothing may be asked of the device. One that has ended since is
 * made clean. */
bool pciback_slot_is_stuck(struct pciback_slot *slot);

/* Says that a device is being reset, and who would have it. Returns -EBUSY. */
int pciback_slot_await(struct pciback_slot *slot, uint16_t domain, char message[PCIBACK_LOG_LINE]);

/* Cleans one that is not clean and that no driver of dom0 has. The log says why it can't be; the next one who asks for
 * it makes another try. */
void pciback_slot_try_to_clean(struct pciback_slot *slot);

/* Brings it to D0, as what was saved of it tells; waits for it. Returns 0 or a negative errno. */
int pciback_slot_wake(const struct pciback_slot *slot);

/* Restores the configuration space alone, of a device that is clean. Returns as above. */
int pciback_slot_restore(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

/* It answers nobody and reaches no memory, so that it sends no MSI either; its line is off. Returns 0 or a negative
 * errno. */
int pciback_slot_silence(const struct pciback_slot *slot);

/* Has a device that a process before this one had taken from dom0, and that no guest has now, as pciback_slot_take()
 * leaves it. What is so already is done again, which does no harm. Returns 0, or a negative errno with the reason in
 * `message`. */
int pciback_slot_take_up(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

/* What an answer of the IOMMU to a device means: 0 also where there is none and the owner knows; else the
 * error, with a sentence. `what` it was to be: "assigned". */
int pciback_slot_explain_iommu(const struct pciback_slot *slot, int error, const char *what,
    char message[PCIBACK_LOG_LINE]);

/* One that was taken for nobody who has got it goes back to dom0; but one that is stuck stays in quarantine. */
void pciback_slot_drop(struct pciback_slot *slot);

/* Lets go of a device that no guest has: back to dom0, or as it is, for the next process that takes it. */
void pciback_slot_return(struct pciback_slot *slot, bool to_dom0);

#endif
