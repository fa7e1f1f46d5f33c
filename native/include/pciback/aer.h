/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_AER_H
#define PCIBACK_AER_H

/*
 * Reports of PCI Express errors (AER) to a guest, over the page of its channel. One report at a
 * time and guest, and nobody waits: a guest that never answers holds up no other (Linux's backend
 * waits 300 s under one lock for all).
 */

#include <stdint.h>

#include <pciback/address.h>
#include <pciback/channel.h>

/*
 * Reports an error of the device at `place`: `command` is one of PCIBACK_AER_*, `state` the
 * channel's (1 normal, 2 frozen, 3 permanent failure). Never waits: the answer comes with an event.
 * Returns 0, -EINVAL (another command), -ENOTSUP when the frontend has no handler, or -EBUSY
 * while a report is out.
 */
int pciback_aer_send(struct pciback_channel *channel, enum pciback_command command, int32_t state,
    const struct pciback_address *place);

/* Whether the frontend says that it answers reports. Remember it: a guest can take it back. */
bool pciback_aer_is_handled(const struct pciback_channel *channel);

/*
 * Takes the answer to a report. Returns 0, -EAGAIN while there is none, -ENOENT when nothing was
 * reported. An answer that is none of pciback_recovery is PCIBACK_RECOVERY_DISCONNECT.
 */
int pciback_aer_take(struct pciback_channel *channel, enum pciback_recovery *ret_result);

/* Gives up a report that was not answered in time; another one can be sent. */
void pciback_aer_cancel(struct pciback_channel *channel);

#endif
