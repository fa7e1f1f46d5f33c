/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_HOST_LOCK_H
#define PCIBACK_HOST_LOCK_H

#include <pciback/platform.h>

/*
 * One process gives out a host's devices at a time: the one that has locked this file, which is a pcibackd, whatever
 * its control socket is, or a pcibackctl that gives devices to the kernel's backend. The lock goes with the process;
 * the file stays.
 */
#define PCIBACK_HOST_LOCK_PATH "/var/run/pcibackd.lock"

/*
 * Takes the lock until the process ends; the descriptor that holds it is never closed.
 * Returns 0, or a negative errno value: -EBUSY while another process has it, and *ret_holder is then
 * its number, or 0 if it has just ended.
 */
int pciback_host_lock_take(const char *path, long *ret_holder);

/* The same, after another process has ended, if that is so within so many milliseconds. A failure is a sentence, too. */
int pciback_host_lock_wait(const char *path, unsigned milliseconds, char message[PCIBACK_PLATFORM_MESSAGE]);

#endif
