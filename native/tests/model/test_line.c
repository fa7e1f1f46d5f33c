/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "../../model/line.h"

static void
test_lines(struct harness *harness)
{
	static const char text[] = "a=b#c=d\n#e=f\n=g\nh\ni==j";
	static const struct {
		size_t key_begin, key_end, value_end;
		bool has_value;
	} expected[] = { { 0, 1, 3, true }, { 8, 8, 8, false }, { 13, 13, 15, true },
		{ 16, 17, 17, false }, { 18, 19, 22, true } };
	struct pciback_boot_cfg cfg = { .text = text, .length = sizeof(text) - 1 };
	struct model_line line;
	size_t offset = 0, n = 0;

	while (n < 5 && model_next_line(&cfg, offset, n + 1, &line)) {
		CHECK_NUMBER(line.key.begin, expected[n].key_begin);
		CHECK_NUMBER(line.key.end, expected[n].key_end);
		CHECK_NUMBER(line.value.end, expected[n].value_end);
		CHECK_NUMBER(line.has_value, expected[n].has_value);
		offset = line.next;
		n++;
	}
	CHECK_NUMBER(n, 5);
	CHECK(!model_next_line(&cfg, offset, 6, &line));
}

void
test_line(struct harness *harness)
{
	static const char text[] = "menux=A:b\nme=C\n";
	struct pciback_boot_cfg cfg = { .text = text, .length = sizeof(text) - 1 };
	struct model_line line;

	test_lines(harness);
	/* A key is what it begins with. */
	CHECK(model_next_line(&cfg, 0, 1, &line));
	CHECK(model_key_begins(&cfg, &line, "menu"));
	CHECK(!model_key_begins(&cfg, &line, "banner"));
	CHECK(model_next_line(&cfg, line.next, 2, &line));
	CHECK(!model_key_begins(&cfg, &line, "menu"));
	CHECK_NUMBER(line.number, 2);
	/* At the end nothing is touched. */
	CHECK(!model_next_line(&cfg, line.next, 3, &line));
	CHECK_NUMBER(line.number, 2);
}
