/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/trial.h>

/* A record with one of its values replaced. */
static int
parse_with(const char *old, const char *new, struct pciback_trial *ret_trial)
{
	static const char record[] = "schema\txen.pciback/trial-record/1\nstate\trunning\nlink\t/t3\nxen\t/boot/xen.gz\n"
	    "seconds\t600\nboot\t1764480000.012345\nstarted\t7\nwatchdog\t1\nstarts\t2\n";
	char bytes[2 * PCIBACK_TRIAL_SIZE];
	const char *place = strstr(record, old);
	size_t before, length;

	memset(bytes, '\n', sizeof(bytes));
	if (place == NULL)
		return -ENOENT;
	before = (size_t)(place - record);
	length = strlen(new);
	memcpy(bytes, record, before);
	memcpy(bytes + before, new, length);
	memcpy(bytes + before + length, place + strlen(old), strlen(place + strlen(old)));
	return pciback_trial_parse(bytes, PCIBACK_TRIAL_SIZE, ret_trial);
}

static void
test_values(struct harness *harness)
{
	static const struct {
		const char *old, *new;
		int result;
	} cases[] = {
		{ "running", "armed", 0 },
		{ "running", "undone", 0 },
		{ "running", "confirmed", 0 },
		{ "running", "Running", -EINVAL },
		{ "record/1", "record/2", -EINVAL },
		{ "/t3", "/t", 0 },
		{ "/t3", "/t33", -EINVAL },
		{ "/t3", "/ta", -EINVAL },
		{ "/t3", "t3", -EINVAL },
		{ "/t3", "/xen.gz", -EINVAL },
		{ "/boot/xen.gz", "/x", 0 },
		{ "/boot/xen.gz", "/..x/x..", 0 },
		{ "/boot/xen.gz", "/", -EINVAL },
		{ "/boot/xen.gz", "xen.gz", -EINVAL },
		{ "/boot/xen.gz", "/a/../xen.gz", -EINVAL },
		{ "/boot/xen.gz", "/..", -EINVAL },
		{ "/boot/xen.gz", "/a b", -EINVAL },
		{ "/boot/xen.gz", "/\xe9", -EINVAL },
		{ "600", "10", 0 },
		{ "600", "86400", 0 },
		{ "600", "9", -EINVAL },
		{ "600", "86401", -EINVAL },
		{ "600", "0600", -EINVAL },
		{ "600", " 600", -EINVAL },
		{ "600", "", -EINVAL },
		{ "1764480000.012345", "-", 0 },
		{ "1764480000.012345", "", -EINVAL },
		{ "1764480000.012345", "a b", -EINVAL },
		{ "started\t7", "started\t4294967295", 0 },
		{ "started\t7", "started\t4294967296", -EINVAL },
		{ "watchdog\t1", "watchdog\t2", 0 },
		{ "watchdog\t1", "watchdog\t3", -EINVAL },
		{ "starts\t2", "starts\t-2", -EINVAL },
		{ "starts\t2\n", "starts\t2\nmore\t1\n", -EINVAL },
		{ "starts\t2\n", "starts\t2\n ", -EINVAL },
		{ "starts\t2\n", "", -EINVAL },
		{ "seconds\t", "seconds ", -EINVAL },
		{ "seconds\t", "minutes\t", -EINVAL },
		{ "link\t/t3\nxen\t/boot/xen.gz\n", "link\tgrub\nxen\t/boot/grub/grubenv\n", 0 },
		{ "link\t/t3\nxen\t/boot/xen.gz\n", "link\tgrub\nxen\t/boot/grub2/grubenv\n", 0 },
		{ "/t3", "grub", -EINVAL },
		{ "link\t/t3\nxen\t/boot/xen.gz\n", "link\tgrub2\nxen\t/boot/grub2/grubenv\n", -EINVAL },
		{ "link\t/t3\nxen\t/boot/xen.gz\n", "xen\t/boot/xen.gz\nlink\t/t3\n", -EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_trial trial = { .starts = 77 };

		CHECK_NUMBER(parse_with(cases[i].old, cases[i].new, &trial), cases[i].result);
		CHECK(cases[i].result == 0 || trial.starts == 77);
	}
}

/* The longest values of all fit, and come back. */
static void
test_longest(struct harness *harness)
{
	struct pciback_trial trial = { .state = PCIBACK_TRIAL_CONFIRMED, .link = "/t9", .seconds = 86400,
		.started = UINT32_MAX, .watchdog = 2, .starts = UINT32_MAX }, again;
	char bytes[PCIBACK_TRIAL_SIZE];

	memset(trial.xen, 'x', sizeof(trial.xen) - 1);
	trial.xen[0] = '/';
	memset(trial.boot, 'b', sizeof(trial.boot) - 1);
	pciback_trial_format(&trial, bytes);
	CHECK_NUMBER(pciback_trial_parse(bytes, sizeof(bytes), &again), 0);
	CHECK_TEXT(again.xen, trial.xen);
	CHECK_TEXT(again.boot, trial.boot);
	CHECK_NUMBER(again.started, UINT32_MAX);
	CHECK_NUMBER(again.starts, UINT32_MAX);
	CHECK_NUMBER(again.state, PCIBACK_TRIAL_CONFIRMED);
	CHECK_NUMBER(pciback_trial_parse(bytes, sizeof(bytes) - 1, &again), -EINVAL);
	bytes[PCIBACK_TRIAL_SIZE - 1] = '\0';
	CHECK_NUMBER(pciback_trial_parse(bytes, sizeof(bytes), &again), -EINVAL);
	memset(bytes, 'x', sizeof(bytes));
	CHECK_NUMBER(pciback_trial_parse(bytes, sizeof(bytes), &again), -EINVAL);
}

void
test_trial(struct harness *harness)
{
	struct pciback_trial trial;

	CHECK_NUMBER(parse_with("", "", &trial), 0);
	CHECK_NUMBER(trial.state, PCIBACK_TRIAL_RUNNING);
	CHECK_TEXT(pciback_trial_state_name(trial.state), "running");
	CHECK_TEXT(trial.link, "/t3");
	CHECK_TEXT(trial.xen, "/boot/xen.gz");
	CHECK_NUMBER(trial.seconds, 600);
	CHECK_TEXT(trial.boot, "1764480000.012345");
	CHECK_NUMBER(trial.started, 7);
	CHECK_NUMBER(trial.watchdog, 1);
	CHECK_NUMBER(trial.starts, 2);
	test_values(harness);
	test_longest(harness);
}
