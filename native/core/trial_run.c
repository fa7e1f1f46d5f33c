/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/trial.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* No boot, or one that can't be told from another. */
#define UNKNOWN "-"

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
set_message(struct pciback_trial_report *report, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(report->message, sizeof(report->message), format, arguments);
	va_end(arguments);
}

static void
tell(const struct pciback_trial_world *world, const struct pciback_trial_report *report)
{
	world->say(world->context, report->message);
}

/* The record, and nothing else of the report; false with its message if there is none to read. */
static bool
load(const struct pciback_trial_world *world, struct pciback_trial_report *report)
{
	char bytes[PCIBACK_TRIAL_SIZE + 1];
	size_t length = 0;
	int r = world->read(world->context, bytes, sizeof(bytes), &length);

	memset(report, 0, sizeof(*report));
	if (r == -ENOENT) {
		report->finding = PCIBACK_TRIAL_NONE;
		set_message(report, "no boot configuration is on trial");
		return false;
	}
	report->finding = PCIBACK_TRIAL_UNREADABLE;
	report->failed = true;
	if (r == -EPERM)
		set_message(report, "the record of the trial may have been written by others than root, so it is not read");
	else if (r < 0)
		set_message(report, "the record of the trial can't be read: %s", strerror(-r));
	else if (pciback_trial_parse(bytes, length, &report->trial) < 0)
		set_message(report, "the record of the trial is damaged: it is none of schema %s", PCIBACK_TRIAL_SCHEMA);
	else
		report->failed = false;
	return !report->failed;
}

/* Notes a state; returns 0 or a negative errno. */
static int
note(const struct pciback_trial_world *world, struct pciback_trial *trial, enum pciback_trial_state state)
{
	char bytes[PCIBACK_TRIAL_SIZE];

	trial->state = state;
	pciback_trial_format(trial, bytes);
	return world->write(world->context, bytes);
}

/* The name of this boot, UNKNOWN if it has none that could be used. */
static void
identify(const struct pciback_trial_world *world, char ret_boot[PCIBACK_TRIAL_BOOT])
{
	if (world->identify(world->context, ret_boot) < 0)
		memcpy(ret_boot, UNKNOWN, sizeof(UNKNOWN));
}

/* Whether this boot noted the record. */
static bool
is_same_boot(const struct pciback_trial_world *world, const struct pciback_trial *trial)
{
	char boot[PCIBACK_TRIAL_BOOT];

	identify(world, boot);
	return strcmp(boot, UNKNOWN) != 0 && strcmp(boot, trial->boot) == 0 &&
	    world->clock(world->context) >= trial->started;
}

static void
find_undone(struct pciback_trial_report *report)
{
	report->finding = PCIBACK_TRIAL_IS_UNDONE;
	set_message(report, "the trial is undone: the host started again before anybody confirmed, and boots the list "
	    "from before");
}

/* What a record means now. */
static void
judge(const struct pciback_trial_world *world, struct pciback_trial_report *report)
{
	const struct pciback_trial *trial = &report->trial;
	uint32_t passed;

	if (trial->state == PCIBACK_TRIAL_CONFIRMED) {
		report->finding = PCIBACK_TRIAL_IS_CONFIRMED;
		set_message(report, "the trial is confirmed");
	} else if (trial->state == PCIBACK_TRIAL_RUNNING && is_same_boot(world, trial)) {
		passed = world->clock(world->context) - trial->started;
		report->finding = PCIBACK_TRIAL_RUNS;
		report->remaining = passed < trial->seconds && trial->watchdog != 0 ? trial->seconds - passed : 0;
		if (trial->watchdog == 0)
			set_message(report, "this boot is a trial without a watchdog: it stays until the host is started again");
		else
			set_message(report, "this boot is a trial, to be confirmed within %lu of %lu seconds",
			    (unsigned long)report->remaining, (unsigned long)trial->seconds);
	} else if (report->arming != PCIBACK_TRIAL_OFF &&
	    (trial->state != PCIBACK_TRIAL_UNDONE || !is_same_boot(world, trial))) {
		report->finding = PCIBACK_TRIAL_WAITS;
		if (report->arming == PCIBACK_TRIAL_THIS_BOOT)
			set_message(report, "this boot has the list on trial, but 'pciback-trial begin' has not run in it");
		else
			set_message(report, "the next boot is a trial");
	} else if (trial->state == PCIBACK_TRIAL_ARMED) {
		report->finding = PCIBACK_TRIAL_IS_UNDONE;
		set_message(report, "the trial is over or never began: %s, and the host boots the list from before",
		    pciback_trial_has_grub(trial) ? "GRUB does not try it any more" : "its link is gone");
	} else {
		find_undone(report);
	}
}

