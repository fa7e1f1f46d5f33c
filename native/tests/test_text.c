/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <pciback/text.h>

void
test_text(struct harness *harness)
{
	size_t line = 0, column = 0;

	CHECK_NUMBER(pciback_hex_digit('0'), 0);
	CHECK_NUMBER(pciback_hex_digit('9'), 9);
	CHECK_NUMBER(pciback_hex_digit('a'), 10);
	CHECK_NUMBER(pciback_hex_digit('F'), 15);
	CHECK_NUMBER(pciback_hex_digit('g'), -1);
	CHECK_NUMBER(pciback_hex_digit('\xff'), -1);
	CHECK_NUMBER(pciback_lower('A'), 'a');
	CHECK_NUMBER(pciback_lower('['), '[');
	CHECK(pciback_starts_with_nocase("PciBack.hide=x", 14, "pciback.hide="));
	CHECK(!pciback_starts_with_nocase("pciback.hid", 11, "pciback.hide="));

	pciback_position("ab\ncd\n", 0, &line, &column);
	CHECK_NUMBER(line, 1);
	CHECK_NUMBER(column, 1);
	pciback_position("ab\ncd\n", 4, &line, &column);
	CHECK_NUMBER(line, 2);
	CHECK_NUMBER(column, 2);
	pciback_position("ab\ncd\n", 6, &line, &column);
	CHECK_NUMBER(line, 3);
	CHECK_NUMBER(column, 1);
}
