/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include "../../../core/guest/child.h"
#include "fake_xen.h"

static struct fake fake;

/* A child that says what a test wants. */
struct puppet {
	struct pciback_message says[4];	/* one after the other */
	size_t n, next;
	uint64_t work;
	int start_error;
	bool takes_nothing, is_mute;
	bool is_ended;
};

static struct puppet puppet;

static int
puppet_start(void *world, size_t number)
{
	(void)world;
	(void)number;
	return puppet.start_error;
}

static int
puppet_send(void *world, size_t number, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], void *device)
{
	struct pciback_message message;

	(void)world;
	(void)number;
	(void)device;
	if (puppet.takes_nothing || pciback_message_read(bytes, false, &message) < 0)
		return -EAGAIN;
	if (puppet.is_mute || puppet.n == sizeof(puppet.says) / sizeof(puppet.says[0]))
		return 0;
	if (message.type == PCIBACK_MESSAGE_START)
		puppet.says[puppet.n++] = (struct pciback_message){ .type = PCIBACK_MESSAGE_STARTED };
	if (message.type == PCIBACK_MESSAGE_GIVE)
		puppet.says[puppet.n++] = (struct pciback_message){ .type = PCIBACK_MESSAGE_GIVEN,
			.number = message.number };
	return 0;
}

static int
puppet_receive(void *world, size_t number, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE], unsigned wait)
{
	(void)world;
	(void)number;
	(void)wait;
	if (puppet.next == puppet.n)
		return 0;
	pciback_message_write(&puppet.says[puppet.next++], ret_bytes);
	return 1;
}

static void
puppet_end(void *world, size_t number)
{
	(void)world;
	(void)number;
	puppet.is_ended = true;
}

static uint64_t
puppet_work(void *world, size_t number)
{
	(void)world;
	(void)number;
	return puppet.work;
}

static void
connect_puppet(void)
{
	static const struct pciback_child_operations operations = { .start = puppet_start, .send = puppet_send,
		.receive = puppet_receive, .end = puppet_end, .work = puppet_work };

	memset(&puppet, 0, sizeof(puppet));
	fake_init(&fake);
	pciback_backend_serve_by(&fake.backend, &(struct pciback_children){ .operations = &operations });
	fake_create(&fake, 1, 0, 1);
	fake_pass(&fake, 1000);
	fake_frontend(&fake, 1, true);
	fake_set(&fake, 1, "/state", "4");
	puppet.n = puppet.next = 0;
}

static void
let_say(const struct pciback_message *message)
{
	puppet.says[puppet.n++] = *message;
	pciback_backend_child(&fake.backend, 0);
	fake_run(&fake);
}

/* What a child never says costs its guest, with a sentence that says what it was. */
static void
test_said(struct harness *harness)
{
	static const struct {
		struct pciback_message message;
		const char *words;
	} cases[] = {
		{ { .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_MSI_ENABLE, .number = 1 },
		    "asks for a device that it does not have" },
		{ { .type = PCIBACK_MESSAGE_ENDED }, "says what nobody has asked" },
		{ { .type = PCIBACK_MESSAGE_STATE }, "says what nobody has asked" },
		{ { .type = PCIBACK_MESSAGE_LOG, .line = "domain 11: x" }, "speaks of another guest" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		connect_puppet();
		CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
		let_say(&cases[i].message);
		CHECK(fake_said(&fake, cases[i].words));
		CHECK(puppet.is_ended);
		CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
		CHECK(fake_end(&fake));
	}
	/* Its lines are written, as many as a guest may cause. */
	connect_puppet();
	fake_pass(&fake, 1000);
	let_say(&(struct pciback_message){ .type = PCIBACK_MESSAGE_LOG, .line = "domain 1: of a device" });
	CHECK_TEXT(fake.xen.line, "domain 1: of a device");
	let_say(&(struct pciback_message){ .type = PCIBACK_MESSAGE_LOG, .line = "domain 1: once more" });
	CHECK_TEXT(fake.xen.line, "domain 1: of a device");
	puppet.n = puppet.next = 0;
	fake_set(&fake, 1, "/state", "6");
	CHECK(fake_said(&fake, "the process that serves its page does not end"));
	CHECK(fake_end(&fake));
}

/* One that takes nothing, does not answer, is not to be had, or has a processor for itself. */
static void
test_does_nothing(struct harness *harness)
{
	connect_puppet();
	puppet.takes_nothing = true;
	fake_set(&fake, 1, "/state", "6");
	CHECK(fake_said(&fake, "the process that serves its page takes no message"));
	CHECK(fake_end(&fake));

	connect_puppet();
	puppet.n = puppet.next = sizeof(puppet.says) / sizeof(puppet.says[0]) - 1;
	puppet.says[puppet.n++] = (struct pciback_message){ .type = PCIBACK_MESSAGE_STATE, .number = 7 };
	fake_set(&fake, 1, "/state", "6");
	CHECK(fake_said(&fake, "speaks of a device that it does not have"));
	CHECK(fake_end(&fake));

	connect_puppet();
	puppet.work = PCIBACK_WAIT_USE * 1000 / 2;
	fake_pass(&fake, PCIBACK_WAIT_USE);
	CHECK(fake.guests[0].child.is_running);
	puppet.work += PCIBACK_WAIT_USE * 1000 / 10 * 9;
	fake_pass(&fake, PCIBACK_WAIT_USE);
	CHECK(fake_said(&fake, "the process that serves its page uses a processor for itself"));
	CHECK(!fake.guests[0].child.is_running);
	CHECK(fake_end(&fake));

	connect_puppet();
	fake_set(&fake, 1, "/state", "6");
	fake_set(&fake, 1, "/state", "1");
	puppet.start_error = -EAGAIN;
	fake_pass(&fake, 2000);
	fake_frontend(&fake, 1, true);
	/* A line a second. */
	fake_pass(&fake, 2000);
	fake_set(&fake, 1, "/state", "3");
	CHECK(fake_said(&fake, "domain 1: no process can be had that serves its page: "));
	CHECK(fake_end(&fake));

	/* It has nothing to say. */
	connect_puppet();
	puppet.n = puppet.next = 0;
	fake_write(&fake, 1, "dev-1", "0000:03:01.0");
	fake_write(&fake, 1, "state-1", "1");
	fake_write(&fake, 1, "num_devs", "2");
	puppet.is_mute = true;
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK(fake_said(&fake, "the process that serves its page does not answer"));
	CHECK(fake_end(&fake));
}

/* A next process that can't be had is the end of its guest's connection. */
static void
test_not_again(struct harness *harness)
{
	connect_puppet();
	puppet.start_error = -EAGAIN;
	puppet.says[puppet.n++] = (struct pciback_message){ .type = PCIBACK_MESSAGE_ENDED };
	pciback_child_stop(&fake.guests[0]);
	fake.guests[0].look_life = true;
	fake_run(&fake);
	CHECK(fake_said(&fake, "no process can be had any more that serves its page; the guest is released"));
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
	CHECK(fake_end(&fake));
}

void
test_guest_child_lost(struct harness *harness)
{
	test_said(harness);
	test_does_nothing(harness);
	test_not_again(harness);
}
