/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_ERROR_H
#define PCIBACK_GUEST_ERROR_H

#include "state.h"

/* The last error in what the toolstack wrote for a guest, or in a device that it named. */

/* An error: kept for status, and if it is another than the last one, logged and written where
 * drivers say what went wrong [xenbus]. Arguments as printf(3). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void pciback_error_set(struct pciback_guest *guest, const char *format, ...);

/* Removes what was written to the store. */
void pciback_error_remove(const struct pciback_guest *guest);

#endif
