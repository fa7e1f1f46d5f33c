/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTING_FAKE_TRIAL_H
#define PCIBACK_TESTING_FAKE_TRIAL_H

#include <setjmp.h>

#include <pciback/trial.h>

/* A host in memory: its disk, its Xen, and a process that can be killed before any of its steps. */
struct fake_trial {
	struct pciback_trial_world world;

	/* The disk. */
	bool has_record;
	char record[PCIBACK_TRIAL_SIZE];
	size_t length;
	bool linked;			/* or GRUB's variable says that the next boot tries the list */
	bool has_grub;
	bool kept;			/* GRUB's variable says that the new list stays */
	int read_error, write_error, look_error, disarm_error, keep_error;	/* 0, or what comes instead */

	/* Its GRUB. */
	bool is_passed_over;		/* somebody has chosen another entry for one boot */
	bool is_forgetful;		/* what it writes is lost */

	/* This boot. */
	unsigned boot;
	bool is_nameless;		/* it can't be told from others */
	uint32_t clock;
	bool tries;			/* it has the new list */
	uint32_t deadline[PCIBACK_TRIAL_WATCHDOG_MAX];	/* of each watchdog, in seconds since the boot; 0: it does not run */
	int watchdog_error;

	char said[512];			/* the last line on the console; "" */
	unsigned n_said, n_writes;

	/* Steps that change something until the process is killed; -1 for never. */
	int steps;
	jmp_buf killed;
};

/* A host that boots the list from before, without a record. The world points into it. */
void fake_trial_init(struct fake_trial *fake);

/* What whoever makes a trial does: the record and the link. */
void fake_trial_arm(struct fake_trial *fake, uint32_t seconds);

/* The same on a host that boots with GRUB. */
void fake_trial_arm_grub(struct fake_trial *fake, uint32_t seconds);

/* The host starts again: by hand, by its watchdog or because the power was off. */
void fake_trial_boot(struct fake_trial *fake);

/* Time passes; true if a watchdog fired, and the host has started again. */
bool fake_trial_wait(struct fake_trial *fake, uint32_t seconds);

#endif
