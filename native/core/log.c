/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "log.h"

#include <inttypes.h>
#include <stdio.h>

#include <pciback/operations.h>

void
pciback_log_init(struct pciback_log *log, const struct pciback_host *host, uint16_t domain,
    uint64_t now)
{
	*log = (struct pciback_log){ .host = host, .domain = domain, .now = now };
	pciback_limit_init(&log->limit, 1, 1, now);
}

/* Adds to a line; what does not fit is left out. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 0)))
#endif
static void
append(char line[PCIBACK_LOG_LINE], size_t *length, const char *format, va_list arguments)
{
	int n = vsnprintf(line + *length, PCIBACK_LOG_LINE - *length, format, arguments);

	if (n > 0)
		*length += (size_t)n;
	if (*length >= PCIBACK_LOG_LINE)
		*length = PCIBACK_LOG_LINE - 1;
}

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static void
append_format(char line[PCIBACK_LOG_LINE], size_t *length, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append(line, length, format, arguments);
	va_end(arguments);
}

bool
pciback_log_may(struct pciback_log *log)
{
	if (pciback_limit_take(&log->limit, log->now))
		return true;
	if (log->n_dropped < UINT32_MAX)
		log->n_dropped++;
	return false;
}

void
pciback_log_line(struct pciback_log *log, enum pciback_log_level level,
    const struct pciback_address *address, const char *format, va_list arguments)
{
	char line[PCIBACK_LOG_LINE], name[PCIBACK_ADDRESS_SIZE];
	size_t length = 0;

	append_format(line, &length, "domain %u: ", (unsigned)log->domain);
	if (log->n_dropped > 0)
		append_format(line, &length, "(%" PRIu32 " lines dropped) ",
		    log->n_dropped);
	log->n_dropped = 0;
	if (address != NULL) {
		pciback_address_format(address, name);
		append_format(line, &length, "%s: ", name);
	}
	append(line, &length, format, arguments);
	for (size_t i = 0; i < length; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	log->host->operations->log(log->host->world, level, line);
}

void
pciback_log_write(struct pciback_log *log, enum pciback_log_level level, const char *format, ...)
{
	va_list arguments;

	if (!pciback_log_may(log))
		return;
	va_start(arguments, format);
	pciback_log_line(log, level, NULL, format, arguments);
	va_end(arguments);
}

void
pciback_log_limited(struct pciback_log *log, const char *what)
{
	if (log->now < log->limited_again || !pciback_limit_has(&log->limit, log->now))
		return;
	log->limited_again = log->now + PCIBACK_WAIT_LIMITED;
	pciback_log_write(log, PCIBACK_LOG_WARNING, "%s", what);
}
