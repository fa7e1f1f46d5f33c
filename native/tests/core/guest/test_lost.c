/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/status.h>
#include <pciback/taken.h>

#include "fake_xen.h"

static struct fake fake;

/* `drvctl -r`, which an administrator types, gives a device to its driver, from under a guest's. */
static void
test_driver_takes_it(struct harness *harness)
{
	static const struct pciback_wanted wanted = { .address = { .bus = 3 } };
	struct fake_device *device = &fake.xen.devices[0];
	char message[PCIBACK_LOG_LINE];
	struct pciback_taken_status taken;
	size_t position = 0, n_taken;
	unsigned n_resets, n_released;

	fake_connect(&fake, 2, true);
	device->lost = -EBUSY;
	fake_pass(&fake, PCIBACK_WAIT_CHECK - 1);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	n_resets = device->n_resets;
	fake_pass(&fake, 1);
	/* That guest has nothing of it any more, and goes on with the other one. */
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_NO_DEVICE);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 1, 0, 4, 0, NULL), PCIBACK_DONE);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK(fake_said(&fake, "domain 1: 0000:03:00.0 was taken by a driver of this system, and is served no more; "
	    "that driver reaches no memory with it"));
	CHECK_TEXT(pciback_backend_find(&fake.backend, 1)->message,
	    "0000:03:00.0 is a driver's of this system again; take it from there");
	/* Nothing is done to it, and nobody gets it. */
	CHECK_NUMBER(device->n_resets, n_resets);
	CHECK(device->is_in_quarantine);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
	/* Until it has none again. */
	device->lost = 0;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "3");
	CHECK_NUMBER(device->n_resets, n_resets + 1);
	fake_kill(&fake, 2, PCIBACK_LIFE_GONE);

	/* Or it is made dom0's altogether, without a word to the device. */
	device->lost = -EBUSY;
	device->config[4] = 7;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), -EBUSY);
	CHECK_TEXT(message, "0000:03:00.0 is a driver's of this system again; take it from there");
	CHECK(pciback_status_taken(&fake.backend, &position, &taken));
	CHECK(taken.is_lost);
	/* It is there again as soon as that driver has let go of it, for who takes it; or another one is in its place. */
	device->lost = 0;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	device->lost = -EBUSY;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	device->lost = -ENODEV;
	n_released = device->n_released;
	n_taken = fake.backend.n_taken;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	CHECK_NUMBER(device->n_released, n_released + 1);
	CHECK_NUMBER(fake.backend.n_taken, n_taken);
	device->lost = -EBUSY;
	device->config[4] = 7;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, &wanted, 1, message), 0);
	CHECK(device->is_dom0s && !device->is_in_quarantine);
	CHECK_NUMBER(device->config[4], 7);
	device->config[4] = 3;
	fake.xen.n_errors = 0;
	CHECK(fake_end(&fake));
}

/* A card that is pulled, or a virtual function that its parent drops. */
static void
test_gone(struct harness *harness)
{
	static const struct pciback_wanted wanted = { .address = { .bus = 3 } };
	struct fake_device *device = &fake.xen.devices[0];
	char message[PCIBACK_LOG_LINE];
	struct pciback_held_back held_back;
	size_t position = 0;

	fake_connect(&fake, 1, true);
	device->lost = device->read_error = -ENODEV;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 0);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(fake_said(&fake, "domain 1: 0000:03:00.0 is gone from this machine"));
	CHECK(device->is_open);
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	CHECK(!device->is_open);
	CHECK_NUMBER(fake.backend.n_taken, 0);
	/* It is back, where it was, and that guest lives: whatever it has mapped no other one gets. */
	device->lost = device->read_error = 0;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	CHECK(pciback_status_held_back(&fake.backend, &position, &held_back));
	CHECK(held_back.domain == 1 && held_back.is_lost);
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
	CHECK_NUMBER(fake_held(&fake, "iomem", 2), 0);
	/* Until it is gone. */
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "3");
	position = 0;
	CHECK(!pciback_status_held_back(&fake.backend, &position, &held_back));
	fake_kill(&fake, 2, PCIBACK_LIFE_GONE);
	device->config[4] = 3;
	CHECK(fake_end(&fake));
}

void
test_guest_lost(struct harness *harness)
{
	test_driver_takes_it(harness);
	test_gone(harness);
}
