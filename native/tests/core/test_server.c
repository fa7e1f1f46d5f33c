/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "server_fixture.h"

#include <errno.h>
#include <string.h>

static struct served served;

static void
say(enum pciback_message_type type)
{
	served_tell(&served, &(struct pciback_message){ .type = type });
}

/* It serves what it was given, counts it, and tells the parent of it a little later. */
static void
test_requests(struct harness *harness)
{
	served_init(&served, true);
	CHECK_NUMBER(served_said(&served)->type, PCIBACK_MESSAGE_GIVEN);
	CHECK_NUMBER(served.n_adopted, 1);
	CHECK_NUMBER(served.fixture.n_writes, 0);
	served.n_unmasked = 0;
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_READ, 0, 4, 0), PCIBACK_DONE);
	CHECK_NUMBER(atomic_load(&served.fixture.page.request.value), fixture_real(&served.fixture, 0, 4));
	CHECK_NUMBER(served.n_unmasked, 1);
	CHECK_NUMBER(served_said(&served)->type, PCIBACK_MESSAGE_COUNTS);
	CHECK_NUMBER(served_said(&served)->n_requests, 1);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_READ, 1, 4, 0), PCIBACK_INVALID_OFFSET);
	CHECK_NUMBER(pciback_server_run(&served.server, served.fixture.now), PCIBACK_WAIT_COUNTS - 1);
	CHECK_NUMBER(pciback_server_run(&served.server, served.fixture.now + PCIBACK_WAIT_COUNTS), -1);
	CHECK_NUMBER(served_said(&served)->n_requests, 2);
	CHECK_NUMBER(served_said(&served)->n_refused, 1);
	fixture_free(&served.fixture);
	/* Nothing was given. */
	served_init(&served, false);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_READ, 0, 4, 0), PCIBACK_NO_DEVICE);
	CHECK_NUMBER(served.fixture.n_reads, 0);
	fixture_free(&served.fixture);
}

/* A request that is there already waits for the devices that it can be of. */
static void
test_begins(struct harness *harness)
{
	struct pciback_message started = { .type = PCIBACK_MESSAGE_START, .domain = 7, .n_devices = 2 }, give;
	struct pciback_page *page = &served.fixture.page;

	served_init(&served, false);
	pciback_server_init(&served.server, &served.operations, &served, served.fixture.now);
	served_tell(&served, &started);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_READ, 0, 4, 0), 99);
	give = served_give(&served, 0);
	served_tell(&served, &give);
	CHECK_NUMBER(pciback_server_run(&served.server, served.fixture.now), -1);
	CHECK_NUMBER(atomic_load(&page->flags) & PCIBACK_FLAG_REQUEST, PCIBACK_FLAG_REQUEST);
	give = served_give(&served, 1);
	give.place.device++;
	give.settings.address.device++;
	served_tell(&served, &give);
	(void)pciback_server_run(&served.server, served.fixture.now);
	CHECK_NUMBER(atomic_load(&page->flags) & PCIBACK_FLAG_REQUEST, 0);
	CHECK_NUMBER(atomic_load(&page->request.error), PCIBACK_DONE);
	fixture_free(&served.fixture);
}

/* The next server goes on where this one was stopped. */
static void
test_goes_on(struct harness *harness)
{
	struct pciback_message state;

	served_init(&served, true);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_WRITE, 4, 2, 6), PCIBACK_DONE);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_WRITE, 0x10, 4, UINT32_MAX), PCIBACK_DONE);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_WRITE, 0x30, 4, 0xfffff800), PCIBACK_DONE);
	say(PCIBACK_MESSAGE_STOP);
	CHECK_NUMBER(served_said(&served)->type, PCIBACK_MESSAGE_ENDED);
	CHECK_NUMBER(served.server.ended, 1);
	state = served.said[(served.n_said - 2) % 64];
	CHECK_NUMBER(state.type, PCIBACK_MESSAGE_STATE);
	CHECK_NUMBER(state.state.command & 6, 6);
	CHECK_NUMBER(state.state.sized, 1 << 0 | 1 << 6);
	/* Nothing is served any more. */
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_READ, 0, 4, 0), 99);
	fixture_free(&served.fixture);

	served_init(&served, false);
	{
		struct pciback_message give = served_give(&served, 5);

		give.state = state.state;
		served.fixture.n_writes = 0;
		served_tell(&served, &give);
	}
	CHECK_NUMBER(served.fixture.n_writes, 0);
	/* What is shown of COMMAND beside what the device has. */
	CHECK_NUMBER(served.server.devices[5].device.command, state.state.command);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_READ, 0x10, 4, 0), PCIBACK_DONE);
	CHECK_NUMBER(atomic_load(&served.fixture.page.request.value) & 0xfffffff0,
	    (uint32_t)~(served.fixture.settings.bars[0].size - 1));
	fixture_free(&served.fixture);
}

