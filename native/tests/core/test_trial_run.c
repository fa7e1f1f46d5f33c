/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/trial.h>

#include "fake_trial.h"

#define UNDONE "the trial is undone: the host started again before anybody confirmed, and boots the list from before"

typedef void command(const struct pciback_trial_world *world, struct pciback_trial_report *ret_report);

static enum pciback_trial_finding
run(command *run_command, struct fake_trial *fake, struct pciback_trial_report *report)
{
	run_command(&fake->world, report);
	return report->finding;
}

/* Armed and started again: the boot that tries the list, before `begin`. */
static void
tried(struct fake_trial *fake)
{
	fake_trial_init(fake);
	fake_trial_arm(fake, 600);
	fake_trial_boot(fake);
}

static void
test_confirmed(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	fake_trial_init(&fake);
	fake_trial_arm(&fake, 600);
	CHECK_NUMBER(run(pciback_trial_look, &fake, &report), PCIBACK_TRIAL_WAITS);
	CHECK_TEXT(report.message, "the next boot is a trial");
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed);
	CHECK_TEXT(report.message, "there is nothing to confirm yet: the trial begins with the next boot");
	fake_trial_boot(&fake);
	CHECK(fake.tries);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK(!report.failed && !fake.linked);
	CHECK_TEXT(fake.said, "trial: Xen resets this host in 600 seconds, unless 'pcibackctl confirm' comes before");
	CHECK_NUMBER(fake.deadline[0], 605);
	CHECK_NUMBER(report.trial.starts, 1);
	CHECK(!fake_trial_wait(&fake, 200));
	CHECK_NUMBER(run(pciback_trial_look, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK_TEXT(report.message, "this boot is a trial, to be confirmed within 400 of 600 seconds");
	/* The script runs twice: the deadline stays. */
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK_NUMBER(fake.deadline[0], 605);
	CHECK_NUMBER(fake.deadline[1], 0);
	CHECK_NUMBER(fake.n_said, 1);
	/* Confirmed, twice. */
	CHECK_NUMBER(run(pciback_trial_confirm, &fake, &report), PCIBACK_TRIAL_IS_CONFIRMED);
	CHECK(!report.failed && fake.linked && fake.deadline[0] == 0);
	CHECK_TEXT(report.message, "confirmed: the host goes on booting what it runs now");
	CHECK_NUMBER(run(pciback_trial_confirm, &fake, &report), PCIBACK_TRIAL_IS_CONFIRMED);
	CHECK(!report.failed);
	CHECK_TEXT(report.message, "the trial is confirmed");
	CHECK(!fake_trial_wait(&fake, 10000));
	/* It goes on booting the new list, and `begin` lets it. */
	fake_trial_boot(&fake);
	CHECK(fake.tries);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_CONFIRMED);
	CHECK(fake.linked && fake.n_said == 0 && !fake_trial_wait(&fake, 10000));
}

