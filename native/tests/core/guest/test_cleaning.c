/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/backend.h>
#include <pciback/taken.h>

#include "../../../core/guest/clean.h"
#include "fake_xen.h"

/* Looks at a reset that take longer than a hand-over waits for it. */
#define SLOW	5
#define FOR_EVER 1000000

static struct fake fake;
static const struct pciback_wanted devices[] = {
	{ .address = { .bus = 3 } },
	{ .address = { .bus = 3, .device = 1 } },
	{ .address = { .bus = 3, .device = 2 } },
};

/* Until each reset that is slow has ended. */
static void
pass_resets(void)
{
	for (unsigned i = 0; i <= SLOW; i++)
		fake_pass(&fake, FAKE_RESET_LOOK);
}

static void
attach(uint16_t domain, const struct pciback_wanted *wanted, size_t n)
{
	fake.jobs[0] = (struct pciback_job){ .kind = PCIBACK_JOB_ATTACH, .domain = domain, .n = n };
	memcpy(fake.jobs[0].devices, wanted, n * sizeof(*wanted));
	fake_run(&fake);
}

static void
start(enum pciback_job_kind kind, size_t n)
{
	attach(0, devices, n);
	fake.jobs[0] = (struct pciback_job){ .kind = kind, .n = n };
	memcpy(fake.jobs[0].devices, devices, n * sizeof(devices[0]));
	fake_run(&fake);
}

/* While a device does not come back from its reset, another guest is answered, and gets devices. */
static void
test_others_are_served(struct harness *harness)
{
	char message[PCIBACK_LOG_LINE];
	uint32_t value = 0;

	fake_init(&fake);
	fake.xen.devices[0].slow = FOR_EVER;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_NUMBER(fake.xen.paused, 0);
	CHECK_NUMBER(pciback_clean_await(&fake.slots[0], 1, message), -EBUSY);
	CHECK_TEXT(message, "0000:03:00.0 is waited for until its reset has ended");
	fake_create(&fake, 2, 1, 2);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	fake_frontend(&fake, 2, true);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "4");
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_READ, 0, 0, 4, 0, &value), PCIBACK_DONE);
	CHECK_NUMBER(value, 0x10d38086);
	CHECK_NUMBER(fake.xen.paused, 0);
	CHECK(!pciback_backend_idle(&fake.backend) && pciback_backend_has_jobs(&fake.backend));
	/* It is dom0's again if the guest goes, once the reset has ended, however. */
	fake_remove(&fake, 1, "");
	CHECK(!fake.xen.devices[0].is_dom0s);
	fake_pass(&fake, PCIBACK_WAIT_RESET);
	CHECK(fake.xen.devices[0].is_in_quarantine);
	fake.xen.devices[0].slow = 0;
	CHECK(fake_end(&fake));
}

/* Who waits for a device gets it when it is back, each of a guest's devices. */
static void
test_waits(struct harness *harness)
{
	for (unsigned n_slow = 1; n_slow <= 2; n_slow++) {
		fake_init(&fake);
		for (unsigned i = 0; i < n_slow; i++)
			fake.xen.devices[1 - i].slow = SLOW;
		fake_create(&fake, 1, 0, 2);
		CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
		CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
		pass_resets();
		CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
		CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
		CHECK(fake.xen.devices[0].has_table && fake.xen.devices[1].has_table);
		CHECK_NUMBER(fake.xen.devices[1].n_resets, 1);
		CHECK(fake_end(&fake));
	}

	/* So does the next guest, after the one that had it. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake.xen.devices[0].slow = SLOW;
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "2");
	/* Nobody asks the device anything meanwhile: it might seem to be gone. */
	fake.xen.devices[0].lost = -ENODEV;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	CHECK(pciback_backend_taken(&fake.backend, &devices[0].address) != NULL);
	fake.xen.devices[0].lost = 0;
	pass_resets();
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 2);
	CHECK(fake_end(&fake));
}

