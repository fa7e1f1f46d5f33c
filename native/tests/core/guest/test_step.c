/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>

#include "../../../core/guest/step.h"
#include "fake_xen.h"

static struct fake fake;

static void
perform(enum pciback_step step)
{
	pciback_step_perform(&fake.guests[0], step);
}

/* What each step leaves in the store and with the guest. */
static void
test_steps(struct harness *harness)
{
	struct pciback_guest *guest = &fake.guests[0];

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	CHECK_NUMBER(guest->phase, PCIBACK_PHASE_READY);
	perform(PCIBACK_STEP_NONE);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	/* Without a page that the frontend has published. */
	perform(PCIBACK_STEP_CONNECT);
	CHECK_NUMBER(guest->phase, PCIBACK_PHASE_READY);
	CHECK(guest->blocked);
	fake_frontend(&fake, 1, true);
	CHECK_NUMBER(guest->phase, PCIBACK_PHASE_CONNECTED);
	CHECK_NUMBER(fake_held(&fake, "page", 1), 1);
	perform(PCIBACK_STEP_RECONFIGURE);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	CHECK_NUMBER(guest->phase, PCIBACK_PHASE_RECONFIGURED);
	CHECK_NUMBER(guest->deadline, fake.now + PCIBACK_WAIT_LOOK);
	guest->frontend = PCIBACK_XENBUS_RECONFIGURING;
	perform(PCIBACK_STEP_SETTLE);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK(guest->stale_reconfiguring);
	CHECK_NUMBER(guest->deadline, 0);
	perform(PCIBACK_STEP_ASK);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
	CHECK_NUMBER(guest->phase, PCIBACK_PHASE_LEAVING);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK_NUMBER(guest->deadline, fake.now + PCIBACK_WAIT_CLOSE);
	perform(PCIBACK_STEP_RELEASE);
	CHECK_NUMBER(guest->phase, PCIBACK_PHASE_RELEASED);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	perform(PCIBACK_STEP_CLOSE);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "6");
	/* As if the frontend had come back, which waits until the device is restored for it. */
	fake_write(&fake, 1, "/state", "1");
	perform(PCIBACK_STEP_PREPARE);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK(guest->waits_for_device);
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	perform(PCIBACK_STEP_RESTART);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	perform(PCIBACK_STEP_FORGET);
	CHECK(!guest->used);
	CHECK(fake_end(&fake));
}

/* A step whose change of the store fails keeps nothing that it has given. */
static void
test_stale(struct harness *harness)
{
	struct pciback_guest *guest = &fake.guests[0];

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	perform(PCIBACK_STEP_RESTART);
	fake.xen.was_stale = true;
	perform(PCIBACK_STEP_PREPARE);
	CHECK_NUMBER(guest->phase, PCIBACK_PHASE_NEW);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(guest->look_backend);
	CHECK(fake_end(&fake));
}

void
test_guest_step(struct harness *harness)
{
	test_steps(harness);
	test_stale(harness);
}
