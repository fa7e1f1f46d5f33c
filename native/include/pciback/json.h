/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_JSON_H
#define PCIBACK_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes the next bytes of the output; returns 0 or a negative errno, which ends the output. */
typedef int (*pciback_json_sink)(void *context, const char *bytes, size_t length);

/*
 * A writer of one JSON value, on one line. It places commas and quotes; the caller nests.
 * `key` names a member of the object that is open, and is NULL for an element of an array and
 * for the outermost value. Strings may hold any bytes: what is not UTF-8 becomes U+FFFD, so
 * that the output is valid whatever a hostile file held.
 */
struct pciback_json {
	pciback_json_sink sink;
	void *context;
	int error;		/* the first negative errno of the sink; nothing is written after it */
	bool need_comma;
};

void pciback_json_init(struct pciback_json *json, pciback_json_sink sink, void *context);
void pciback_json_object(struct pciback_json *json, const char *key);
void pciback_json_object_end(struct pciback_json *json);
void pciback_json_array(struct pciback_json *json, const char *key);
void pciback_json_array_end(struct pciback_json *json);
void pciback_json_string(struct pciback_json *json, const char *key, const char *text);
void pciback_json_bytes(struct pciback_json *json, const char *key, const char *bytes,
    size_t length);
void pciback_json_number(struct pciback_json *json, const char *key, int64_t value);
void pciback_json_unsigned(struct pciback_json *json, const char *key, uint64_t value);
void pciback_json_bool(struct pciback_json *json, const char *key, bool value);
void pciback_json_null(struct pciback_json *json, const char *key);

/* Ends the line. Returns 0 or the first error of the sink, a negative errno. */
int pciback_json_finish(struct pciback_json *json);

#endif
