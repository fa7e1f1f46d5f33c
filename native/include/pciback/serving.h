/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_SERVING_H
#define PCIBACK_SERVING_H

/*
 * How long, and how often, a process serves one guest's page: some requests at once, and no more than the guest's share
 * of a processor. For pcibackd itself and for a child alike.
 */

#include <stdbool.h>
#include <stdint.h>

#include <pciback/channel.h>
#include <pciback/limit.h>
#include <pciback/log.h>

/*
 * What serving one guest's events may cost: a quarter of a processor for good, and a second of one at once.
 * A request with its event takes some 24 microseconds, so that a second is 40,000 of them, more than all
 * drivers' probes; and a guest that sends them without end leaves three quarters to dom0.
 */
#define PCIBACK_WORK_PER_SECOND		250000
#define PCIBACK_WORK_BURST		1000000

#define PCIBACK_WAIT_WORK	10	/* milliseconds, for a guest that has used its share of a processor */

/* Of one guest. */
struct pciback_serving {
	bool is_pending;		/* its event has come, and its page was not looked at since */
	uint64_t retry;			/* when its page is looked at without an event; 0: not before one comes */
	struct pciback_limit work;	/* microseconds of a processor that it may use */
};

/* The process that serves. */
struct pciback_serving_process {
	/* Lets the guest's events through again. */
	void (*unmask)(void *world);
	void *world;
	/* Microseconds of a processor that the process has used. NULL: they don't count. */
	uint64_t (*work)(void *work_world);
	void *work_world;
	uint64_t *counted;		/* up to which somebody was charged */
	unsigned n_polls;		/* how often it is looked for a next request before it waits for an event */
};

/* A guest with its whole share, whose page is not looked at yet. */
void pciback_serving_init(struct pciback_serving *serving, uint64_t now);

/* Whether its page is to be looked at. */
bool pciback_serving_is_due(const struct pciback_serving *serving, uint64_t now);

/* Whether it may be served now. If not, its share is used up, which its log says, and it is due again a little later. */
bool pciback_serving_begin(struct pciback_serving *serving, struct pciback_log *log, uint64_t now);

/* Serves the requests of its page, not too many at once, charges the guest for them, and opens its event channel again
 * unless it is kept waiting. */
void pciback_serving_run(struct pciback_serving *serving, struct pciback_channel *channel,
    const struct pciback_serving_process *process, uint64_t now);

#endif
