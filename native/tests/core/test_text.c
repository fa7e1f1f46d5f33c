/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>

#include <pciback/text.h>

static void
test_decimal(struct harness *harness)
{
	uint32_t value = 7;

	CHECK_NUMBER(pciback_decimal_parse("4294967295", UINT32_MAX, &value), 0);
	CHECK_NUMBER(value, UINT32_MAX);
	CHECK_NUMBER(pciback_decimal_parse("0", 0, &value), 0);
	CHECK_NUMBER(value, 0);
	CHECK_NUMBER(pciback_decimal_parse("4294967296", UINT32_MAX, &value), -ERANGE);
	CHECK_NUMBER(pciback_decimal_parse("99999999999999999999999999", UINT32_MAX, &value), -ERANGE);
	CHECK_NUMBER(pciback_decimal_parse("1", 0, &value), -ERANGE);
	CHECK_NUMBER(pciback_decimal_parse("", 9, &value), -EINVAL);
	CHECK_NUMBER(pciback_decimal_parse("+1", 9, &value), -EINVAL);
	CHECK_NUMBER(pciback_decimal_parse(" 1", 9, &value), -EINVAL);
	CHECK_NUMBER(pciback_decimal_parse("1 ", 9, &value), -EINVAL);
	CHECK_NUMBER(pciback_decimal_parse("0x1", 9, &value), -EINVAL);
	CHECK_NUMBER(value, 0);
}

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
	test_decimal(harness);
}
