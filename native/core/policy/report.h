/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_REPORT_H
#define PCIBACK_POLICY_REPORT_H

#include <pciback/device.h>

/* A line about a device, "domain 3: 0000:03:00.0: ..."; a guest may cause it, so there is one a
 * second. Arguments as printf(3). */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void pciback_device_log(const struct pciback_device *device, enum pciback_log_level level,
    const char *format, ...);

/* The same, for what happens while a device is set up: no guest causes it, and none is dropped. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void pciback_device_report(const struct pciback_device *device, enum pciback_log_level level,
    const char *format, ...);

#endif
