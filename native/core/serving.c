/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/serving.h>

#include <errno.h>

/* Requests served before others, or messages of the parent, have their turn. */
#define REQUESTS_AT_ONCE 64

void
pciback_serving_init(struct pciback_serving *serving, uint64_t now)
{
	*serving = (struct pciback_serving){ .is_pending = false };
	pciback_limit_init(&serving->work, PCIBACK_WORK_PER_SECOND, PCIBACK_WORK_BURST, now);
}

bool
pciback_serving_is_due(const struct pciback_serving *serving, uint64_t now)
{
	return serving->is_pending || (serving->retry != 0 && now >= serving->retry);
}

bool
pciback_serving_begin(struct pciback_serving *serving, struct pciback_log *log, uint64_t now)
{
	serving->is_pending = false;
	if (pciback_limit_has(&serving->work, now))
		return true;
	pciback_log_limited(log, "takes more of a processor than its share; its requests have to wait");
	/* Its event channel is masked, or is from its next event on. */
	serving->retry = now + PCIBACK_WAIT_WORK;
	return false;
}

static void
serve(struct pciback_serving *serving, struct pciback_channel *channel,
    const struct pciback_serving_process *process, uint64_t now)
{
	int r;

	for (int n = 0; n < REQUESTS_AT_ONCE; n += r) {
		r = pciback_channel_serve(channel, now, (unsigned)(REQUESTS_AT_ONCE - n));
		if (r == -EAGAIN) {
			/* Masked until its next request may be served. */
			serving->retry = now + 1;
			return;
		}
		if (r <= 0 || !pciback_channel_expect(channel, process->n_polls))
			break;
	}
	serving->retry = 0;
	if (!pciback_channel_pending(channel))
		process->unmask(process->world);
	/* What came in before the event channel was open again made no event. */
	serving->is_pending = pciback_channel_pending(channel);
}

/* All that the process did since it served somebody is charged to whom it serves: mostly it has waited
 * for, and taken, this guest's event. */
static void
charge(struct pciback_serving *serving, const struct pciback_serving_process *process)
{
	uint64_t work;

	if (process->work == NULL)
		return;
	work = process->work(process->work_world);
	if (work > *process->counted)
		pciback_limit_spend(&serving->work, work - *process->counted);
	*process->counted = work;
}

void
pciback_serving_run(struct pciback_serving *serving, struct pciback_channel *channel,
    const struct pciback_serving_process *process, uint64_t now)
{
	serve(serving, channel, process, now);
	charge(serving, process);
}
