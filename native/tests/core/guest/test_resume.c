/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include "fake_xen.h"

static struct fake fake;

static void
connect_recorded(bool is_linux)
{
	fake_init_recorded(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_frontend(&fake, 1, is_linux);
	fake_set(&fake, 1, "/state", "4");
}

/* Neither the store nor a device shows that another process serves the page. */
static void
test_goes_on(struct harness *harness)
{
	uint8_t before[2][256];
	uint32_t value = 0;
	size_t n_held, n_notified;

	for (unsigned i = 0; i < 2; i++) {
		connect_recorded(i == 0);
		CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
		CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_WRITE, 0, 4, 2, 6, NULL), PCIBACK_DONE);
		for (unsigned j = 0; j < 2; j++)
			memcpy(before[j], fake.xen.devices[j].config, sizeof(before[j]));
		n_held = fake.xen.n_grants;
		n_notified = fake.xen.n_notified;
		/* A write of any of them would be an error. */
		fake_write(&fake, 1, "root_num", "as before");
		fake_restart(&fake);
		CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
		CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
		CHECK_TEXT(fake_read(&fake, 1, "root_num"), "as before");
		CHECK_NUMBER(fake.xen.n_grants, n_held);
		CHECK_NUMBER(fake.xen.n_notified, n_notified + 1);
		CHECK(fake_said(&fake, "domain 1: its 2 devices and its page are served on, as the process before this "
		    "one has left them"));
		for (unsigned j = 0; j < 2; j++)
			CHECK(memcmp(before[j], fake.xen.devices[j].config, sizeof(before[j])) == 0);
		CHECK_NUMBER(fake.guests[0].phase, PCIBACK_PHASE_CONNECTED);
		CHECK(fake.guests[0].handles_all_states == (i == 0));
		CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 4, 2, 0, &value), PCIBACK_DONE);
		/* That it had its ports off, which they never are, is forgotten. */
		CHECK_NUMBER(value, 7);
		CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_DISABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
		CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
		/* And goes as ever. */
		fake_set(&fake, 1, "/state", "5");
		CHECK_NUMBER(fake.xen.n_grants, 0);
		CHECK(fake_end(&fake));
	}
}

/* What was asked while nobody served is answered. */
static void
test_answers(struct harness *harness)
{
	struct pciback_page *page = &fake.xen.page[1];

	connect_recorded(true);
	fake.guests[0].is_open = false;
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 1, 0, 4, 0, NULL), 99);
	fake.guests[0].is_open = true;
	fake_restart(&fake);
	CHECK_NUMBER(atomic_load(&page->flags) & PCIBACK_FLAG_REQUEST, 0);
	CHECK_NUMBER(atomic_load(&page->request.error), PCIBACK_DONE);
	CHECK(fake_end(&fake));
}

