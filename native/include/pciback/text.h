/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TEXT_H
#define PCIBACK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a text: the bytes from `begin` up to, not including, `end`. */
struct pciback_span {
	size_t begin;
	size_t end;
};

static inline size_t
pciback_span_length(struct pciback_span span)
{
	return span.end - span.begin;
}

/* The value of a hexadecimal digit, or -1. Independent of the locale. */
int pciback_hex_digit(char c);

/* Reads a decimal number without sign or blanks, at most `max`. Returns 0, -EINVAL or -ERANGE. */
int pciback_decimal_parse(const char *text, uint32_t max, uint32_t *ret_value);

/* c in lower case if it is an ASCII capital. Independent of the locale. */
char pciback_lower(char c);

/* Whether `text` starts with `prefix`, ASCII capitals and small letters being the same. */
bool pciback_starts_with_nocase(const char *text, size_t length, const char *prefix);

/* The 1-based line and byte column of an offset in a text. */
void pciback_position(const char *text, size_t offset, size_t *ret_line, size_t *ret_column);

#endif
