/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include <pciback/hide_list.h>

static struct pciback_hide_list
parse(const char *value)
{
	struct pciback_hide_list list;

	pciback_hide_list_parse(value, strlen(value), &list);
	return list;
}

/* The executed values are in model/vectors.c; here are the structure and the edges. */
void
test_hide_list(struct harness *harness)
{
	struct pciback_hide_list list;
	char value[PCIBACK_HIDE_BUFFER + 16];

	list = parse("(00:04.0)(zz)x");
	CHECK_NUMBER(list.result, PCIBACK_HIDE_KERNEL_FAULT);
	CHECK_NUMBER(list.n_entries, 2);
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_CLAIM);
	CHECK_NUMBER(list.entries[0].offset, 0);
	CHECK_NUMBER(list.entries[0].length, 9);
	CHECK_NUMBER(list.entries[1].kind, PCIBACK_HIDE_FAULT);
	CHECK_NUMBER(list.entries[1].offset, 9);
	CHECK_NUMBER(list.stop, 9);

	list = parse("(100:1f.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_NO_MATCH);
	CHECK_NUMBER(list.entries[0].bus, 0x100);
	list = parse("(-1:0.0)");
	CHECK_NUMBER(list.entries[0].bus, UINT32_MAX);
	list = parse("(-100000000:4.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_CLAIM);
	CHECK_NUMBER(list.entries[0].bus, 0);
	list = parse("(ffffffffffffffff:4.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_NO_MATCH);
	list = parse("(10000000000000000:4.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_SKIPPED);
	list = parse("(0000:00000:04.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_CLAIM);
	list = parse("( +0x0:04.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_CLAIM);
	list = parse("(\v00:\f04.\r0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_CLAIM);
	list = parse("(\b00:04.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_SKIPPED);
	list = parse("(ff:1f.7)(00:20.0)(00:1f.8)(100:00.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_CLAIM);
	CHECK_NUMBER(list.entries[1].kind, PCIBACK_HIDE_NO_MATCH);
	CHECK_NUMBER(list.entries[2].kind, PCIBACK_HIDE_NO_MATCH);
	CHECK_NUMBER(list.entries[3].kind, PCIBACK_HIDE_NO_MATCH);
	list = parse("(+ 0:04.0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_SKIPPED);
	list = parse("(00:04:0)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_SKIPPED);
	list = parse("(00:04.0\r)");
	CHECK_NUMBER(list.entries[0].kind, PCIBACK_HIDE_SKIPPED);

	/* Where it stops. */
	list = parse("(00:04.0");
	CHECK_NUMBER(list.result, PCIBACK_HIDE_NOT_REGISTERED);
	CHECK_NUMBER(list.stop, 1);
	list = parse("(00:04.0)\r");
	CHECK_NUMBER(list.result, PCIBACK_HIDE_NOT_REGISTERED);
	CHECK_NUMBER(list.stop, 9);

	/* A NUL ends the value. */
	pciback_hide_list_parse("(00:04.0)\0junk", 14, &list);
	CHECK_NUMBER(list.result, PCIBACK_HIDE_REGISTERED);
	CHECK_NUMBER(list.n_entries, 1);
	pciback_hide_list_parse("", 0, &list);
	CHECK_NUMBER(list.result, PCIBACK_HIDE_EMPTY);

	/* 63, 64 and more: as many entries as can be, then the end of the buffer. */
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = "(:)"[i % 3];
	pciback_hide_list_parse(value, 63, &list);
	CHECK_NUMBER(list.result, PCIBACK_HIDE_REGISTERED);
	CHECK_NUMBER(list.n_entries, 21);
	CHECK_NUMBER(list.stop, 63);
	pciback_hide_list_parse(value, 64, &list);
	CHECK_NUMBER(list.result, PCIBACK_HIDE_UNDEFINED);
	pciback_hide_list_parse(value, sizeof(value), &list);
	CHECK_NUMBER(list.result, PCIBACK_HIDE_UNDEFINED);
	CHECK_NUMBER(list.n_entries, 21);
	memcpy(value + 60, "(:.)", 4);
	pciback_hide_list_parse(value, 64, &list);
	CHECK_NUMBER(list.result, PCIBACK_HIDE_UNDEFINED);
	CHECK_NUMBER(list.n_entries, 21);
	value[63] = 'x';
	value[62] = ')';
	pciback_hide_list_parse(value, 70, &list);
	CHECK_NUMBER(list.result, PCIBACK_HIDE_NOT_REGISTERED);
	CHECK_NUMBER(list.stop, 63);

	CHECK_TEXT(pciback_hide_result_name(PCIBACK_HIDE_UNDEFINED), "undefined");
}