static void
test_undone(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	tried(&fake);
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK(!fake_trial_wait(&fake, 599));
	CHECK(fake_trial_wait(&fake, 1));
	CHECK(!fake.tries);
	/* A confirmation that comes too late, before `begin` and behind it. */
	CHECK_NUMBER(run(pciback_trial_confirm, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK(report.failed);
	CHECK_TEXT(report.message, UNDONE);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK(!report.failed);
	CHECK_TEXT(fake.said, UNDONE);
	CHECK_NUMBER(run(pciback_trial_confirm, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK(report.failed && !fake.linked && fake.deadline[0] == 0);
	CHECK_TEXT(report.message, UNDONE);
	/* Said once, and remembered. */
	fake_trial_boot(&fake);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK_NUMBER(fake.n_said, 0);
	/* The next trial has the same file. */
	fake_trial_arm(&fake, 60);
	fake_trial_boot(&fake);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK_NUMBER(report.trial.starts, 1);
}

/* A person starts the host again, the power fails, it panics: all the same. */
static void
test_started_again(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	tried(&fake);
	(void)run(pciback_trial_begin, &fake, &report);
	fake_trial_boot(&fake);
	CHECK(!fake.tries);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	/* Before `begin`: it is tried once more, because nothing could count. */
	tried(&fake);
	fake_trial_boot(&fake);
	CHECK(fake.tries);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK_NUMBER(report.trial.starts, 1);
	/* The record came, and the link did not. */
	fake_trial_init(&fake);
	fake_trial_arm(&fake, 600);
	fake.linked = false;
	fake_trial_boot(&fake);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK_TEXT(fake.said, "the trial is over or never began: its link is gone, and the host boots the list from before");
}

/* Runs a command that is killed before one of its steps; false if it came to its end before. */
static bool
is_killed(struct fake_trial *fake, int steps, command *run_command)
{
	struct pciback_trial_report report;

	fake->steps = steps;
	if (setjmp(fake->killed) != 0)
		return true;
	run_command(&fake->world, &report);
	fake->steps = -1;
	return false;
}

/* Killed before each of its steps, and then the power fails: the host boots one of the two lists, and
 * the next `begin` knows which. */
static void
test_every_kill(struct harness *harness, command *killed_command)
{
	unsigned n_kills = 0, n_tried = 0;
	bool was_killed = true;

	for (int steps = 0; was_killed; steps++) {
		struct fake_trial fake;
		struct pciback_trial_report report;
		bool again;

		tried(&fake);
		if (killed_command == pciback_trial_confirm)
			pciback_trial_begin(&fake.world, &report);
		was_killed = is_killed(&fake, steps, killed_command);
		n_kills += was_killed;
		fake_trial_boot(&fake);
		again = fake.tries;
		pciback_trial_begin(&fake.world, &report);
		CHECK(!report.failed);
		if (report.finding == PCIBACK_TRIAL_RUNS) {
			/* The new list, with a watchdog that ends in the one from before. */
			n_tried++;
			CHECK(again);
			CHECK(report.trial.starts >= 1 && report.trial.starts <= 2);
			CHECK(fake_trial_wait(&fake, 600) && !fake.tries);
			pciback_trial_begin(&fake.world, &report);
			CHECK_NUMBER(report.finding, PCIBACK_TRIAL_IS_UNDONE);
		} else if (report.finding == PCIBACK_TRIAL_IS_CONFIRMED) {
			CHECK(again && !was_killed);
		} else {
			CHECK_NUMBER(report.finding, PCIBACK_TRIAL_IS_UNDONE);
			CHECK(!again);
			CHECK(!fake_trial_wait(&fake, 10000));
		}
	}
	CHECK_NUMBER(n_kills, killed_command == pciback_trial_confirm ? 3 : 4);
	CHECK(n_tried > 0);
}

/* Killed before each step of `confirm`, and asked again while the host runs on: it is confirmed. */
static void
test_confirm_again(struct harness *harness)
{
	for (int steps = 0; steps < 3; steps++) {
		struct fake_trial fake;
		struct pciback_trial_report report;

		tried(&fake);
		pciback_trial_begin(&fake.world, &report);
		CHECK(is_killed(&fake, steps, pciback_trial_confirm));
		fake.steps = -1;
		CHECK_NUMBER(run(pciback_trial_confirm, &fake, &report), PCIBACK_TRIAL_IS_CONFIRMED);
		CHECK(!report.failed && fake.linked);
		CHECK(!fake_trial_wait(&fake, 10000));
	}
}

static void
test_bad_disk(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	/* A disk that can't be written: a reset would try again for ever, so there is none. */
	tried(&fake);
	fake.write_error = fake.disarm_error = -EROFS;
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK(report.failed);
	CHECK_TEXT(fake.said, "trial: /t can't be removed (Read-only file system), so a reset would only try again, and there will "
	    "be none");
	CHECK(!fake_trial_wait(&fake, 10000));
	/* The link goes, but nothing can be noted: it is undone, whoever confirms. */
	tried(&fake);
	fake.write_error = -EIO;
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK(report.failed);
	CHECK_TEXT(fake.said, "trial: it can't be noted (Input/output error), so it can't be confirmed, and Xen resets this host "
	    "in 600 seconds");
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed);
	CHECK(fake_trial_wait(&fake, 600) && !fake.tries);
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK_NUMBER(report.finding, PCIBACK_TRIAL_IS_UNDONE);
	CHECK_TEXT(report.message, "that the trial is undone can't be noted: Input/output error");
	/* At the confirmation. */
	tried(&fake);
	(void)run(pciback_trial_begin, &fake, &report);
	fake.write_error = -EIO;
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed);
	CHECK_TEXT(report.message, "the watchdog is ended, but that can't be noted (Input/output error): the next boot would be a "
	    "trial once more");
	fake.keep_error = -EMLINK;
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK_TEXT(report.message, "the watchdog is ended, but that can't be noted (Input/output error): the next boot would be one "
	    "with the list from before");
	fake.write_error = 0;
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed && report.finding == PCIBACK_TRIAL_IS_CONFIRMED);
	CHECK_TEXT(report.message, "confirmed, but /t can't be made (Too many links): until boot.cfg has the new list plainly, the "
	    "next boot has the list from before");
}

static void
test_xen(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	tried(&fake);
	fake.watchdog_error = -ENOSYS;
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK(report.failed && !fake.linked);
	CHECK_TEXT(fake.said, "trial: Xen sets no watchdog (Function not implemented), so nothing but a reboot by hand brings back "
	    "the list from before");
	CHECK_NUMBER(run(pciback_trial_look, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK_TEXT(report.message, "this boot is a trial without a watchdog: it stays until the host is started again");
	CHECK_NUMBER(run(pciback_trial_confirm, &fake, &report), PCIBACK_TRIAL_IS_CONFIRMED);
	CHECK(!report.failed);
	/* Another's watchdog stays. */
	tried(&fake);
	fake.deadline[0] = 7000;
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK_NUMBER(report.trial.watchdog, 2);
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(fake.deadline[0] == 7000 && fake.deadline[1] == 0);
	/* It can't be ended. */
	tried(&fake);
	(void)run(pciback_trial_begin, &fake, &report);
	fake.watchdog_error = -EPERM;
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed && !fake.linked);
	CHECK_TEXT(report.message, "the watchdog can't be ended, so the host will be reset: Operation not permitted");
}

static void
test_record(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	fake_trial_init(&fake);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_NONE);
	CHECK(!report.failed && fake.n_said == 0);
	CHECK_NUMBER(run(pciback_trial_confirm, &fake, &report), PCIBACK_TRIAL_NONE);
	CHECK(report.failed);
	CHECK_TEXT(report.message, "no boot configuration is on trial");
	tried(&fake);
	fake.record[3] = '\0';
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_UNREADABLE);
	CHECK_TEXT(fake.said, "the record of the trial is damaged: it is none of schema xen.pciback/trial-record/1");
	CHECK(report.failed && fake.linked && fake.n_writes == 0);
	fake.read_error = -EPERM;
	(void)run(pciback_trial_look, &fake, &report);
	CHECK_TEXT(report.message, "the record of the trial may have been written by others than root, so it is not read");
	fake.read_error = -EIO;
	(void)run(pciback_trial_look, &fake, &report);
	CHECK_TEXT(report.message, "the record of the trial can't be read: Input/output error");
	tried(&fake);
	fake.look_error = -EIO;
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed);
	CHECK_TEXT(report.message, "whether /t is there can't be told: Input/output error");
}