/* Loads and judges; false if there is nothing to go on with. */
static bool
look(const struct pciback_trial_world *world, struct pciback_trial_report *report)
{
	int r;

	if (!load(world, report))
		return false;
	r = world->arming(world->context, &report->trial);
	if (r < 0) {
		report->finding = PCIBACK_TRIAL_UNREADABLE;
		report->failed = true;
		if (pciback_trial_has_grub(&report->trial))
			set_message(report, "what GRUB boots next can't be told: its environment block %s can't be read: %s",
			    report->trial.xen, strerror(-r));
		else
			set_message(report, "whether %s is there can't be told: %s", report->trial.link, strerror(-r));
		return false;
	}
	report->arming = (enum pciback_trial_arming)r;
	judge(world, report);
	return true;
}

void
pciback_trial_look(const struct pciback_trial_world *world, struct pciback_trial_report *ret_report)
{
	(void)look(world, ret_report);
}

/* The number of no watchdog. A Xen that has watchdogs says so; one that has none does not know the call. */
#define NO_WATCHDOG	UINT32_MAX

void
pciback_trial_probe(const struct pciback_trial_world *world, struct pciback_trial_report *ret_report)
{
	int r = world->watchdog(world->context, NO_WATCHDOG, 0);

	memset(ret_report, 0, sizeof(*ret_report));
	ret_report->finding = PCIBACK_TRIAL_NONE;
	ret_report->failed = r < 0 && r != -EINVAL;
	if (ret_report->failed)
		set_message(ret_report, "Xen gives dom0 no watchdog (%s), so nothing would undo a trial", strerror(-r));
	else
		set_message(ret_report, "Xen has a watchdog for a trial");
}

/*
 * The boot that has the new list. Noted first: with the link still there, the next boot tries
 * again, and counts. Then the link goes, and from there on every reset ends in the list from
 * before. Only then the watchdog, which would else reset the host into the same list for ever.
 * GRUB has done the second of these itself, if its disk has kept it.
 */
static void
start(const struct pciback_trial_world *world, struct pciback_trial_report *report)
{
	struct pciback_trial *trial = &report->trial;
	int noted, r;

	identify(world, trial->boot);
	trial->started = world->clock(world->context);
	/* The number that it will most likely have: nobody comes before us. */
	trial->watchdog = 1;
	if (trial->starts < UINT32_MAX)
		trial->starts++;
	noted = note(world, trial, PCIBACK_TRIAL_RUNNING);
	report->finding = PCIBACK_TRIAL_RUNS;
	r = world->disarm(world->context, trial);
	if (r < 0) {
		trial->watchdog = 0;
		(void)note(world, trial, PCIBACK_TRIAL_RUNNING);
		report->failed = true;
		set_message(report, "trial: %s can't be %s (%s), so a reset would only try again, and there will be none",
		    pciback_trial_has_grub(trial) ? trial->xen : trial->link,
		    pciback_trial_has_grub(trial) ? "written" : "removed", strerror(-r));
		tell(world, report);
		return;
	}
	trial->started = world->clock(world->context);
	r = world->watchdog(world->context, 0, trial->seconds);
	trial->watchdog = r > 0 ? (uint32_t)r : 0;
	if (noted == 0)
		noted = note(world, trial, PCIBACK_TRIAL_RUNNING);
	if (r <= 0) {
		report->failed = true;
		set_message(report, "trial: Xen sets no watchdog (%s), so nothing but a reboot by hand brings back the list "
		    "from before", strerror(-r));
	} else if (noted < 0) {
		report->failed = true;
		report->remaining = trial->seconds;
		set_message(report, "trial: it can't be noted (%s), so it can't be confirmed, and Xen resets this host in %lu "
		    "seconds", strerror(-noted), (unsigned long)trial->seconds);
	} else {
		report->remaining = trial->seconds;
		set_message(report, "trial: Xen resets this host in %lu seconds, unless 'pcibackctl confirm' comes before",
		    (unsigned long)trial->seconds);
	}
	tell(world, report);
}

/*
 * Armed, and GRUB has started the host without the new list: it could not write, or somebody had chosen
 * another entry for one boot. A trial that has not begun when it was waited for shall not begin later.
 */