/* A change of a connected guest waits for it at 7, and a frontend is not connected without what was asked for before. */
static void
test_hot_plug(struct harness *harness)
{
	fake_connect(&fake, 1, true);
	fake.xen.devices[1].slow = SLOW;
	attach(1, &devices[1], 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "7");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	pass_resets();
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	fake_set(&fake, 1, "/state", "4");
	CHECK_NUMBER(fake.jobs[0].stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(fake.jobs[0].error, 0);
	CHECK(fake_end(&fake));

	/* One that takes longer than a change may: its time does not count. */
	fake_connect(&fake, 1, true);
	fake.xen.devices[1].slow = FOR_EVER;
	attach(1, &devices[1], 1);
	fake_set(&fake, 1, "/state", "7");
	for (unsigned i = 0; i < PCIBACK_WAIT_RESET / 1000; i++) {
		CHECK_TEXT(fake_read(&fake, 1, "state"), "7");
		fake_pass(&fake, 1000);
	}
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	CHECK_NUMBER(fake.jobs[0].error, -EIO);
	CHECK_TEXT(fake.jobs[0].message, "0000:03:01.0 did not end its reset within 65 seconds");
	fake.xen.devices[1].slow = 0;
	CHECK(fake_end(&fake));

	/* Nor if the frontend has not looked at the result of the last change yet. */
	fake_connect(&fake, 1, true);
	attach(1, &devices[1], 1);
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	fake.xen.devices[2].slow = FOR_EVER;
	fake_write(&fake, 1, "dev-2", "0000:03:02.0");
	fake_write(&fake, 1, "state-2", "1");
	fake_write(&fake, 1, "num_devs", "3");
	fake_set(&fake, 1, "state", "7");
	for (unsigned i = 0; i < PCIBACK_WAIT_RESET / 1000; i++) {
		CHECK_TEXT(fake_read(&fake, 1, "state"), "7");
		fake_pass(&fake, 1000);
	}
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	fake.xen.devices[2].slow = 0;
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake.xen.devices[1].slow = SLOW;
	attach(1, &devices[1], 1);
	fake_frontend(&fake, 1, true);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	pass_resets();
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	CHECK_NUMBER(fake.jobs[0].error, 0);
	CHECK(fake_end(&fake));
}

/* One that fails is told to who waits for it; the next one makes another try. */
static void
test_fails(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[0];

	fake_init(&fake);
	device->slow = SLOW;
	fake_create(&fake, 1, 0, 1);
	device->reset_error = -EIO;
	pass_resets();
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(fake_said(&fake, "domain 1: 0000:03:00.0 could not be reset: "));
	CHECK(device->is_dom0s);
	device->reset_error = 0;
	device->slow = 0;
	fake_set(&fake, 1, "num_devs", "1");
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	/* Nobody waits: the log has it. */
	device->slow = SLOW;
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	device->reset_error = -EIO;
	pass_resets();
	CHECK(fake_said(&fake, "; nobody gets it before it can be"));
	device->reset_error = 0;
	device->slow = 0;
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK(fake_end(&fake));
}

/* Two that fail, one later than the other, are tried once, not one after the other for ever. */
static void
test_two_fail(struct harness *harness)
{
	struct fake_device *device = fake.xen.devices;

	for (unsigned first = 0; first < 2; first++) {
		fake_init(&fake);
		device[first].slow = SLOW;
		device[0].reset_error = device[1].reset_error = -EIO;
		fake_create(&fake, 1, 0, 2);
		pass_resets();
		CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
		CHECK_TEXT(fake_read(&fake, 1, "state-1"), "6");
		CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
		CHECK(device[0].is_dom0s && device[1].is_dom0s);
		CHECK(device[0].n_resets <= 1 && device[1].n_resets <= 1);
		device[0].reset_error = device[1].reset_error = 0;
		device[first].slow = 0;
		fake_set(&fake, 1, "num_devs", "2");
		CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
		CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
		CHECK(fake_end(&fake));

		/* Nor if it is what Xen says of them once they are clean. */
		fake_connect(&fake, 1, true);
		device[1 + first].slow = SLOW;
		fake.xen.refuses = "device";
		attach(1, &devices[1], 2);
		fake_set(&fake, 1, "/state", "7");
		pass_resets();
		pass_resets();
		CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
		CHECK_NUMBER(fake.jobs[0].error, -EIO);
		CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
		CHECK(device[1].n_resets <= 2 && device[2].n_resets <= 2);
		fake.xen.refuses = NULL;
		device[1 + first].slow = 0;
		CHECK(fake_end(&fake));
	}
}

/* The clients of take and return wait, and others of the control socket don't. */
static void
test_jobs(struct harness *harness)
{
	fake_init(&fake);
	fake.xen.devices[0].slow = SLOW;
	start(PCIBACK_JOB_TAKE, 2);
	CHECK(fake.jobs[0].stage != PCIBACK_JOB_DONE);
	pass_resets();
	CHECK_NUMBER(fake.jobs[0].stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(fake.jobs[0].error, 0);
	CHECK(fake.xen.devices[0].has_table && fake.xen.devices[1].has_table);
	fake_create(&fake, 1, 0, 1);
	fake.xen.devices[0].slow = SLOW;
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	start(PCIBACK_JOB_RETURN, 2);
	CHECK(fake.jobs[0].stage != PCIBACK_JOB_DONE && !fake.xen.devices[0].is_dom0s);
	pass_resets();
	CHECK_NUMBER(fake.jobs[0].error, 0);
	CHECK(fake.xen.devices[0].is_dom0s && fake.xen.devices[1].is_dom0s);
	/* All of them or none. */
	fake.xen.devices[0].slow = SLOW;
	start(PCIBACK_JOB_TAKE, 2);
	fake.xen.devices[0].reset_error = -EIO;
	pass_resets();
	CHECK_NUMBER(fake.jobs[0].error, -EIO);
	CHECK(strncmp(fake.jobs[0].message, "0000:03:00.0 could not be reset: ", 33) == 0);
	CHECK(fake.xen.devices[0].is_dom0s && fake.xen.devices[1].is_dom0s);
	fake.xen.devices[0].reset_error = 0;
	fake.xen.devices[0].slow = 0;
	CHECK(fake_end(&fake));
}

/* What the system is still at is given to nobody, dom0 neither, and nothing is asked of it. */
static void
test_stuck(struct harness *harness)
{
	fake_init(&fake);
	start(PCIBACK_JOB_TAKE, 1);
	fake_create(&fake, 1, 0, 1);
	fake.xen.devices[0].slow = FOR_EVER;
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_pass(&fake, PCIBACK_WAIT_RESET);
	CHECK(fake_said(&fake, "0000:03:00.0 did not end its reset within 65 seconds; nobody gets it before it can be"));
	start(PCIBACK_JOB_RETURN, 1);
	CHECK_TEXT(fake.jobs[0].message, "0000:03:00.0 has not come back from its reset, at which the system still is");
	CHECK(fake.xen.devices[0].is_in_quarantine);
	/* It has come back after all. */
	fake.xen.devices[0].slow = 0;
	start(PCIBACK_JOB_RETURN, 1);
	CHECK_NUMBER(fake.jobs[0].error, 0);
	CHECK(fake.xen.devices[0].is_dom0s);
	CHECK_NUMBER(fake.xen.devices[0].config[0x15], 0x38);
	CHECK(fake_end(&fake));
}

/* The end waits for it a while, so that the next process finds the device as dom0 had it. */
static void
test_end(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake.xen.devices[0].slow = SLOW;
	CHECK(fake_end(&fake));
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 2);
	CHECK_NUMBER(fake.xen.devices[0].config[0x15], 0x38);

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake.xen.devices[0].slow = FOR_EVER;
	CHECK(fake_end(&fake));
	CHECK(fake.xen.paused <= PCIBACK_WAIT_LAST_RESETS + 2 * FAKE_RESET_LOOK);
}

void
test_guest_cleaning(struct harness *harness)
{
	test_others_are_served(harness);
	test_waits(harness);
	test_hot_plug(harness);
	test_fails(harness);
	test_two_fail(harness);
	test_jobs(harness);
	test_stuck(harness);
	test_end(harness);
}
