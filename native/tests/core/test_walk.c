/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../core/walk.h"

/* What is written is read, each number in its bytes, the lowest first. */
static void
test_numbers(struct harness *harness)
{
	uint8_t bytes[16] = { 0 };
	struct pciback_walk to = { .to = bytes }, from = { .from = bytes };
	uint8_t byte = 0x11, read_byte = 0;
	uint16_t half = 0x2233, read_half = 0;
	uint32_t word = 0x44556677, read_word = 0;
	uint64_t wide = UINT64_C(0x8899aabbccddeeff), read_wide = 0;
	bool flag = true, read_flag = false;

	pciback_walk_byte(&to, &byte, UINT8_MAX);
	pciback_walk_half(&to, &half);
	pciback_walk_word(&to, &word, 0, UINT32_MAX);
	pciback_walk_wide(&to, &wide);
	pciback_walk_flag(&to, &flag);
	CHECK_NUMBER(to.position, 16);
	CHECK(memcmp(bytes, "\x11\x33\x22\x77\x66\x55\x44\xff\xee\xdd\xcc\xbb\xaa\x99\x88\x01", 16) == 0);
	pciback_walk_byte(&from, &read_byte, UINT8_MAX);
	pciback_walk_half(&from, &read_half);
	pciback_walk_word(&from, &read_word, 0, UINT32_MAX);
	pciback_walk_wide(&from, &read_wide);
	pciback_walk_flag(&from, &read_flag);
	CHECK(read_byte == byte && read_half == half && read_word == word && read_wide == wide && read_flag);
	CHECK(!from.failed);
}

/* A number out of its range is said, and the least one that is in it is read. */
static void
test_ranges(struct harness *harness)
{
	static const uint8_t bytes[] = { 2, 8, 0x20, 9 };
	struct pciback_walk walk = { .from = bytes };
	bool flag = true;
	uint8_t byte = 0;

	pciback_walk_flag(&walk, &flag);
	CHECK(walk.failed && !flag);
	walk.failed = false;
	pciback_walk_byte(&walk, &byte, 7);
	CHECK(walk.failed && byte == 0);
	walk.failed = false;
	CHECK_NUMBER(pciback_walk_number(&walk, 1, 0, 0, 0x1f), 0);
	CHECK(walk.failed);
	walk.failed = false;
	CHECK_NUMBER(pciback_walk_number(&walk, 1, 0, 9, 9), 9);
	CHECK(!walk.failed);
}

void
test_walk(struct harness *harness)
{
	test_numbers(harness);
	test_ranges(harness);
}
