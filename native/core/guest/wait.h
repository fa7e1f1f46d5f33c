/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_WAIT_H
#define PCIBACK_GUEST_WAIT_H

#include <stdint.h>

/* Times to wait, in milliseconds; -1 is for ever. */

/* The shorter of two. */
int pciback_wait_shorter(int a, int b);

/* From now until `then`, not negative. */
int pciback_wait_until(uint64_t now, uint64_t then);

#endif
