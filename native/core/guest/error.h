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

/* Why something could not be done with a device: a sentence that begins with its address. Arguments as
 * printf(3). */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void pciback_error_explain(char message[PCIBACK_LOG_LINE], const struct pciback_address *address,
    const char *format, ...);

/* An error: kept for status, and if it is another than the last one, logged and written where
 * drivers say what went wrong [xenbus]. Arguments as printf(3). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void pciback_error_set(struct pciback_guest *guest, const char *format, ...);

/* Removes what was written to the store. */
void pciback_error_remove(const struct pciback_guest *guest);

#endif
