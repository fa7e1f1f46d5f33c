/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "fake_xen.h"

static struct fake fake;

/* The form of every key, as the frontends read them. */
static void
test_keys(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 1, 2);
	CHECK_TEXT(fake_read(&fake, 1, "vdev-0"), "0000:00:00.00");
	CHECK_TEXT(fake_read(&fake, 1, "vdev-1"), "0000:00:01.00");
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	CHECK_TEXT(fake_read(&fake, 1, "root_num"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "root-0"), "0000:00");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK(fake_end(&fake));

	/* A bus of its own has a root even without a device. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 0);
	CHECK_TEXT(fake_read(&fake, 1, "root_num"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK(fake_end(&fake));
}

/* Real addresses: a root for each bus that no bridge of the guest's leads to. */
static void
test_roots(struct harness *harness)
{
	fake_init(&fake);
	fake.backend.topology = PCIBACK_TOPOLOGY_REAL;
	fake.xen.devices[1].address = (struct pciback_address){ .domain = 1, .bus = 0x1f };
	fake_create(&fake, 1, 9, 0);
	fake_write(&fake, 1, "dev-0", "0000:03:00.0");
	fake_write(&fake, 1, "dev-1", "0001:1f:00.0");
	fake_write(&fake, 1, "dev-2", "0000:03:02.0");
	fake_write(&fake, 1, "num_devs", "3");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "root_num"), "2");
	CHECK_TEXT(fake_read(&fake, 1, "root-0"), "0000:03");
	CHECK_TEXT(fake_read(&fake, 1, "root-1"), "0001:1f");
	CHECK_TEXT(fake_read(&fake, 1, "vdev-1"), "0001:1f:00.00");
	CHECK_TEXT(fake_read(&fake, 1, "vdev-2"), "0000:03:02.00");
	/* One goes, and its root with it. */
	fake_write(&fake, 1, "state-1", "5");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "root_num"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "root-1"), "(none)");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.backend.topology = PCIBACK_TOPOLOGY_REAL;
	fake.xen.devices[0].address = (struct pciback_address){ .bus = 2 };
	fake.xen.devices[0].config[0x0e] = 1;
	fake.xen.devices[0].config[0x19] = 3;
	fake.xen.devices[0].config[0x1a] = 4;
	memset(fake.xen.devices[0].bars, 0, sizeof(fake.xen.devices[0].bars));
	fake_create(&fake, 1, 9, 0);
	fake_write(&fake, 1, "dev-0", "0000:03:01.0");
	fake_write(&fake, 1, "dev-1", "0000:02:00.0");
	fake_write(&fake, 1, "num_devs", "2");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state-1"), "3");
	CHECK_TEXT(fake_read(&fake, 1, "root_num"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "root-0"), "0000:02");
	CHECK(fake_end(&fake));
}

/* The toolstack changes something between the look and the change. */
static void
test_stale(struct harness *harness)
{
	fake_init(&fake);
	fake.backend.stopping = true;
	fake_create(&fake, 1, 0, 1);
	fake.backend.stopping = false;
	fake.xen.was_stale = true;
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake.xen.was_stale = true;
	fake_frontend(&fake, 1, true);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK_NUMBER(fake_held(&fake, "page", 1), 1);
	fake.xen.was_stale = true;
	fake_write(&fake, 1, "/state", "5");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
	CHECK(fake_end(&fake));

	/* Numbers move down in the very moment: no key of another device is written. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 3);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "/state", "4");
	fake_run(&fake);
	fake_write(&fake, 1, "dev-0", "0000:03:01.0");
	fake_write(&fake, 1, "dev-1", "0000:03:02.0");
	fake_write(&fake, 1, "num_devs", "2");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "vdev-0"), "0000:00:01.00");
	CHECK_TEXT(fake_read(&fake, 1, "vdev-1"), "0000:00:02.00");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	CHECK(fake_end(&fake));
}

void
test_guest_publish(struct harness *harness)
{
	test_keys(harness);
	test_roots(harness);
	test_stale(harness);
}
