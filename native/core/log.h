/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CORE_LOG_H
#define PCIBACK_CORE_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include <pciback/address.h>
#include <pciback/log.h>

/* Whether the guest may cause one more line now; if not, it is counted as dropped. */
bool pciback_log_may(struct pciback_log *log);

/* Writes the line itself, whether the guest may or not: "domain 3: 0000:03:00.0: ...", without the
 * address if it is NULL. `arguments` as vprintf(3). */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 0)))
#endif
void pciback_log_line(struct pciback_log *log, enum pciback_log_level level,
    const struct pciback_address *address, const char *format, va_list arguments);

#endif
