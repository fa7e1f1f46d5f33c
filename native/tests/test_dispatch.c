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
	/* Whoever is called back can't begin a second time. */
	fixture->n_lines += pciback_channel_serve(&fixture->channel, 0, 1) == -EBUSY;
}

static void
test_serving(struct harness *harness)
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
	CHECK_NUMBER(fixture.n_lines, 40);
	CHECK(!pciback_channel_pending(&fixture.channel));
	fixture_free(&fixture);
}

static void
test_limits(struct harness *harness)
{
	struct pciback_limit limit;
	unsigned n = 0;

	pciback_limit_init(&limit, 10, 3, 1000);
	for (unsigned i = 0; i < 5; i++)
		CHECK(pciback_limit_take(&limit, 1000) == (i < 3));
	CHECK(!pciback_limit_take(&limit, 1099));
	CHECK(pciback_limit_take(&limit, 1100));
	CHECK(!pciback_limit_take(&limit, 1100));
	CHECK(!pciback_limit_take(&limit, 500));	/* a clock that went back */
	CHECK(pciback_limit_take(&limit, 1200));
	while (n < 10 && pciback_limit_take(&limit, UINT64_MAX))
		n++;
	CHECK_NUMBER(n, 3);
	pciback_limit_init(&limit, UINT32_MAX, UINT32_MAX, 0);
	CHECK(pciback_limit_take(&limit, UINT64_MAX));
	CHECK(pciback_limit_take(&limit, UINT64_MAX));
}

static void
test_log(struct harness *harness)
{
	static struct fixture fixture;
	char text[400];

	fixture_init_card(&fixture);
	fixture.log.now = 5000;
	pciback_log_write(&fixture.log, PCIBACK_LOG_INFO, "%s", "tab\there\nnew\033line\x80");
	CHECK_TEXT(fixture.line, "domain 7: tab?here?new?line?");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fixture.log.now = 6000;
	pciback_log_write(&fixture.log, PCIBACK_LOG_INFO, "%s", text);
	CHECK_NUMBER(strlen(fixture.line), PCIBACK_LOG_LINE - 1);
	fixture.log.n_dropped = UINT32_MAX;
	pciback_log_write(&fixture.log, PCIBACK_LOG_INFO, "dropped");
	CHECK_NUMBER(fixture.log.n_dropped, UINT32_MAX);
	fixture_free(&fixture);
}

static void
test_aer(struct harness *harness)
{
	static const struct {
		int32_t answer;
		enum pciback_recovery result;
	} answers[] = { { 1, PCIBACK_RECOVERY_NONE }, { 2, PCIBACK_RECOVERY_CAN },
		{ 3, PCIBACK_RECOVERY_NEEDS_RESET }, { 4, PCIBACK_RECOVERY_DISCONNECT },
		{ 5, PCIBACK_RECOVERY_DONE }, { 0, PCIBACK_RECOVERY_DISCONNECT },
		{ 6, PCIBACK_RECOVERY_DISCONNECT }, { -1, PCIBACK_RECOVERY_DISCONNECT },
		{ INT32_MIN, PCIBACK_RECOVERY_DISCONNECT } };
	static const struct pciback_address place = { .device = 3, .function = 2 };
	static struct fixture fixture;
	enum pciback_recovery result;

	fixture_init_card(&fixture);
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_DETECTED, 2, &place), -ENOTSUP);
	CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), -ENOENT);
	atomic_store(&fixture.page.flags, PCIBACK_FLAG_AER_HANDLER);
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_DISABLE_MSIX, 2, &place), -EINVAL);
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_ENABLE_MULTI_MSI, 2, &place),
	    -EINVAL);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_SLOT_RESET, 2, &place), 0);
		CHECK_NUMBER(fixture.n_notified, i + 1);
		CHECK_NUMBER(atomic_load(&fixture.page.flags), 6);
		CHECK_NUMBER(atomic_load(&fixture.page.aer.command), 9);
		CHECK_NUMBER(atomic_load(&fixture.page.aer.error), 2);
		CHECK_NUMBER(atomic_load(&fixture.page.aer.devfn), 0x1a);
		CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_RESUME, 1, &place), -EBUSY);
		CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), -EAGAIN);
		atomic_store(&fixture.page.aer.error, answers[i].answer);
		atomic_store(&fixture.page.flags, PCIBACK_FLAG_AER_HANDLER);
		CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), 0);
		CHECK_NUMBER(result, answers[i].result);
		CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), -ENOENT);
	}
	/* A guest that does not answer is given up, and asked again. */
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_DETECTED, 3, &place), 0);
	pciback_aer_cancel(&fixture.channel);
	CHECK_NUMBER(atomic_load(&fixture.page.flags), 2);
	CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), -ENOENT);
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_DETECTED, 3, &place), 0);
	fixture_free(&fixture);
}

void
test_dispatch(struct harness *harness)
{
	test_answers(harness);
	test_page(harness);
	test_serving(harness);
	test_limits(harness);
	test_log(harness);
	test_aer(harness);
}
