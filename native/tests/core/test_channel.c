/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

/* The header is shared with guests; these are the numbers of the protocol. */
static void
test_answers(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	fixture.settings.pirq = 19;
	CHECK_NUMBER(fixture_request(&fixture, 0, 0, 4, 0), 0);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0x10d38086);
	CHECK_NUMBER(fixture_request(&fixture, 1, 0x0c, 1, 0x20), 0);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0x20);
	CHECK_NUMBER(fixture_request(&fixture, 2, 0, 0, 0), 0);
	CHECK_NUMBER(fixture_request(&fixture, 3, 0, 0, 0), 0);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 19);
	/* Those that only a backend sends, several vectors of MSI, and what nobody knows. */
	for (uint32_t command = 6; command < 40; command++)
		CHECK_NUMBER(fixture_request(&fixture, command, 0, 4, 1), -4);
	CHECK_TEXT(fixture.line, "domain 7: command 6 at 0 of 4 bytes is answered with -4");
	CHECK_NUMBER(fixture_request(&fixture, UINT32_MAX, 0, 4, 1), -4);
	CHECK_NUMBER(fixture.channel.n_requests, 39);
	CHECK_NUMBER(fixture.channel.n_refused, 35);
	CHECK_NUMBER(fixture.n_notified, 39);
	/* The device does not answer. */
	fixture.fail_read = -EIO;
	CHECK_NUMBER(fixture_request(&fixture, 0, 0x08, 4, 0x55), -5);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0);
	CHECK_NUMBER(fixture_request(&fixture, 0, 0x04, 4, 0x55), -5);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0);
	CHECK_NUMBER(fixture_request(&fixture, 0, 0x3d, 1, 0x55), 0);
	CHECK_NUMBER(fixture_request(&fixture, 0, 0x48, 4, 0x55), -5);
	CHECK_NUMBER(fixture_request(&fixture, 0, 0x100, 4, 0x55), -5);
	CHECK_NUMBER(fixture_request(&fixture, 1, 0x0f, 1, 0x40), -5);
	CHECK_NUMBER(fixture_request(&fixture, 1, 0x44, 2, 0x200), -5);
	CHECK_NUMBER(fixture_request(&fixture, 1, 0x52, 2, 1), -5);
	CHECK_NUMBER(fixture_request(&fixture, 1, 0x05, 1, 1), -5);
	atomic_store(&fixture.page.request.vectors[0].entry, 0);
	CHECK_NUMBER(fixture_request(&fixture, 4, 0, 0, 1), -6);
	fixture.fail_read = 0;
	fixture.fail_write = 1;
	CHECK_NUMBER(fixture_request(&fixture, 1, 0x04, 2, 6), -5);
	CHECK_NUMBER(fixture_read(&fixture, 0x04, 2), 0x0143);
	fixture_free(&fixture);
}

/* What the page has besides is the guest's. */
static void
test_page(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	atomic_store(&fixture.page.flags, 0xfffffffe);
	atomic_store(&fixture.page.request.info, 0x1234);
	CHECK_NUMBER(fixture_request(&fixture, 0, 0, 4, 0), 0);
	CHECK_NUMBER(atomic_load(&fixture.page.flags), 0xfffffffe);
	CHECK_NUMBER(atomic_load(&fixture.page.request.info), 0x1234);
	CHECK_NUMBER(atomic_load(&fixture.page.request.size), 4);
	CHECK(!pciback_channel_pending(&fixture.channel));
	fixture_free(&fixture);
}

/* The guest asks again as soon as it is answered: all of them are served, up to a limit. */
static void
ask_again(struct fixture *fixture)
{
	if (fixture->n_reads < 40)
		(void)atomic_fetch_or(&fixture->page.flags, PCIBACK_FLAG_REQUEST);
}

static void
notify_and_ask(void *world, void *handle)
{
	struct fixture *fixture = world;

	(void)handle;
	fixture->n_notified++;
	ask_again(fixture);
}

static void
test_requests_in_a_row(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	fixture.operations.notify = notify_and_ask;
	atomic_store(&fixture.page.request.offset, 8);
	atomic_store(&fixture.page.request.size, 4);
	atomic_store(&fixture.page.flags, PCIBACK_FLAG_REQUEST);
	CHECK_NUMBER(pciback_channel_serve(&fixture.channel, 0, 16), 16);
	CHECK(pciback_channel_pending(&fixture.channel));
	CHECK_NUMBER(pciback_channel_serve(&fixture.channel, 0, 0), 0);
	CHECK_NUMBER(pciback_channel_serve(&fixture.channel, 0, 100), 24);
	CHECK_NUMBER(fixture.n_notified, 40);
	CHECK(!pciback_channel_pending(&fixture.channel));
	fixture_free(&fixture);
}

void
test_channel(struct harness *harness)
{
	test_answers(harness);
	test_page(harness);
	test_requests_in_a_row(harness);
}