/* In each state that a guest with a channel is shown. */
static void
test_states(struct harness *harness)
{
	connect_recorded(true);
	fake_set(&fake, 1, "state", "7");
	fake_restart(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	fake_restart(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	CHECK_NUMBER(fake.guests[0].phase, PCIBACK_PHASE_RECONFIGURED);
	fake_set(&fake, 1, "/state", "4");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	/* Closing, whose frontend is waited for as long as ever. */
	fake_set(&fake, 1, "online", "0");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
	fake_restart(&fake);
	CHECK_NUMBER(fake.guests[0].phase, PCIBACK_PHASE_LEAVING);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	fake_pass(&fake, PCIBACK_WAIT_CLOSE);
	CHECK_NUMBER(fake.xen.n_grants, 0);
	CHECK(fake_end(&fake));

	/* Given, and not connected yet. */
	fake_init_recorded(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_restart(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 1);
	fake_frontend(&fake, 1, true);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK(fake_end(&fake));
}

/* Who is there now is not who was served: everything is taken back, and given anew. */
static void
test_another_frontend(struct harness *harness)
{
	for (unsigned i = 0; i < 4; i++) {
		connect_recorded(true);
		fake.xen.is_dead = true;
		if (i == 0)
			fake_write(&fake, 1, "/event-channel", "12");
		else if (i == 1)
			fake_write(&fake, 1, "/state", "3");
		else if (i == 2)
			fake_write(&fake, 1, "/state", "1");
		else
			fake_write(&fake, 1, "/state", "6");
		fake_restart(&fake);
		CHECK_NUMBER(fake.xen.devices[0].n_resets, 2);
		CHECK(fake_said(&fake, "domain 1: is not as the process before this one had recorded; its devices are "
		    "reset, and its drivers start anew"));
		CHECK_NUMBER(fake.guests[0].is_open, i < 2);
		CHECK(fake_end(&fake));
	}
}

/* One that names no channel any more is not waited for: it would keep what the toolstack takes from it meanwhile. */
static void
test_no_channel(struct harness *harness)
{
	static const char *const keys[] = { "/magic", "/pci-op-ref", "/event-channel" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		connect_recorded(true);
		fake.xen.is_dead = true;
		fake_write(&fake, 1, keys[i], "none");
		fake_restart(&fake);
		CHECK(!fake.guests[0].is_adopted && !fake.guests[0].is_open);
		CHECK_NUMBER(fake.xen.devices[0].n_resets, 2);
		CHECK(fake_said(&fake, "had recorded; its devices are reset"));
		fake_set(&fake, 1, "num_devs", "0");
		CHECK_NUMBER(fake_held(&fake, "device", 1), 0);
		CHECK(fake_end(&fake));
	}
}

/* Keys of the toolstack that can't be read take nothing from a guest. */
static void
test_malformed(struct harness *harness)
{
	connect_recorded(true);
	fake_set(&fake, 1, "num_devs", "many");
	fake_restart(&fake);
	CHECK_NUMBER(fake.guests[0].phase, PCIBACK_PHASE_CONNECTED);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	fake_set(&fake, 1, "num_devs", "2");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	fake_set(&fake, 1, "state", "nonsense");
	fake_restart(&fake);
	CHECK_NUMBER(fake.guests[0].phase, PCIBACK_PHASE_CONNECTED);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	CHECK(fake_end(&fake));
}

/* A child of the process that was killed may have the page for a moment. */
static void
test_waits(struct harness *harness)
{
	connect_recorded(true);
	fake.xen.refuses = "event";
	fake_restart(&fake);
	CHECK(fake.guests[0].is_adopted && !fake.guests[0].is_open);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	fake_pass(&fake, PCIBACK_WAIT_ADOPT);
	CHECK(fake.guests[0].is_adopted);
	fake.xen.refuses = NULL;
	fake_pass(&fake, PCIBACK_WAIT_ADOPT);
	CHECK(!fake.guests[0].is_adopted && fake.guests[0].is_open);
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 1);
	CHECK(fake_end(&fake));

	/* What its toolstack removes meanwhile is taken back at once, and not waited for. */
	connect_recorded(true);
	fake.xen.refuses = "event";
	fake_restart(&fake);
	fake_remove(&fake, 1, "dev-1");
	fake_remove(&fake, 1, "state-1");
	fake_set(&fake, 1, "num_devs", "1");
	CHECK(fake.guests[0].is_adopted);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake.xen.refuses = NULL;
	fake_pass(&fake, PCIBACK_WAIT_ADOPT);
	CHECK(!fake.guests[0].is_adopted && fake.guests[0].is_open);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 1);
	CHECK(fake_end(&fake));

	/* Nor does a domain that comes to its end meanwhile wait. */
	connect_recorded(true);
	fake.xen.refuses = "event";
	fake_restart(&fake);
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	CHECK_NUMBER(fake.xen.n_grants, 0);
	CHECK(fake_end(&fake));

	connect_recorded(true);
	fake.xen.refuses = "event";
	fake_restart(&fake);
	for (unsigned i = 0; i < 20; i++)
		fake_pass(&fake, PCIBACK_WAIT_ADOPT);
	CHECK(!fake.guests[0].is_adopted && !fake.guests[0].is_open);
	CHECK(fake_said(&fake, "had recorded; its devices are reset"));
	CHECK(fake_end(&fake));
}

void
test_guest_resume(struct harness *harness)
{
	test_goes_on(harness);
	test_answers(harness);
	test_states(harness);
	test_another_frontend(harness);
	test_no_channel(harness);
	test_malformed(harness);
	test_waits(harness);
}
