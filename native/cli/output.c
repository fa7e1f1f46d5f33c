/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static int
not_written(void)
{
	(void)fprintf(stderr, "pcibackctl: standard output can't be written\n");
	return CLI_FAILED;
}

int
cli_flush(void)
{
	return fflush(stdout) != 0 ? not_written() : CLI_OK;
}

static int
stdout_sink(void *context, const char *bytes, size_t length)
{
	(void)context;
	return fwrite(bytes, 1, length, stdout) == length ? 0 : -EIO;
}

void
cli_json_begin(struct pciback_json *json, const char *schema)
{
	pciback_json_init(json, stdout_sink, NULL);
	pciback_json_object(json, NULL);
	pciback_json_string(json, "schema", schema);
}

int
cli_json_end(struct pciback_json *json)
{
	pciback_json_object_end(json);
	return pciback_json_finish(json) < 0 ? not_written() : cli_flush();
}

int
cli_fail(const struct cli_options *options, int status, const char *format, ...)
{
	char message[1024];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	(void)fprintf(stderr, "pcibackctl: %s\n", message);
	if (options->json) {
		struct pciback_json json;

		cli_json_begin(&json, "xen.pciback/error/1");
		pciback_json_string(&json, "message", message);
		(void)cli_json_end(&json);
	}
	return status;
}

void
cli_print_bytes(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte >= 0x20 && byte < 0x7f)
			(void)putchar(byte);
		else
			(void)printf("\\x%02x", (unsigned)byte);
	}
}