static void
give_up(const struct pciback_trial_world *world, struct pciback_trial_report *report)
{
	struct pciback_trial *trial = &report->trial;
	int r = world->disarm(world->context, trial);

	report->failed = r < 0;
	if (r < 0) {
		set_message(report, "trial: GRUB has started this host without it, and %s can't be written (%s), so it may come with "
		    "a later boot", trial->xen, strerror(-r));
		tell(world, report);
		return;
	}
	identify(world, trial->boot);
	trial->started = 0;
	trial->watchdog = 0;
	report->finding = PCIBACK_TRIAL_IS_UNDONE;
	set_message(report, "trial: GRUB has started this host without it, so it is undone before it began");
	tell(world, report);
	r = note(world, trial, PCIBACK_TRIAL_UNDONE);
	if (r < 0) {
		report->failed = true;
		set_message(report, "that GRUB has not tried the list can't be noted: %s", strerror(-r));
	}
}

void
pciback_trial_begin(const struct pciback_trial_world *world, struct pciback_trial_report *ret_report)
{
	struct pciback_trial_report *report = ret_report;
	int r;

	if (!look(world, report)) {
		if (report->failed)
			tell(world, report);
		return;
	}
	if (report->finding == PCIBACK_TRIAL_WAITS) {
		if (report->arming == PCIBACK_TRIAL_NEXT_BOOT)
			give_up(world, report);
		else
			start(world, report);
		return;
	}
	if (report->finding != PCIBACK_TRIAL_IS_UNDONE || report->trial.state == PCIBACK_TRIAL_UNDONE)
		return;
	identify(world, report->trial.boot);
	report->trial.started = 0;
	report->trial.watchdog = 0;
	r = note(world, &report->trial, PCIBACK_TRIAL_UNDONE);
	tell(world, report);
	if (r < 0) {
		report->failed = true;
		set_message(report, "that the trial is undone can't be noted: %s", strerror(-r));
	}
}

/*
 * The watchdog first: killed before the rest, the host stays up, and boots the list from before when
 * it next starts, as one that nobody confirmed. Then the link, or the variable: from there on it
 * would be tried again. The note ends it.
 */
static void
finish(const struct pciback_trial_world *world, struct pciback_trial_report *report)
{
	struct pciback_trial *trial = &report->trial;
	int kept, noted, r = 0;

	if (trial->watchdog != 0)
		r = world->watchdog(world->context, trial->watchdog, 0);
	/* One that does not run was ended before: had it fired, this would be another boot. */
	if (r < 0 && r != -EINVAL) {
		report->failed = true;
		set_message(report, "the watchdog can't be ended, so the host will be reset: %s", strerror(-r));
		return;
	}
	report->remaining = 0;
	kept = world->keep(world->context, trial);
	noted = note(world, trial, PCIBACK_TRIAL_CONFIRMED);
	report->failed = kept < 0 || noted < 0;
	if (noted < 0) {
		set_message(report, "the watchdog is ended, but that can't be noted (%s): the next boot would be %s", strerror(-noted),
		    kept < 0 ? "one with the list from before" : "a trial once more");
		return;
	}
	report->finding = PCIBACK_TRIAL_IS_CONFIRMED;
	if (kept < 0 && pciback_trial_has_grub(trial))
		set_message(report, "confirmed, but %s can't be written (%s): until GRUB's menu has the new list plainly, the next "
		    "boot has the list from before", trial->xen, strerror(-kept));
	else if (kept < 0)
		set_message(report, "confirmed, but %s can't be made (%s): until boot.cfg has the new list plainly, the next boot has "
		    "the list from before", trial->link, strerror(-kept));
	else
		set_message(report, "confirmed: the host goes on booting what it runs now");
}

void
pciback_trial_confirm(const struct pciback_trial_world *world, struct pciback_trial_report *ret_report)
{
	struct pciback_trial_report *report = ret_report;

	if (!look(world, report)) {
		report->failed = true;
		return;
	}
	switch (report->finding) {
	case PCIBACK_TRIAL_RUNS:
		finish(world, report);
		return;
	case PCIBACK_TRIAL_WAITS:
		report->failed = true;
		/* Of this boot, the message says it already. */
		if (report->arming != PCIBACK_TRIAL_THIS_BOOT)
			set_message(report, "there is nothing to confirm yet: the trial begins with the next boot");
		return;
	case PCIBACK_TRIAL_IS_UNDONE:
		report->failed = true;
		return;
	case PCIBACK_TRIAL_NONE:
	case PCIBACK_TRIAL_UNREADABLE:
	case PCIBACK_TRIAL_IS_CONFIRMED:
		return;
	}
}
