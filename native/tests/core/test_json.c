/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/json.h>

struct buffer {
	char text[512];
	size_t length, limit;
};

static int
to_buffer(void *context, const char *bytes, size_t length)
{
	struct buffer *buffer = context;

	if (buffer->length + length >= buffer->limit)
		return -ENOSPC;
	memcpy(buffer->text + buffer->length, bytes, length);
	buffer->length += length;
	buffer->text[buffer->length] = '\0';
	return 0;
}

static void
check_string(struct harness *harness, const char *bytes, size_t length, const char *expected)
{
	struct buffer buffer = { .limit = sizeof(buffer.text) };
	struct pciback_json json;

	pciback_json_init(&json, to_buffer, &buffer);
	pciback_json_bytes(&json, NULL, bytes, length);
	CHECK_NUMBER(pciback_json_finish(&json), 0);
	CHECK_TEXT(buffer.text, expected);
}

#define CHECK_STRING(bytes, expected) \
	check_string(harness, (bytes), sizeof(bytes) - 1, "\"" expected "\"\n")

void
test_json(struct harness *harness)
{
	struct buffer buffer = { .limit = sizeof(buffer.text) };
	struct pciback_json json;

	pciback_json_init(&json, to_buffer, &buffer);
	pciback_json_object(&json, NULL);
	pciback_json_string(&json, "s", "x");
	pciback_json_array(&json, "a");
	pciback_json_number(&json, NULL, -1);
	pciback_json_unsigned(&json, NULL, UINT64_MAX);
	pciback_json_object(&json, NULL);
	pciback_json_object_end(&json);
	pciback_json_array_end(&json);
	pciback_json_bool(&json, "b", true);
	pciback_json_null(&json, "n");
	pciback_json_object_end(&json);
	CHECK_NUMBER(pciback_json_finish(&json), 0);
	CHECK_TEXT(buffer.text,
	    "{\"s\": \"x\", \"a\": [-1, 18446744073709551615, {}], \"b\": true, \"n\": null}\n");

	CHECK_STRING("a\"b\\c/", "a\\\"b\\\\c/");
	CHECK_STRING("\t\r\x7f\0", "\\u0009\\u000d\\u007f\\u0000");
	CHECK_STRING("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	CHECK_STRING("\x80x", "\\ufffdx");
	CHECK_STRING("\xc0\xaf", "\\ufffd\\ufffd");
	CHECK_STRING("\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd");
	CHECK_STRING("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");
	CHECK_STRING("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
	CHECK_STRING("\xf0\x8f\xbf\xbf", "\\ufffd\\ufffd\\ufffd\\ufffd");
	CHECK_STRING("\xe2\x82", "\\ufffd\\ufffd");
	CHECK_STRING("\xe2\x28\xa1", "\\ufffd(\\ufffd");
	CHECK_STRING("\xff", "\\ufffd");

	/* The first error of the sink is kept. */
	buffer = (struct buffer){ .limit = 8 };
	pciback_json_init(&json, to_buffer, &buffer);
	pciback_json_string(&json, NULL, "longer than eight");
	CHECK_NUMBER(pciback_json_finish(&json), -ENOSPC);
}
