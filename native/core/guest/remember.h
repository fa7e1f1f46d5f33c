/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_REMEMBER_H
#define PCIBACK_GUEST_REMEMBER_H

#include "state.h"

/*
 * The record that the process after this one reads. What is about to be done stands in it before it is done, so that a
 * process that is killed at any point leaves no permission that the next one does not know of, but for an MSI whose number
 * Xen had only just told.
 */

enum pciback_remembered {
	PCIBACK_UNDER_WAY,		/* something is being done to the device */
	PCIBACK_SETTLED,
	PCIBACK_EXACT,			/* the same, and this process does nothing more */
};

/* Writes down what a slot has; of one that is free, that it is. Does nothing where there is no record. One that can't be
 * written is discarded as a whole, since what stands in it is no longer so. */
void pciback_remember(struct pciback_slot *slot, enum pciback_remembered remembered);

/* Writes down of all of a guest's devices what has changed of its channel. */
void pciback_remember_channel(struct pciback_guest *guest);

/* Asks Xen for the identity of the slot's domain. Without one nobody goes on with what it has. */
void pciback_remember_domain(struct pciback_slot *slot);

/*
 * Reads what is written of a slot into the backend's `record`, and has the slot's next writing follow it. Returns as
 * pciback_record_read(); of two copies of which one is damaged, the other one is taken for what was under way.
 */
int pciback_recall(struct pciback_slot *slot);

#endif
