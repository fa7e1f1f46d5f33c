/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <pciback/status.h>

#include "fake_xen.h"

/* Two guests, one of them connected with two devices; what is told of each. */
void
test_guest_status(struct harness *harness)
{
	static const struct pciback_address third = { .bus = 3, .device = 2 };
	static struct fake fake;
	struct pciback_guest_status guest = { .domain = 99 };
	struct pciback_device_status device = { .n_permissions = 99 };
	struct pciback_counts counts;
	size_t position = 0;

	fake_init(&fake);
	CHECK(!pciback_status_guest(&fake.backend, &position, &guest));
	CHECK_NUMBER(guest.domain, 99);
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 2, 1);
	fake_create(&fake, 3, 9, 1);
	fake_frontend(&fake, 1, true);
	(void)fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL);
	(void)fake_request(&fake, 1, PCIBACK_CONFIG_READ, 9, 0, 4, 0, NULL);
	fake_write(&fake, 2, "opts-0", "permissive=1");
	position = 0;
	CHECK(pciback_status_guest(&fake.backend, &position, &guest));
	CHECK_NUMBER(guest.domain, 1);
	CHECK_NUMBER(guest.phase, PCIBACK_PHASE_CONNECTED);
	CHECK_NUMBER(guest.own, PCIBACK_XENBUS_CONNECTED);
	CHECK_NUMBER(guest.frontend, PCIBACK_XENBUS_INITIALISED);
	CHECK(guest.hot_plug);
	CHECK_NUMBER(guest.n_requests, 2);
	CHECK_NUMBER(guest.n_refused, 1);
	CHECK_TEXT(guest.message, "");
	CHECK(pciback_status_guest(&fake.backend, &position, &guest));
	CHECK_NUMBER(guest.domain, 2);
	CHECK_NUMBER(guest.n_requests, 0);
	CHECK(!guest.hot_plug);
	CHECK(pciback_status_guest(&fake.backend, &position, &guest));
	CHECK_TEXT(guest.message, "0000:03:09.0 is no device of this machine");
	CHECK(!pciback_status_guest(&fake.backend, &position, &guest));

	position = 0;
	CHECK(pciback_status_device(&fake.backend, 1, &position, &device));
	CHECK_NUMBER(device.address.device, 0);
	CHECK(pciback_status_device(&fake.backend, 1, &position, &device));
	CHECK_NUMBER(device.address.device, 1);
	CHECK_NUMBER(device.place.bus, 0);
	CHECK_NUMBER(device.place.device, 1);
	CHECK_NUMBER(device.interrupt, PCIBACK_INTX);
	CHECK_NUMBER(device.n_permissions, 5);
	CHECK(!pciback_status_device(&fake.backend, 1, &position, &device));
	position = 0;
	CHECK(!pciback_status_device(&fake.backend, 3, &position, &device));

	CHECK_NUMBER(pciback_status_find(&fake.backend, &third, &device), 0);
	CHECK_NUMBER(device.address.device, 2);
	pciback_status_counts(&fake.backend, &counts);
	CHECK_NUMBER(counts.n_granted, 15);
	CHECK_NUMBER(counts.n_revoked, 0);
	CHECK(fake_end(&fake));
	pciback_status_counts(&fake.backend, &counts);
	CHECK_NUMBER(counts.n_revoked, 15);
	CHECK_NUMBER(counts.n_not_revoked, 0);
	device.n_permissions = 99;
	CHECK_NUMBER(pciback_status_find(&fake.backend, &third, &device), -ENOENT);
	CHECK_NUMBER(device.n_permissions, 99);
}
