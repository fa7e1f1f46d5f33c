/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include <pciback/serving.h>

#include "fixture.h"

/* A guest that has its next request in the page as soon as one is answered, and a process that takes its time. */
struct asker {
	struct pciback_operations operations;
	struct pciback_host host;
	struct pciback_topology topology;
	struct pciback_log log;
	struct pciback_page page;
	struct pciback_channel channel;
	struct pciback_serving serving;
	struct pciback_serving_process process;
	char line[PCIBACK_LOG_LINE];	/* the last of the log */
	unsigned n_more, n_unmasked;
	uint64_t work, work_each, counted;
};

static struct asker asker;

static void
ask(void)
{
	atomic_fetch_or(&asker.page.flags, (uint32_t)PCIBACK_FLAG_REQUEST);
}

static void
answered(void *world, void *handle)
{
	(void)world;
	(void)handle;
	asker.work += asker.work_each;
	if (asker.n_more > 0) {
		asker.n_more--;
		ask();
	}
}

static void
log_line(void *world, enum pciback_log_level level, const char *line)
{
	(void)world;
	(void)level;
	memcpy(asker.line, line, strlen(line) + 1);
}

static void
unmask(void *world)
{
	(void)world;
	asker.n_unmasked++;
}

static uint64_t
work(void *world)
{
	(void)world;
	return asker.work;
}

static void
start(unsigned n_more)
{
	memset((void *)&asker, 0, sizeof(asker));
	asker.operations.notify = answered;
	asker.operations.log = log_line;
	asker.host.operations = &asker.operations;
	asker.process = (struct pciback_serving_process){ .unmask = unmask, .work = work, .counted = &asker.counted,
		.n_polls = 1 };
	asker.n_more = n_more;
	pciback_topology_init(&asker.topology, PCIBACK_TOPOLOGY_VIRTUAL);
	pciback_log_init(&asker.log, &asker.host, 1, 0);
	pciback_channel_init(&asker.channel, &asker.page, &asker.topology, &asker.host, &asker.log, NULL, 0);
	pciback_serving_init(&asker.serving, 0);
	ask();
}

/* Some at once; then others have their turn, with the event channel masked; it is open when nothing waits. */
static void
test_turns(struct harness *harness)
{
	start(99);
	CHECK(!pciback_serving_is_due(&asker.serving, 0));
	asker.serving.is_pending = true;
	CHECK(pciback_serving_begin(&asker.serving, &asker.log, 0));
	pciback_serving_run(&asker.serving, &asker.channel, &asker.process, 0);
	CHECK_NUMBER(asker.channel.n_requests, 64);
	CHECK_NUMBER(asker.n_unmasked, 0);
	CHECK(pciback_serving_is_due(&asker.serving, 0));
	pciback_serving_run(&asker.serving, &asker.channel, &asker.process, 0);
	CHECK_NUMBER(asker.channel.n_requests, 100);
	CHECK_NUMBER(asker.n_unmasked, 1);
	CHECK(!pciback_serving_is_due(&asker.serving, 100000));
}

/* Past the limit of requests it is looked again a little later, and no event comes meanwhile. */
static void
test_limit_of_requests(struct harness *harness)
{
	start(PCIBACK_REQUESTS_BURST);
	for (unsigned i = 0; i <= PCIBACK_REQUESTS_BURST / 64 && asker.serving.retry == 0; i++)
		pciback_serving_run(&asker.serving, &asker.channel, &asker.process, 0);
	CHECK_NUMBER(asker.channel.n_requests, PCIBACK_REQUESTS_BURST);
	CHECK_NUMBER(asker.n_unmasked, 0);
	asker.serving.is_pending = false;
	CHECK(!pciback_serving_is_due(&asker.serving, 0));
	CHECK(pciback_serving_is_due(&asker.serving, 1));
	pciback_serving_run(&asker.serving, &asker.channel, &asker.process, 1);
	CHECK_NUMBER(asker.n_unmasked, 1);
	CHECK_NUMBER(asker.serving.retry, 0);
}

/* A second of a processor at once, and then a quarter of it; what the process did for nobody is charged, too. */
static void
test_share(struct harness *harness)
{
	start(0);
	asker.work = PCIBACK_WORK_BURST;
	pciback_serving_run(&asker.serving, &asker.channel, &asker.process, 0);
	CHECK_NUMBER(asker.counted, PCIBACK_WORK_BURST);
	CHECK(!pciback_serving_begin(&asker.serving, &asker.log, 0));
	CHECK_TEXT(asker.line, "domain 1: takes more of a processor than its share; its requests have to wait");
	CHECK(pciback_serving_is_due(&asker.serving, PCIBACK_WAIT_WORK));
	CHECK(pciback_serving_begin(&asker.serving, &asker.log, PCIBACK_WAIT_WORK));
	/* Nobody counts. */
	start(0);
	asker.process.work = NULL;
	asker.work = PCIBACK_WORK_BURST;
	pciback_serving_run(&asker.serving, &asker.channel, &asker.process, 0);
	CHECK(pciback_serving_begin(&asker.serving, &asker.log, 0));
}

void
test_serving(struct harness *harness)
{
	test_turns(harness);
	test_limit_of_requests(harness);
	test_share(harness);
}
