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
#include "children_here.h"
#include "fake_xen.h"

static struct fake fake;

/* Domains 1 and 2 with two devices and one, each served by a child. */
static void
connect_two(void)
{
	struct pciback_children children;

	fake_init(&fake);
	if (children_here_open(&children, &fake.backend, 4) < 0)
		return;
	pciback_backend_serve_by(&fake.backend, &children);
	fake_create(&fake, 1, 0, 2);
	fake_frontend(&fake, 1, true);
	fake_set(&fake, 1, "/state", "4");
	fake_create(&fake, 2, 2, 1);
	fake_frontend(&fake, 2, true);
	fake_set(&fake, 2, "/state", "4");
}

static bool
end(void)
{
	struct pciback_children children = fake.backend.children;
	bool is_all_back = fake_end(&fake);

	children_here_close(&children);
	return is_all_back;
}

static int32_t
read_first(uint16_t domain)
{
	return fake_request(&fake, domain, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL);
}

/* Both are served, and this process has neither page. */
static void
test_served(struct harness *harness)
{
	uint32_t value;

	connect_two();
	CHECK(fake.guests[0].child.is_running && fake.guests[1].child.is_running);
	CHECK(fake.guests[0].page == NULL);
	CHECK_NUMBER(fake_held(&fake, "page", 0), 2);
	CHECK_NUMBER(read_first(1), PCIBACK_DONE);
	CHECK_NUMBER(read_first(2), PCIBACK_DONE);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, &value), PCIBACK_DONE);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 1);
	CHECK_NUMBER(fake.slots[0].device.interrupt, PCIBACK_MSI);
	fake_pass(&fake, 1000);
	CHECK_NUMBER(fake.guests[0].child.n_requests, 2);
	CHECK(end());
}

/* A device that is taken back from a guest is with no child any more; the others go on as they were. */
static void
test_taken_back(struct harness *harness)
{
	uint32_t value;

	connect_two();
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_WRITE, 0, 4, 2, 7, NULL), PCIBACK_DONE);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, &value), PCIBACK_DONE);
	fake_write(&fake, 1, "state-1", "5");
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK(fake.slots[1].guest == NULL && !fake.slots[1].is_served);
	CHECK(fake.slots[0].is_served);
	CHECK_NUMBER(fake_held(&fake, "page", 1), 1);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 4, 2, 0, &value), PCIBACK_DONE);
	CHECK_NUMBER(value & 4, 4);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 1);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_DISABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
	CHECK(end());
}

/* A captured child costs its guest, and nobody else: what it had is silent and in nobody's hands. */
static void
test_captured(struct harness *harness)
{
	static const struct {
		enum capture capture;
		const char *words;
	} cases[] = {
		{ CAPTURE_GARBAGE, "says what no such process says" },
		{ CAPTURE_LIES, "; it is ended, and the guest released" },
		{ CAPTURE_SILENCE, "does not end; it is ended, and the guest released" },
		{ CAPTURE_DEATH, "the process that serves its page has ended; it is ended" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t held, errors = 0;

		connect_two();
		held = fake_held(&fake, NULL, 2);
		CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_WRITE, 0, 4, 2, 7, NULL), PCIBACK_DONE);
		children_here_capture(&fake.backend.children, 1, cases[i].capture, (uint32_t)i + 3);
		for (unsigned turn = 0; turn < 200 && fake.guests[0].child.is_running &&
		    cases[i].capture != CAPTURE_SILENCE; turn++)
			fake_pass(&fake, 50);
		/* One that says nothing is found when something is wanted of it. */
		if (cases[i].capture == CAPTURE_SILENCE) {
			fake_write(&fake, 1, "state-1", "5");
			fake_set(&fake, 1, "state", "7");
			fake_set(&fake, 1, "/state", "7");
		}
		fake_run(&fake);
		CHECK(fake_said(&fake, cases[i].words));
		CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
		CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
		CHECK_NUMBER(fake.xen.devices[0].config[4] & 4, 0);
		CHECK(fake.slots[0].is_taken && fake.slots[0].is_clean);
		CHECK_NUMBER(fake_held(&fake, NULL, 2), held);
		CHECK_NUMBER(read_first(2), PCIBACK_DONE);
		errors = fake.xen.n_errors;
		CHECK_NUMBER(errors, 0);
		/* Its frontend may come again. */
		fake_set(&fake, 1, "/state", "6");
		fake_set(&fake, 1, "/state", "1");
		fake_frontend(&fake, 1, true);
		fake_set(&fake, 1, "/state", "4");
		CHECK_NUMBER(read_first(1), PCIBACK_DONE);
		CHECK(end());
	}
}

