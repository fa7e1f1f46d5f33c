/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parts.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
pciback_item_set(struct pciback_store_item *item, enum pciback_store_action action,
    uint16_t domain, const char *format, ...)
{
	size_t length = 0;
	va_list arguments;

	item->action = action;
	item->result = 0;
	item->value[0] = '\0';
	if (format[0] != '/')
		length = (size_t)snprintf(item->path, sizeof(item->path),
		    PCIBACK_BACKENDS_PATH "/%u/0/", (unsigned)domain);
	va_start(arguments, format);
	(void)vsnprintf(item->path + length, sizeof(item->path) - length, format, arguments);
	va_end(arguments);
}

void
pciback_item_value(struct pciback_store_item *item, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(item->value, sizeof(item->value), format, arguments);
	va_end(arguments);
}

void
pciback_backend_log(struct pciback_backend *backend, enum pciback_log_level level,
    uint16_t domain, const char *format, ...)
{
	char line[PCIBACK_LOG_LINE];
	size_t length = 0;
	va_list arguments;

	if (domain != 0)
		length = (size_t)snprintf(line, sizeof(line), "domain %u: ", (unsigned)domain);
	va_start(arguments, format);
	(void)vsnprintf(line + length, sizeof(line) - length, format, arguments);
	va_end(arguments);
	/* Values of the store are in it. */
	for (char *c = line; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	backend->hardware.log(backend->hardware.world, level, line);
}

int
pciback_sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

int
pciback_until(uint64_t now, uint64_t then)
{
	if (then <= now)
		return 0;
	return then - now > INT_MAX ? INT_MAX : (int)(then - now);
}
