/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_CONNECTION_H
#define PCIBACK_GUEST_CONNECTION_H

#include "state.h"

/* The channel of one guest: its page, its event channel, its requests, reports of errors to it. */

/* Opens the channel as the frontend published it. Returns 0, or a negative errno and then nothing is
 * open. */
int pciback_connection_open(struct pciback_guest *guest);

/* Closes it, as far as it is open. */
void pciback_connection_close(struct pciback_guest *guest);

/* Sets handles_all_states if the page says so: only a frontend that answers error reports sets that
 * flag, and all that do handle every state [Linux]. */
void pciback_connection_recognise(struct pciback_guest *guest);

/* Serves the guest's requests, up to a limit, and opens its event channel again. */
void pciback_connection_serve(struct pciback_guest *guest);

/* Has a process again that serves its page, where one was ended for a device that it had. */
void pciback_connection_keep(struct pciback_guest *guest);

/* Tells the guest of an error of the device at a place, as pciback_aer_send(). */
int pciback_connection_report(struct pciback_guest *guest, enum pciback_command command, int32_t state,
    const struct pciback_address *place);

/* Ends a report to the guest whose answer has come, or did not come in time. */
void pciback_connection_check_report(struct pciback_guest *guest);

#endif
