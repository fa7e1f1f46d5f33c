/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_WANTED_H
#define PCIBACK_DAEMON_WANTED_H

#include <pciback/wanted.h>

/* How a client names a device: its address, and options after commas, each at most once. */

/* The options that a request knows. */
enum {
	WANTED_KNOWS_IDENTITY = 1 << 0,	/* id=8086:10d3, subsystem=8086:a01f */
	WANTED_KNOWS_POLICY = 1 << 1,	/* permissive=0|1, rdm_policy=strict|relaxed */
};

#define WANTED_MESSAGE 128

/*
 * Reads a word, which is cut into its parts; `knows` is of the values above. *device holds on entry what
 * counts for a device that says nothing else. Returns 0, or -EINVAL with one sentence in `message`.
 */
int wanted_read(char *word, unsigned knows, struct pciback_wanted *device, char message[WANTED_MESSAGE]);

#endif