/* What no parent sends ends it, and so does a parent that is gone. */
static void
test_ends(struct harness *harness)
{
	static const enum pciback_message_type out_of_turn[] = { PCIBACK_MESSAGE_START, PCIBACK_MESSAGE_ANSWER,
		PCIBACK_MESSAGE_GIVEN };
	struct pciback_message give;
	uint8_t bytes[PCIBACK_MESSAGE_SIZE] = { 200 };

	for (size_t i = 0; i < sizeof(out_of_turn) / sizeof(out_of_turn[0]); i++) {
		served_init(&served, true);
		say(out_of_turn[i]);
		CHECK(served.server.ended < 0);
		CHECK_NUMBER(pciback_server_run(&served.server, served.fixture.now), 0);
		fixture_free(&served.fixture);
	}
	served_init(&served, true);
	give = served_give(&served, 0);
	served_tell(&served, &give);
	CHECK_NUMBER(served.server.ended, -EPROTO);
	fixture_free(&served.fixture);
	served_init(&served, true);
	pciback_server_take(&served.server, bytes, served.fixture.now);
	CHECK_NUMBER(served.server.ended, -EBADMSG);
	fixture_free(&served.fixture);
	served_init(&served, true);
	served.send_error = -EPIPE;
	(void)served_request(&served, PCIBACK_CONFIG_READ, 0, 4, 0);
	CHECK_NUMBER(served.server.ended, -EPIPE);
	fixture_free(&served.fixture);
	/* Before START there is nothing else. */
	served_init(&served, false);
	pciback_server_init(&served.server, &served.operations, &served, 0);
	CHECK_NUMBER(pciback_server_run(&served.server, 0), -1);
	say(PCIBACK_MESSAGE_STOP);
	CHECK_NUMBER(served.server.ended, -EPROTO);
	fixture_free(&served.fixture);
	served_init(&served, false);
	pciback_server_init(&served.server, &served.operations, &served, 0);
	served.start_error = -ENOENT;
	say(PCIBACK_MESSAGE_START);
	CHECK_NUMBER(served_said(&served)->step, PCIBACK_START_EVENT);
	CHECK_NUMBER(served_said(&served)->result, -ENOENT);
	CHECK_NUMBER(served.server.ended, -ENOENT);
	fixture_free(&served.fixture);
}

/* An error report and its answer; and why there is none. */
static void
test_report(struct harness *harness)
{
	const struct pciback_message report = { .type = PCIBACK_MESSAGE_REPORT, .command = PCIBACK_AER_DETECTED,
		.error = 2 };
	struct pciback_page *page = &served.fixture.page;

	served_init(&served, true);
	served_tell(&served, &report);
	CHECK_NUMBER(served_said(&served)->type, PCIBACK_MESSAGE_REPORTED);
	CHECK_NUMBER(served_said(&served)->result, -ENOTSUP);
	atomic_store(&page->flags, PCIBACK_FLAG_AER_HANDLER);
	served_tell(&served, &report);
	CHECK_NUMBER(atomic_load(&page->flags), PCIBACK_FLAG_AER_HANDLER | PCIBACK_FLAG_AER);
	atomic_store(&page->aer.error, PCIBACK_RECOVERY_CAN);
	atomic_store(&page->flags, PCIBACK_FLAG_AER_HANDLER);
	pciback_server_event(&served.server);
	(void)pciback_server_run(&served.server, served.fixture.now);
	/* That the frontend answers such reports is said at once. */
	CHECK_NUMBER(served_said(&served)->type, PCIBACK_MESSAGE_COUNTS);
	CHECK(served_said(&served)->handles_errors);
	CHECK_NUMBER(served.said[(served.n_said - 2) % 64].recovery, PCIBACK_RECOVERY_CAN);
	served_tell(&served, &report);
	say(PCIBACK_MESSAGE_CANCEL);
	CHECK_NUMBER(atomic_load(&page->flags), PCIBACK_FLAG_AER_HANDLER);
	fixture_free(&served.fixture);
}

/* A guest that asks without end has its share of a processor. */
static void
test_work(struct harness *harness)
{
	served_init(&served, true);
	served.work = PCIBACK_WORK_BURST * 2;
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_READ, 0, 4, 0), PCIBACK_DONE);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_READ, 0, 4, 0), 99);
	CHECK_NUMBER(pciback_server_run(&served.server, served.fixture.now), PCIBACK_WAIT_WORK);
	CHECK_TEXT(served_said(&served)->line,
	    "domain 7: takes more of a processor than its share; its requests have to wait");
	(void)pciback_server_run(&served.server, served.fixture.now + 5000);
	CHECK_NUMBER(atomic_load(&served.fixture.page.request.error), PCIBACK_DONE);
	fixture_free(&served.fixture);
}

void
test_server(struct harness *harness)
{
	test_requests(harness);
	test_begins(harness);
	test_goes_on(harness);
	test_ends(harness);
	test_report(harness);
	test_work(harness);
}
