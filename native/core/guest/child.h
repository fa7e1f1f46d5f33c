/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_CHILD_H
#define PCIBACK_GUEST_CHILD_H

#include "state.h"

/*
 * The child that serves a guest's page. What it says is hostile: its guest may have taken it over. It can then do
 * what it could before, to the devices of its guest, and have this process do what a request of its guest can. One that
 * says anything else, does not answer or ends is lost, and with it its guest's connection, and nothing else.
 */

/* Whether children serve pages. */
static inline bool
pciback_child_is_wanted(const struct pciback_guest *guest)
{
	return guest->backend->children.operations != NULL;
}

/*
 * Starts the child of a guest with the page and the event channel that the frontend has published, and gives it all
 * devices of the guest. Returns 0, or a negative errno value and how far it came.
 */
int pciback_child_start(struct pciback_guest *guest, uint32_t reference, uint32_t port,
    enum pciback_start_step *ret_step);

/* Gives it one more device. Returns 0, also if none is running, or a negative errno value. */
int pciback_child_give(struct pciback_slot *slot);

/* Ends it; the next one goes on where it was. When this returns no child has any of the guest's devices. */
void pciback_child_stop(struct pciback_guest *guest);

/* Takes what it has said, if it is time to. */
void pciback_child_run(struct pciback_guest *guest);

/* Has it tell the guest of an error; the answer is then in the child's state. Returns 0, -ENOTSUP when the frontend
 * does not answer such reports, or -EPIPE. */
int pciback_child_report(struct pciback_guest *guest, enum pciback_command command, int32_t error,
    const struct pciback_address *place);
void pciback_child_cancel_report(struct pciback_guest *guest);

#endif
