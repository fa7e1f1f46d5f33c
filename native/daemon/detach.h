/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_DETACH_H
#define PCIBACK_DAEMON_DETACH_H

/*
 * Leaving the terminal, in two steps: what is opened in between belongs to the process that stays, and
 * what fails is said on the terminal and is the exit status of the command.
 */

/*
 * Goes on in a new process; the old one waits for it in here and ends with its exit status, or with 0
 * once it has started. Returns a descriptor for the second step, or a negative errno value in a
 * process that has not forked.
 */
int detach_begin(void);

/* The start is done: leaves the directory and the standard descriptors, and lets the old process end.
 * Returns 0, or a negative errno value; the old one then waits still. */
int detach_end(int fd);

#endif
