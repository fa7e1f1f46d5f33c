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

#include "fake_trial.h"

/* A trial of a host that boots with GRUB, which tries once by itself. */

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
	fake_trial_arm_grub(fake, 600);
	fake_trial_boot(fake);
}

static void
test_confirmed(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	fake_trial_init(&fake);
	fake_trial_arm_grub(&fake, 600);
	CHECK_NUMBER(run(pciback_trial_look, &fake, &report), PCIBACK_TRIAL_WAITS);
	CHECK_TEXT(report.message, "the next boot is a trial");
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed);
	CHECK_TEXT(report.message, "there is nothing to confirm yet: the trial begins with the next boot");
	fake_trial_boot(&fake);
	CHECK(fake.tries && !fake.linked);
	/* The start-up scripts have not come to it, or have no pciback-trial. */
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed && report.finding == PCIBACK_TRIAL_WAITS);
	CHECK_TEXT(report.message, "this boot has the list on trial, but 'pciback-trial begin' has not run in it");
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK(!report.failed);
	CHECK_NUMBER(fake.deadline[0], 605);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK_NUMBER(fake.n_said, 1);
	CHECK_NUMBER(run(pciback_trial_confirm, &fake, &report), PCIBACK_TRIAL_IS_CONFIRMED);
	CHECK(!report.failed && fake.kept && fake.deadline[0] == 0);
	/* Each boot has the new list from now on, and `begin` lets it. */
	for (int i = 0; i < 2; i++) {
		fake_trial_boot(&fake);
		CHECK(fake.tries);
		CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_CONFIRMED);
		CHECK(fake.kept && fake.n_said == 0 && !fake_trial_wait(&fake, 10000));
	}
}

static void
test_undone(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	tried(&fake);
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK(fake_trial_wait(&fake, 600) && !fake.tries);
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed && report.finding == PCIBACK_TRIAL_IS_UNDONE);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK_NUMBER(report.trial.starts, 1);
	/* It ends before `begin`, by a panic or by the power: it is not tried again. */
	tried(&fake);
	fake_trial_boot(&fake);
	CHECK(!fake.tries);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK_TEXT(fake.said, "the trial is over or never began: GRUB does not try it any more, and the host boots the list from "
	    "before");
	CHECK(!fake_trial_wait(&fake, 10000));
	/* Somebody takes its entry in the menu: a trial once more. */
	fake.linked = true;
	fake_trial_boot(&fake);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK(fake_trial_wait(&fake, 600) && !fake.tries);
}

/* Another entry was chosen for the one boot that was to try it. */
static void
test_passed_over(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	fake_trial_init(&fake);
	fake_trial_arm_grub(&fake, 600);
	fake.is_passed_over = true;
	fake_trial_boot(&fake);
	CHECK(!fake.tries && fake.linked);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK(!report.failed && !fake.linked && report.trial.starts == 0 && report.trial.state == PCIBACK_TRIAL_UNDONE);
	CHECK_TEXT(fake.said, "trial: GRUB has started this host without it, so it is undone before it began");
	fake.is_passed_over = false;
	fake_trial_boot(&fake);
	CHECK(!fake.tries);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_IS_UNDONE);
	CHECK_NUMBER(fake.n_said, 0);
	/* That can't be noted, or not be changed. */
	fake_trial_arm_grub(&fake, 600);
	fake.is_passed_over = true;
	fake_trial_boot(&fake);
	fake.write_error = -EIO;
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK(report.failed && !fake.linked);
	CHECK_TEXT(report.message, "that GRUB has not tried the list can't be noted: Input/output error");
	fake.linked = true;
	fake.disarm_error = -EROFS;
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK(report.failed && fake.deadline[0] == 0);
	CHECK_TEXT(fake.said, "trial: GRUB has started this host without it, and /boot/grub/grubenv can't be written (Read-only file "
	    "system), so it may come with a later boot");
}

/* What GRUB writes is lost: `begin` writes it, and only then sets the watchdog. */
static void
test_forgetful(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	fake_trial_init(&fake);
	fake_trial_arm_grub(&fake, 600);
	fake.is_forgetful = true;
	fake_trial_boot(&fake);
	CHECK(fake.tries && fake.linked);
	CHECK_NUMBER(run(pciback_trial_begin, &fake, &report), PCIBACK_TRIAL_RUNS);
	CHECK(!fake.linked && fake_trial_wait(&fake, 600) && !fake.tries);
	fake_trial_arm_grub(&fake, 600);
	fake_trial_boot(&fake);
	fake.disarm_error = -EROFS;
	(void)run(pciback_trial_begin, &fake, &report);
	CHECK(report.failed && !fake_trial_wait(&fake, 10000));
	CHECK_TEXT(fake.said, "trial: /boot/grub/grubenv can't be written (Read-only file system), so a reset would only try again, "
	    "and there will be none");
}

static void
test_bad_disk(struct harness *harness)
{
	struct fake_trial fake;
	struct pciback_trial_report report;

	tried(&fake);
	(void)run(pciback_trial_begin, &fake, &report);
	fake.keep_error = -EROFS;
	(void)run(pciback_trial_confirm, &fake, &report);
	CHECK(report.failed && report.finding == PCIBACK_TRIAL_IS_CONFIRMED);
	CHECK_TEXT(report.message, "confirmed, but /boot/grub/grubenv can't be written (Read-only file system): until GRUB's menu has "
	    "the new list plainly, the next boot has the list from before");
	tried(&fake);
	fake.look_error = -EINVAL;
	(void)run(pciback_trial_look, &fake, &report);
	CHECK(report.failed && report.finding == PCIBACK_TRIAL_UNREADABLE);
	CHECK_TEXT(report.message, "what GRUB boots next can't be told: its environment block /boot/grub/grubenv can't be read: "
	    "Invalid argument");
}

/* Killed before each of its steps, and then the power fails: only a confirmation that was on the disk leaves the new list. */
static void
test_every_kill(struct harness *harness, command *killed_command)
{
	volatile unsigned n_kills = 0, n_tried = 0;
	struct fake_trial fake;
	struct pciback_trial_report report;

	for (volatile int steps = 0; ; steps++) {
		tried(&fake);
		if (killed_command == pciback_trial_confirm)
			pciback_trial_begin(&fake.world, &report);
		fake.steps = steps;
		if (setjmp(fake.killed) == 0) {
			killed_command(&fake.world, &report);
			break;
		}
		n_kills++;
		fake_trial_boot(&fake);
		pciback_trial_begin(&fake.world, &report);
		CHECK(!report.failed);
		if (report.finding == PCIBACK_TRIAL_RUNS) {
			n_tried++;
			CHECK(fake.tries && fake_trial_wait(&fake, 600));
		}
		CHECK(!fake.tries && !fake_trial_wait(&fake, 10000));
	}
	CHECK_NUMBER(n_kills, killed_command == pciback_trial_confirm ? 3 : 4);
	CHECK_NUMBER(n_tried, killed_command == pciback_trial_confirm ? 1 : 0);
}

void
test_trial_grub(struct harness *harness)
{
	test_confirmed(harness);
	test_undone(harness);
	test_passed_over(harness);
	test_forgetful(harness);
	test_bad_disk(harness);
	test_every_kill(harness, pciback_trial_begin);
	test_every_kill(harness, pciback_trial_confirm);
}
