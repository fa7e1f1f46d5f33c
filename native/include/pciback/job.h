/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_JOB_H
#define PCIBACK_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/log.h>
#include <pciback/topology.h>
#include <pciback/wanted.h>

/* What a job does. */
enum pciback_job_kind {
	PCIBACK_JOB_NONE,
	PCIBACK_JOB_ATTACH,
	PCIBACK_JOB_DETACH,
	PCIBACK_JOB_TAKE,		/* from dom0, for whoever comes; `domain` is 0 */
	PCIBACK_JOB_RETURN,		/* to dom0 */
};

enum pciback_job_stage {
	PCIBACK_JOB_START,
	PCIBACK_JOB_WAIT,		/* for the devices to be given or taken back */
	PCIBACK_JOB_WAIT_CLOSED,	/* for all of the guest's to be taken back */
	PCIBACK_JOB_CLEAN,		/* the store's entries go */
	PCIBACK_JOB_DONE,
};

/*
 * What a toolstack would write to attach or detach devices, step by step; or devices that are taken from dom0 or returned
 * to it. Fill in the first
 * group; when stage is DONE, error is 0 or a negative errno and message says why in one sentence.
 */
struct pciback_job {
	enum pciback_job_kind kind;
	uint16_t domain;
	bool force;			/* detach: also from a frontend that can't take part */
	size_t n;
	struct pciback_wanted devices[PCIBACK_ENTRIES_MAX];

	enum pciback_job_stage stage;
	bool started;
	bool abandoned;			/* nobody waits for its end; it is done all the same */
	uint64_t deadline;
	int error;
	char message[PCIBACK_LOG_LINE];
};

#endif