/* A boot without a name is never taken for the one that noted the record, and nor is a clock that runs behind it. */
static void
test_boots(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	tried(&fake);
	fake.is_nameless = true;
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed);
	CHECK(fake_trial_wait(&fake, 600) && !fake.tries);
	tried(&fake);
	(void)run(pciback_trial_begin, &fake, &report);
	fake.boot--;
	fake_trial_boot(&fake);
	fake.clock = 4;
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
}

/* What is asked before a trial is made ends no watchdog and starts none. */
static void
test_probe(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	tried(&fake);
	fake.deadline[0] = fake.clock + 9;
	CHECK_NUMBER(run(pciback_trial_probe, &fake, &report), PCIBACK_TRIAL_NONE);
	CHECK(!report.failed && fake.n_writes == 0 && fake.n_said == 0 && fake.linked);
	CHECK(fake.deadline[0] == fake.clock + 9 && fake.deadline[1] == 0);
	CHECK_TEXT(report.message, "Xen has a watchdog for a trial");
	fake.watchdog_error = -ENOSYS;
	(void)run(pciback_trial_probe, &fake, &report);
	CHECK(report.failed);
	CHECK_TEXT(report.message, "Xen gives dom0 no watchdog (Function not implemented), so nothing would undo a trial");
}

void
test_trial_run(struct harness *harness)
{
	test_probe(harness);
	test_confirmed(harness);
	test_undone(harness);
	test_started_again(harness);
	test_every_kill(harness, pciback_trial_begin);
	test_every_kill(harness, pciback_trial_confirm);
	test_confirm_again(harness);
	test_bad_disk(harness);
	test_xen(harness);
	test_record(harness);
	test_boots(harness);
}
