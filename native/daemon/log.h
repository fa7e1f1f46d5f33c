/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_LOG_H
#define PCIBACK_DAEMON_LOG_H

#include <stddef.h>

#include <pciback/log.h>

/* The log: one line an event. */

enum log_format {
	LOG_FORMAT_TEXT,		/* time=... level=... domain=... message="..." */
	LOG_FORMAT_JSON,		/* an object with these members */
};

/* Where lines go: standard error, or with `to_syslog` syslog(3), which has its own time. */
void log_open(enum log_format format, bool to_syslog);

/* Writes one line. The signature is that of pciback_hardware.log; a line of a guest's starts with
 * "domain N: ". */
void log_line(void *world, enum pciback_log_level level, const char *line);

#define LOG_SIZE 1024

/* What log_line() writes to standard error, with its newline: at most LOG_SIZE bytes, without a NUL.
 * Returns how many. `time` is text of at most 32 bytes. */
size_t log_render(enum log_format format, const char *time, enum pciback_log_level level,
    const char *line, char text[LOG_SIZE]);

#endif
