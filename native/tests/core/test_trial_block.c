/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/trial_block.h>

/* A block that holds these lines behind its first. */
static void
fill(char bytes[PCIBACK_TRIAL_BLOCK_SIZE], const char *lines)
{
	static const char first[] = "# GRUB Environment Block\n";

	memset(bytes, '#', PCIBACK_TRIAL_BLOCK_SIZE);
	memcpy(bytes, first, sizeof(first) - 1);
	memcpy(bytes + sizeof(first) - 1, lines, strlen(lines));
}

static void
test_lines(struct harness *harness)
{
	static const struct {
		const char *lines;
		int result, variable;
	} cases[] = {
		{ "xen_pciback_trial=armed\n", 0, PCIBACK_TRIAL_VARIABLE_ARMED },
		{ "# a comment\nxen_pciback_trial=tried\nsaved_entry=1>2\n", 0, PCIBACK_TRIAL_VARIABLE_TRIED },
		{ "saved_entry=1>2\nxen_pciback_trial=final\n", 0, PCIBACK_TRIAL_VARIABLE_KEPT },
		{ "", -ENOENT, -1 },
		{ "saved_entry=1\n", -ENOENT, -1 },
		{ "another_xen_pciback_trial=armed\n", -ENOENT, -1 },
		{ "# xen_pciback_trial=armed\n", -ENOENT, -1 },
		/* A line feed behind a backslash ends nothing. */
		{ "a=b\\\nxen_pciback_trial=armed\n", -ENOENT, -1 },
		{ "a=b\\\\\nxen_pciback_trial=armed\n", 0, PCIBACK_TRIAL_VARIABLE_ARMED },
		{ "xen_pciback_trial=\n", -EINVAL, -1 },
		{ "xen_pciback_trial=other\n", -EINVAL, -1 },
		{ "xen_pciback_trial=armed2\n", -EINVAL, -1 },
		{ "xen_pciback_trial=armed", -EINVAL, -1 },
		{ "xen_pciback_trial=armed\nxen_pciback_trial=tried\n", -EINVAL, -1 },
	};
	char bytes[PCIBACK_TRIAL_BLOCK_SIZE], before[PCIBACK_TRIAL_BLOCK_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum pciback_trial_variable variable = PCIBACK_TRIAL_VARIABLE_ARMED;

		fill(bytes, cases[i].lines);
		memcpy(before, bytes, sizeof(bytes));
		CHECK_NUMBER(pciback_trial_block_read(bytes, sizeof(bytes), &variable), cases[i].result);
		CHECK(cases[i].result < 0 || (int)variable == cases[i].variable);
		CHECK_NUMBER(pciback_trial_block_write(bytes, sizeof(bytes), PCIBACK_TRIAL_VARIABLE_KEPT), cases[i].result);
		if (cases[i].result == 0) {
			CHECK_NUMBER(pciback_trial_block_read(bytes, sizeof(bytes), &variable), 0);
			CHECK_NUMBER(variable, PCIBACK_TRIAL_VARIABLE_KEPT);
			CHECK_NUMBER(pciback_trial_block_write(bytes, sizeof(bytes), (enum pciback_trial_variable)cases[i].variable), 0);
		}
		/* Nothing else has changed. */
		CHECK(memcmp(bytes, before, sizeof(bytes)) == 0);
	}
}

static void
test_no_block(struct harness *harness)
{
	char bytes[PCIBACK_TRIAL_BLOCK_SIZE + 1];
	enum pciback_trial_variable variable;

	fill(bytes, "xen_pciback_trial=armed\n");
	bytes[PCIBACK_TRIAL_BLOCK_SIZE] = '#';
	CHECK_NUMBER(pciback_trial_block_read(bytes, PCIBACK_TRIAL_BLOCK_SIZE - 1, &variable), -EINVAL);
	CHECK_NUMBER(pciback_trial_block_read(bytes, PCIBACK_TRIAL_BLOCK_SIZE + 1, &variable), -EINVAL);
	CHECK_NUMBER(pciback_trial_block_read(bytes, 0, &variable), -EINVAL);
	bytes[2] = 'g';
	CHECK_NUMBER(pciback_trial_block_read(bytes, PCIBACK_TRIAL_BLOCK_SIZE, &variable), -EINVAL);
	/* Nothing behind its end is looked at. */
	fill(bytes, "");
	memset(bytes + 25, '\\', PCIBACK_TRIAL_BLOCK_SIZE - 25);
	CHECK_NUMBER(pciback_trial_block_read(bytes, PCIBACK_TRIAL_BLOCK_SIZE, &variable), -ENOENT);
	memset(bytes + 25, '\n', PCIBACK_TRIAL_BLOCK_SIZE - 25);
	memcpy(bytes + PCIBACK_TRIAL_BLOCK_SIZE - 18, "xen_pciback_trial=", 18);
	CHECK_NUMBER(pciback_trial_block_read(bytes, PCIBACK_TRIAL_BLOCK_SIZE, &variable), -EINVAL);
}

void
test_trial_block(struct harness *harness)
{
	test_lines(harness);
	test_no_block(harness);
	CHECK(pciback_trial_is_marked("xen-pciback-trial.run"));
	CHECK(pciback_trial_is_marked("placeholder root=/dev/sda1 ro xen-pciback-trial.run panic=30\n"));
	CHECK(!pciback_trial_is_marked(""));
	CHECK(!pciback_trial_is_marked(" \n"));
	CHECK(!pciback_trial_is_marked("root=/dev/sda1 xen-pciback-trial.run=0 xen-pciback-trial.running a.xen-pciback-trial.run"));
}