/* One that writes all that it can to its devices: they are another's only after they were cleaned, with MSI off. */
static void
test_writes(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[0];
	uint8_t before[256], bars[24];

	fake_init(&fake);
	memcpy(bars, device->config + 0x10, sizeof(bars));
	memcpy(before, fake.xen.devices[2].config, sizeof(before));
	connect_two();
	children_here_capture(&fake.backend.children, 1, CAPTURE_DEVICES, 1);
	for (unsigned i = 0; i < 50; i++)
		fake_pass(&fake, 10);
	CHECK(memcmp(device->config + 0x10, bars, sizeof(bars)) == 0);
	CHECK(memcmp(fake.xen.devices[2].config + 0x10, before + 0x10, 256 - 0x10) == 0);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_NUMBER(device->config[4] & 4, 0);
	CHECK_NUMBER(device->config[0x52] & 1, 0);
	CHECK_NUMBER(device->config[0x63] & 0x80, 0);
	CHECK(end());
}

/* What can't be had of a child, is said as it is without one. */
static void
test_not_had(struct harness *harness)
{
	static const struct {
		const char *kind, *words;
	} cases[] = {
		{ "page", "domain 3: its page 11 can't be mapped: " },
		{ "event", "domain 3: its event channel 11 can't be bound: " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		connect_two();
		fake_create(&fake, 3, 3, 1);
		/* A line a second. */
		fake_pass(&fake, 1000);
		fake.xen.refuses = cases[i].kind;
		fake_frontend(&fake, 3, true);
		CHECK(fake_said(&fake, cases[i].words));
		CHECK_TEXT(fake_read(&fake, 3, "state"), "3");
		CHECK_NUMBER(fake_held(&fake, "page", 3), 0);
		CHECK_NUMBER(read_first(1), PCIBACK_DONE);
		CHECK(end());
	}
}

/* An error report goes through the child. */
static void
test_reported(struct harness *harness)
{
	const struct pciback_address address = { .bus = 3 };
	struct pciback_page *page = &fake.xen.page[1];

	connect_two();
	CHECK_NUMBER(pciback_backend_report(&fake.backend, &address, PCIBACK_AER_DETECTED, 2, fake.now), 0);
	fake_pass(&fake, 1);
	CHECK_NUMBER(atomic_load(&page->flags) & PCIBACK_FLAG_AER, PCIBACK_FLAG_AER);
	atomic_store(&page->aer.error, PCIBACK_RECOVERY_CAN);
	atomic_fetch_and(&page->flags, ~(uint32_t)PCIBACK_FLAG_AER);
	pciback_backend_event(&fake.backend, 1);
	fake_run(&fake);
	CHECK_NUMBER(fake.xen.recovery, PCIBACK_RECOVERY_CAN);
	CHECK_NUMBER(pciback_backend_report(&fake.backend, &address, PCIBACK_AER_DETECTED, 2, fake.now), 0);
	fake_pass(&fake, PCIBACK_WAIT_REPORT);
	CHECK_NUMBER(fake.xen.recovery, PCIBACK_RECOVERY_DISCONNECT);
	CHECK(end());
}

/* ---- A child that says what a test wants ---------------------------------------------------- */

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
test_guest_child(struct harness *harness)
{
	test_served(harness);
	test_taken_back(harness);
	test_captured(harness);
	test_writes(harness);
	test_not_had(harness);
	test_reported(harness);
	test_said(harness);
	test_does_nothing(harness);
	test_not_again(harness);
}
