/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "report.h"

#include <stdarg.h>

#include "../log.h"

void
pciback_device_log(const struct pciback_device *device, enum pciback_log_level level,
    const char *format, ...)
{
	va_list arguments;

	if (!pciback_log_may(device->log))
		return;
	va_start(arguments, format);
	pciback_log_line(device->log, level, &device->settings.address, format, arguments);
	va_end(arguments);
}

void
pciback_device_report(const struct pciback_device *device, enum pciback_log_level level,
    const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	pciback_log_line(device->log, level, &device->settings.address, format, arguments);
	va_end(arguments);
}
