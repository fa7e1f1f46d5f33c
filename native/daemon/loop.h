/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_LOOP_H
#define PCIBACK_DAEMON_LOOP_H

#include <pciback/platform.h>

#include "control.h"
#include "world.h"

/* Waits for Xen, clients and signals, and lets the backend do what is due. */

/* Catches SIGTERM and SIGINT: the first asks the guests to let go, the second does not wait for
 * them; and SIGHUP, which hands the guests over to the next process. Returns 0 or a negative errno. */
int loop_catch_signals(void);

#define LOOP_MESSAGE 128

/* Until a signal ends it: 0, or 1 when the guests are to be handed over; or until it can't go on: a negative errno value with one sentence in
 * `message`. `n_guests`: room for so many. */
int loop_run(struct pciback_backend *backend, struct world *world, struct control *control, size_t n_guests,
    char message[LOOP_MESSAGE]);

#endif
