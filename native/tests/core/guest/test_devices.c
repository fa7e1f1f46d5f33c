/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "fake_xen.h"

static struct fake fake;

/* Guests that wait for a device are given nothing meanwhile, and don't make each other look. */
void
test_guest_devices(struct harness *harness)
{
	static const char path[] = PCIBACK_BACKENDS_PATH "/2/0/online";
	size_t n_order, n_lines;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "online", "0");
	fake_write(&fake, 1, "state", "5");
	fake_run(&fake);
	n_order = fake.xen.n_order;
	fake_create(&fake, 2, 0, 2);
	fake_create(&fake, 3, 0, 3);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "2");
	CHECK_TEXT(fake_read(&fake, 3, "state"), "2");
	CHECK_NUMBER(fake.xen.n_order, n_order);
	fake.backend.allow = PCIBACK_ALLOW_KEPT_MAPPINGS;
	fake_write(&fake, 1, "/state", "6");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_TEXT(fake_read(&fake, 3, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, "device", 2), 2);
	CHECK_NUMBER(fake_held(&fake, "device", 3), 1);
	CHECK(fake_end(&fake));

	/* The store has changed for the owner, which keeps the device: there is nothing to wait for. */
	fake_init(&fake);
	fake_create(&fake, 1, 3, 1);
	fake_create(&fake, 2, 0, 1);
	fake_write(&fake, 1, "dev-0", "0000:03:00.0");
	fake_write(&fake, 1, "state-0", "1");
	pciback_backend_watch(&fake.backend, path, PCIBACK_WATCH_BACKENDS);
	fake_run(&fake);
	CHECK_TEXT(pciback_backend_find(&fake.backend, 1)->message, "0000:03:00.0 belongs to domain 2");
	CHECK(fake_end(&fake));

	/* A frontend that restarts does not fill the log with devices that can't be had (XSA-43). */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 0, 2);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "2");
	n_lines = fake.xen.n_lines;
	for (unsigned i = 0; i < 20; i++) {
		fake_write(&fake, 2, "/state", "1");
		fake_run(&fake);
	}
	CHECK(fake.xen.n_lines <= n_lines + PCIBACK_ERRORS_BURST);
	n_lines = fake.xen.n_lines;
	fake_pass(&fake, 1000);
	fake_write(&fake, 2, "/state", "1");
	fake_run(&fake);
	CHECK_NUMBER(fake.xen.n_lines, n_lines + 1);
	CHECK(fake_end(&fake));
}
