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
static const struct pciback_address addresses[] = {
	{ .bus = 3 }, { .bus = 3, .device = 1 }, { .bus = 3, .device = 9 },
};
static char message[PCIBACK_LOG_LINE];

static size_t
count_taken(void)
{
	struct pciback_taken_status taken;
	size_t position = 0, n = 0;

	while (pciback_status_taken(&fake.backend, &position, &taken))
		n += taken.is_clean && !taken.is_lost;
	return n;
}

/* All of them or none, as often as one likes; a guest gets one that was taken before. */
static void
test_take(struct harness *harness)
{
	fake_init(&fake);
	CHECK_NUMBER(pciback_backend_take(&fake.backend, addresses, 3, message), -ENODEV);
	CHECK_TEXT(message, "0000:03:09.0 is no device of this machine");
	CHECK_NUMBER(count_taken(), 0);
	CHECK(fake.xen.devices[0].is_dom0s && fake.xen.devices[1].is_dom0s);
	CHECK_NUMBER(pciback_backend_take(&fake.backend, addresses, 1, message), 0);
	CHECK_NUMBER(pciback_backend_take(&fake.backend, addresses, 3, message), -ENODEV);
	CHECK_NUMBER(count_taken(), 1);
	CHECK_NUMBER(pciback_backend_take(&fake.backend, addresses, 2, message), 0);
	CHECK_NUMBER(count_taken(), 2);
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(count_taken(), 1);
	CHECK_NUMBER(pciback_backend_take(&fake.backend, addresses, 2, message), -EBUSY);
	CHECK_TEXT(message, "0000:03:00.0 belongs to domain 1");
	CHECK(fake_end(&fake));
}

/* Nothing goes back that a domain may reach still: there it could write to all memory. */
static void
test_return(struct harness *harness)
{
	fake_init(&fake);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, addresses, 1, message), -ENOENT);
	CHECK_TEXT(message, "0000:03:00.0 was not taken from dom0");
	fake_create(&fake, 1, 0, 2);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, addresses, 2, message), -EBUSY);
	CHECK_TEXT(message, "0000:03:00.0 belongs to domain 1");
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, addresses, 2, message), -EBUSY);
	CHECK_TEXT(message, "0000:03:00.0 is held back: domain 1 may still reach it; destroy that domain first");
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, addresses, 2, message), 0);
	CHECK_NUMBER(count_taken(), 0);
	for (size_t i = 0; i < 2; i++) {
		CHECK(fake.xen.devices[i].is_dom0s && !fake.xen.devices[i].is_in_quarantine);
		CHECK(!fake.xen.devices[i].is_open && !fake.xen.devices[i].has_table);
	}
	CHECK(fake_end(&fake));
}

void
test_guest_taken(struct harness *harness)
{
	test_take(harness);
	test_return(harness);
}
