/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/json.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void
put(struct pciback_json *json, const char *bytes, size_t length)
{
	if (json->error == 0 && length != 0)
		json->error = json->sink(json->context, bytes, length);
}

static void
put_text(struct pciback_json *json, const char *text)
{
	put(json, text, strlen(text));
}

/* How many bytes the UTF-8 character at `text` has; 0 when it is no valid one (RFC 3629). */
static size_t
utf8_length(const unsigned char *text, size_t length)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t need;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		need = 2;
	else if (text[0] >= 0xe0 && text[0] <= 0xef)
		need = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (length < need)
		return 0;
	/* Overlong forms, surrogates and what lies past U+10FFFF show in the second byte. */
	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if (text[i] < 0x80 || text[i] > 0xbf)
			return 0;
	return need;
}

static void
put_quoted(struct pciback_json *json, const char *bytes, size_t length)
{
	const unsigned char *text = (const unsigned char *)bytes;

	put(json, "\"", 1);
	for (size_t i = 0; i < length;) {
		size_t n = utf8_length(text + i, length - i);
		char escape[8];

		if (n == 0) {
			put_text(json, "\\ufffd");
			n = 1;
		} else if (text[i] == '"' || text[i] == '\\') {
			put(json, "\\", 1);
			put(json, bytes + i, 1);
		} else if (text[i] < 0x20 || text[i] == 0x7f) {
			(void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)text[i]);
			put_text(json, escape);
		} else {
			put(json, bytes + i, n);
		}
		i += n;
	}
	put(json, "\"", 1);
}

/* What stands before a value: a comma, and the member's name. */
static void
lead(struct pciback_json *json, const char *key)
{
	if (json->need_comma)
		put(json, ", ", 2);
	json->need_comma = true;
	if (key != NULL) {
		put_quoted(json, key, strlen(key));
		put(json, ": ", 2);
	}
}

static void
open_with(struct pciback_json *json, const char *key, const char *bracket)
{
	lead(json, key);
	put_text(json, bracket);
	json->need_comma = false;
}

static void
close_with(struct pciback_json *json, const char *bracket)
{
	put_text(json, bracket);
	json->need_comma = true;
}

void
pciback_json_init(struct pciback_json *json, pciback_json_sink sink, void *context)
{
	*json = (struct pciback_json){ .sink = sink, .context = context };
}

void
pciback_json_object(struct pciback_json *json, const char *key)
{
	open_with(json, key, "{");
}

void
pciback_json_object_end(struct pciback_json *json)
{
	close_with(json, "}");
}

void
pciback_json_array(struct pciback_json *json, const char *key)
{
	open_with(json, key, "[");
}

void
pciback_json_array_end(struct pciback_json *json)
{
	close_with(json, "]");
}

void
pciback_json_string(struct pciback_json *json, const char *key, const char *text)
{
	pciback_json_bytes(json, key, text, strlen(text));
}

void
pciback_json_bytes(struct pciback_json *json, const char *key, const char *bytes, size_t length)
{
	lead(json, key);
	put_quoted(json, bytes, length);
}

void
pciback_json_number(struct pciback_json *json, const char *key, int64_t value)
{
	char digits[24];

	lead(json, key);
	(void)snprintf(digits, sizeof(digits), "%" PRId64, value);
	put_text(json, digits);
}

void
pciback_json_unsigned(struct pciback_json *json, const char *key, uint64_t value)
{
	char digits[24];

	lead(json, key);
	(void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	put_text(json, digits);
}

void
pciback_json_bool(struct pciback_json *json, const char *key, bool value)
{
	lead(json, key);
	put_text(json, value ? "true" : "false");
}

void
pciback_json_null(struct pciback_json *json, const char *key)
{
	lead(json, key);
	put_text(json, "null");
}

int
pciback_json_finish(struct pciback_json *json)
{
	put(json, "\n", 1);
	return json->error;
}
