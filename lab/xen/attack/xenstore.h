/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LAB_HOSTILE_XENSTORE_H
#define LAB_HOSTILE_XENSTORE_H

/* xenstore by Linux's /dev/xen/xenbus, which speaks its wire protocol; a message at a time. */

#include <stddef.h>

/* Returns 0 or a negative errno value. */
int xenstore_open(void);

/* Reads a value, cut off to fit; returns 0 or -1, also where it is not there. */
int xenstore_read(const char *path, char *ret_text, size_t size);

/* Writes one; returns 0 or -1. */
int xenstore_write(const char *path, const char *text);

#endif
