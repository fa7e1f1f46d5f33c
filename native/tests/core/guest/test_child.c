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

/* Through a proxy it has no more of its devices than its guest: they decode all the time, nothing of MSI and of power
 * states moves, and nothing of another's. */
static void
test_writes_to_proxy(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[2];
	uint8_t before[256], others[256];

	connect_two();
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_WRITE, 0, 4, 2, 7, NULL), PCIBACK_DONE);
	memcpy(before, device->config, sizeof(before));
	memcpy(others, fake.xen.devices[0].config, sizeof(others));
	CHECK_NUMBER(before[4] & 3, 3);
	children_here_capture(&fake.backend.children, 2, CAPTURE_DEVICES, 1);
	for (unsigned i = 0; i < 50; i++) {
		fake_pass(&fake, 10);
		CHECK_NUMBER(device->config[4] & 3, 3);
		CHECK(memcmp(device->config + 0x10, before + 0x10, 0x100 - 0x10) == 0);
		CHECK(memcmp(others, fake.xen.devices[0].config, sizeof(others)) == 0);
	}
	CHECK(fake.guests[1].child.is_running);
	CHECK_NUMBER(read_first(2), PCIBACK_DONE);
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

void
test_guest_child(struct harness *harness)
{
	test_served(harness);
	test_taken_back(harness);
	test_captured(harness);
	test_writes(harness);
	test_writes_to_proxy(harness);
	test_not_had(harness);
	test_reported(harness);
}
