/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <pciback/json.h>

static struct {
	enum log_format format;
	bool to_syslog;
} settings;

static const char *const levels[] = { "info", "warning", "error" };

void
log_open(enum log_format format, bool to_syslog)
{
	settings.format = format;
	settings.to_syslog = to_syslog;
	if (to_syslog)
		openlog("pcibackd", LOG_PID, LOG_DAEMON);
}

struct text {
	char *bytes;			/* LOG_SIZE of them */
	size_t length;
};

static int
append(void *context, const char *bytes, size_t length)
{
	struct text *text = context;

	if (length > LOG_SIZE - text->length)
		return -ENOSPC;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	return 0;
}

static void
write_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(STDERR_FILENO, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		/* There is nobody to tell. */
		if (n <= 0)
			return;
		bytes += n;
		length -= (size_t)n;
	}
}

/* Whose line it is; *ret_message is what follows. */
static unsigned long
split(const char *line, const char **ret_message)
{
	unsigned long domain;
	char *end;

	*ret_message = line;
	if (strncmp(line, "domain ", 7) != 0)
		return 0;
	domain = strtoul(line + 7, &end, 10);
	if (strncmp(end, ": ", 2) != 0)
		return 0;
	*ret_message = end + 2;
	return domain;
}

static void
format_time(char text[40])
{
	struct timespec now;
	struct tm utc;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &utc) == NULL)
		memset(&utc, 0, sizeof(utc));
	n = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(text + n, 40 - n, ".%03uZ", (unsigned)(now.tv_nsec / 1000000 % 1000));
}

size_t
log_render(enum log_format format, const char *time, enum pciback_log_level level, const char *line,
    char bytes[LOG_SIZE])
{
	struct text text = { .bytes = bytes };
	struct pciback_json json;
	const char *message;
	unsigned long domain = split(line, &message);

	/* The writer escapes; a text line is made of its strings. */
	pciback_json_init(&json, append, &text);
	if (format == LOG_FORMAT_JSON) {
		pciback_json_object(&json, NULL);
		pciback_json_string(&json, "time", time);
		pciback_json_string(&json, "level", levels[level]);
		if (domain != 0)
			pciback_json_unsigned(&json, "domain", domain);
		pciback_json_string(&json, "message", message);
		pciback_json_object_end(&json);
	} else {
		char head[96];
		int n = snprintf(head, sizeof(head), "time=%.32s level=%s ", time, levels[level]);

		if (domain != 0)
			n += snprintf(head + n, sizeof(head) - (size_t)n, "domain=%lu ", domain);
		(void)append(&text, head, (size_t)n);
		(void)append(&text, "message=", 8);
		pciback_json_string(&json, NULL, message);
	}
	(void)pciback_json_finish(&json);
	return text.length;
}

void
log_line(void *world, enum pciback_log_level level, const char *line)
{
	static const int priorities[] = { LOG_INFO, LOG_WARNING, LOG_ERR };
	char now[40], text[LOG_SIZE];

	(void)world;
	if (settings.to_syslog) {
		syslog(priorities[level], "%s", line);
		return;
	}
	format_time(now);
	write_all(text, log_render(settings.format, now, level, line, text));
}
