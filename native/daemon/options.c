/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <pciback/allow.h>
#include <pciback/control.h>
#include <pciback/platform.h>
#include <pciback/record.h>
#include <pciback/text.h>

/* Where a sentence about a mistake goes. */
struct reader {
	struct options options;
	char *message;
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
refuse(struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(reader->message, OPTIONS_MESSAGE, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int
read_allow(struct reader *reader, const char *text)
{
	size_t length = 0;

	text = pciback_allow_parse(text, ',', &reader->options.allow, &length);
	return text == NULL ? 0 : refuse(reader, "--allow %.*s: " PCIBACK_ALLOW_NAMES " would stand here", (int)length,
	    text);
}

static int
read_count(struct reader *reader, const char *name, const char *text, size_t *ret_value)
{
	uint32_t value;

	if (pciback_decimal_parse(text, 1024, &value) < 0 || value == 0)
		return refuse(reader, "%s %s: a number from 1 to 1024 would stand here", name, text);
	*ret_value = value;
	return 0;
}

/* One of two words. */
static int
read_choice(struct reader *reader, const char *name, const char *text, const char *first,
    const char *second, bool *ret_is_second)
{
	if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
		return refuse(reader, "%s %s: %s or %s would stand here", name, text, first, second);
	*ret_is_second = strcmp(text, second) == 0;
	return 0;
}

static int
read_value(struct reader *reader, const char *name, const char *value)
{
	struct options *options = &reader->options;
	bool is_second = false;
	int r = 0;

	if (strcmp(name, "--bus") == 0) {
		options->bus = value;
	} else if (strcmp(name, "--xen-socket") == 0) {
		options->xen_socket = value;
	} else if (strcmp(name, "--control") == 0) {
		options->control = value;
	} else if (strcmp(name, "--record") == 0) {
		options->record = value;
	} else if (strcmp(name, "--allow") == 0) {
		r = read_allow(reader, value);
	} else if (strcmp(name, "--guests") == 0) {
		r = read_count(reader, name, value, &options->n_guests);
	} else if (strcmp(name, "--devices") == 0) {
		r = read_count(reader, name, value, &options->n_devices);
	} else if (strcmp(name, "--topology") == 0) {
		r = read_choice(reader, name, value, "virtual", "real", &is_second);
		if (r == 0)
			options->topology = is_second ? PCIBACK_TOPOLOGY_REAL : PCIBACK_TOPOLOGY_VIRTUAL;
	} else if (strcmp(name, "--children") == 0) {
		r = read_choice(reader, name, value, "yes", "no", &is_second);
		if (r == 0)
			options->children = !is_second;
	} else if (strcmp(name, "--log") == 0) {
		r = read_choice(reader, name, value, "text", "json", &is_second);
		if (r == 0)
			options->format = is_second ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	} else {
		r = refuse(reader, "%s: no such option", name);
	}
	return r;
}

/* One option, "--name VALUE" or "--name=VALUE"; moves *i to its last word. */
static int
read_option(struct reader *reader, int argc, char **argv, int *i)
{
	char name[32];
	const char *value = strchr(argv[*i], '=');
	size_t length = value != NULL ? (size_t)(value - argv[*i]) : strlen(argv[*i]);
	int r;

	if (strcmp(argv[*i], "--foreground") == 0) {
		reader->options.foreground = true;
		return 0;
	}
	if (strncmp(argv[*i], "--", 2) != 0 || length >= sizeof(name))
		return refuse(reader, "%s: an option would stand here", argv[*i]);
	memcpy(name, argv[*i], length);
	name[length] = '\0';
	if (value != NULL) {
		value++;
	} else if (*i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0) {
		*i += 1;
		value = argv[*i];
	} else {
		value = "";
	}
	/* Whether there is such an option comes first. */
	r = read_value(reader, name, value);
	if (r == 0 && *value == '\0')
		r = refuse(reader, "%s: a value would follow", name);
	return r;
}

int
options_read(int argc, char **argv, struct options *ret_options, char message[OPTIONS_MESSAGE])
{
	struct reader reader = {
		.options = { .control = PCIBACK_CONTROL_PATH, .n_guests = 64, .n_devices = 64,
			.children = pciback_children_are_default() },
		.message = message,
	};

	for (int i = 1; i < argc; i++) {
		int r = read_option(&reader, argc, argv, &i);

		if (r < 0)
			return r;
	}
	if (reader.options.xen_socket != NULL && reader.options.bus == NULL)
		return refuse(&reader, "--xen-socket is for tests and needs --bus DUMP");
	/* A simulated host has no boots, and several may be on this one. */
	if (reader.options.record == NULL && reader.options.bus == NULL)
		reader.options.record = PCIBACK_RECORD_PATH;
	if (reader.options.record != NULL && strcmp(reader.options.record, "none") == 0)
		reader.options.record = NULL;
	*ret_options = reader.options;
	return 0;
}
