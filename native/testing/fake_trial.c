/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fake_trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One more step that changes something. */
static void
step(struct fake_trial *fake)
{
	if (fake->steps == 0)
		longjmp(fake->killed, 1);
	if (fake->steps > 0)
		fake->steps--;
}

static int
fake_read(void *context, char *bytes, size_t size, size_t *ret_length)
{
	struct fake_trial *fake = context;

	if (fake->read_error != 0)
		return fake->read_error;
	if (!fake->has_record)
		return -ENOENT;
	*ret_length = fake->length < size ? fake->length : size;
	memcpy(bytes, fake->record, *ret_length);
	return 0;
}

static int
fake_write(void *context, const char bytes[PCIBACK_TRIAL_SIZE])
{
	struct fake_trial *fake = context;

	step(fake);
	if (fake->write_error != 0)
		return fake->write_error;
	memcpy(fake->record, bytes, sizeof(fake->record));
	fake->length = sizeof(fake->record);
	fake->n_writes++;
	return 0;
}

static int
fake_arming(void *context, const struct pciback_trial *trial)
{
	const struct fake_trial *fake = context;

	if (fake->look_error != 0)
		return fake->look_error;
	if (!pciback_trial_has_grub(trial))
		return fake->linked ? PCIBACK_TRIAL_ON : PCIBACK_TRIAL_OFF;
	if (fake->tries)
		return PCIBACK_TRIAL_THIS_BOOT;
	return fake->linked || fake->kept ? PCIBACK_TRIAL_NEXT_BOOT : PCIBACK_TRIAL_OFF;
}

static int
fake_disarm(void *context, const struct pciback_trial *trial)
{
	struct fake_trial *fake = context;

	(void)trial;
	step(fake);
	if (fake->disarm_error == 0)
		fake->linked = fake->kept = false;
	return fake->disarm_error;
}

static int
fake_keep(void *context, const struct pciback_trial *trial)
{
	struct fake_trial *fake = context;

	step(fake);
	if (fake->keep_error != 0)
		return fake->keep_error;
	if (pciback_trial_has_grub(trial))
		fake->kept = true;
	else
		fake->linked = true;
	return 0;
}

static int
fake_identify(void *context, char ret_boot[PCIBACK_TRIAL_BOOT])
{
	const struct fake_trial *fake = context;

	(void)snprintf(ret_boot, PCIBACK_TRIAL_BOOT, "boot-%u", fake->boot);
	return fake->is_nameless ? -ENOSYS : 0;
}

static uint32_t
fake_clock(void *context)
{
	const struct fake_trial *fake = context;

	return fake->clock;
}

static int
fake_watchdog(void *context, uint32_t number, uint32_t seconds)
{
	struct fake_trial *fake = context;

	step(fake);
	if (fake->watchdog_error != 0)
		return fake->watchdog_error;
	for (uint32_t i = 0; number == 0 && i < PCIBACK_TRIAL_WATCHDOG_MAX; i++) {
		if (fake->deadline[i] != 0)
			continue;
		fake->deadline[i] = fake->clock + seconds;
		return (int)(i + 1);
	}
	if (number == 0)
		return -ENOSPC;
	if (number > PCIBACK_TRIAL_WATCHDOG_MAX || fake->deadline[number - 1] == 0)
		return -EINVAL;
	fake->deadline[number - 1] = seconds == 0 ? 0 : fake->clock + seconds;
	return 0;
}

static void
fake_say(void *context, const char *line)
{
	struct fake_trial *fake = context;

	(void)snprintf(fake->said, sizeof(fake->said), "%s", line);
	fake->n_said++;
}

void
fake_trial_init(struct fake_trial *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->world = (struct pciback_trial_world){ fake, fake_read, fake_write, fake_arming, fake_disarm, fake_keep,
		fake_identify, fake_clock, fake_watchdog, fake_say };
	fake->boot = 1;
	fake->clock = 1000;
	fake->steps = -1;
}

void
fake_trial_arm(struct fake_trial *fake, uint32_t seconds)
{
	const struct pciback_trial trial = { .state = PCIBACK_TRIAL_ARMED, .link = "/t", .xen = "/xen.gz", .seconds = seconds,
		.boot = "-" };

	pciback_trial_format(&trial, fake->record);
	fake->length = sizeof(fake->record);
	fake->has_record = true;
	fake->linked = true;
}

void
fake_trial_arm_grub(struct fake_trial *fake, uint32_t seconds)
{
	const struct pciback_trial trial = { .state = PCIBACK_TRIAL_ARMED, .link = "grub", .xen = "/boot/grub/grubenv",
		.seconds = seconds, .boot = "-" };

	fake_trial_arm(fake, seconds);
	pciback_trial_format(&trial, fake->record);
	fake->has_grub = true;
}

void
fake_trial_boot(struct fake_trial *fake)
{
	fake->boot++;
	fake->clock = 5;
	fake->tries = fake->linked && !fake->is_passed_over;
	/* GRUB writes that it tries, before it does. */
	if (fake->has_grub) {
		fake->linked = fake->linked && (fake->is_passed_over || fake->is_forgetful);
		fake->tries = fake->tries || fake->kept;
	}
	memset(fake->deadline, 0, sizeof(fake->deadline));
	fake->said[0] = '\0';
	fake->n_said = 0;
	fake->steps = -1;
}

bool
fake_trial_wait(struct fake_trial *fake, uint32_t seconds)
{
	fake->clock += seconds;
	for (size_t i = 0; i < PCIBACK_TRIAL_WATCHDOG_MAX; i++) {
		if (fake->deadline[i] == 0 || fake->deadline[i] > fake->clock)
			continue;
		fake_trial_boot(fake);
		return true;
	}
	return false;
}
