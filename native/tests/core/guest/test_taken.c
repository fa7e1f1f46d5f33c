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
static const struct pciback_wanted devices[] = {
	{ .address = { .bus = 3 } }, { .address = { .bus = 3, .device = 1 } },
	{ .address = { .bus = 3, .device = 9 } },
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
	CHECK_NUMBER(fake_take(&fake, devices, 3, message), -ENODEV);
	CHECK_TEXT(message, "0000:03:09.0 is no device of this machine");
	CHECK_NUMBER(count_taken(), 0);
	CHECK(fake.xen.devices[0].is_dom0s && fake.xen.devices[1].is_dom0s);
	CHECK_NUMBER(fake_take(&fake, devices, 1, message), 0);
	CHECK_NUMBER(fake_take(&fake, devices, 3, message), -ENODEV);
	CHECK_NUMBER(count_taken(), 1);
	CHECK_NUMBER(fake_take(&fake, devices, 2, message), 0);
	CHECK_NUMBER(count_taken(), 2);
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(count_taken(), 1);
	CHECK_NUMBER(fake_take(&fake, devices, 2, message), 0);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(pciback_backend_return(&fake.backend, devices, 2, message), -EBUSY);
	CHECK_TEXT(message, "0000:03:00.0 belongs to domain 1");
	CHECK(fake_end(&fake));
}

/* The place alone says nothing: another card may be there, which dom0 needs. */
static void
test_another(struct harness *harness)
{
	struct pciback_wanted wanted[] = { devices[0], devices[1] };

	fake_init(&fake);
	wanted[1].has_id = wanted[1].has_subsystem = true;
	wanted[1].identity = (struct pciback_identity){
		.vendor = 0x8086, .device = 0x10d3, .subsystem_vendor = 0x8086, .subsystem = 0xa01f,
	};
	CHECK_NUMBER(pciback_backend_check(&fake.backend, wanted, 2, message), 0);
	wanted[1].identity.device = 0x100e;
	CHECK_NUMBER(pciback_backend_check(&fake.backend, wanted, 2, message), -EXDEV);
	CHECK_TEXT(message, "0000:03:01.0 is 8086:10d3, expected is 8086:100e: the buses have other numbers now, or "
	    "another card is there");
	CHECK_NUMBER(fake_take(&fake, wanted, 2, message), -EXDEV);
	/* Also of a device that a driver has, or that was taken when it was another one. */
	fake.xen.cant_open = -EBUSY;
	CHECK_NUMBER(fake_take(&fake, wanted, 2, message), -EXDEV);
	fake.xen.cant_open = 0;
	CHECK_NUMBER(fake_take(&fake, devices, 2, message), 0);
	CHECK_NUMBER(fake_take(&fake, wanted, 2, message), -EXDEV);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, wanted, 2, message), 0);
	wanted[1].identity.device = 0x10d3;
	wanted[1].identity.subsystem_vendor = 0x1af4;
	CHECK_NUMBER(fake_take(&fake, wanted, 2, message), -EXDEV);
	CHECK_TEXT(message, "0000:03:01.0 is of subsystem 8086:a01f, expected is 1af4:a01f: the buses have other numbers "
	    "now, or another card is there");
	/* Nothing was done to either. */
	CHECK_NUMBER(count_taken(), 0);
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 1);
	wanted[1].has_subsystem = false;
	CHECK_NUMBER(fake_take(&fake, wanted, 2, message), 0);
	fake.xen.devices[1].read_error = -EIO;
	CHECK_NUMBER(pciback_backend_check(&fake.backend, wanted, 2, message), -EIO);
	CHECK(strncmp(message, "0000:03:01.0 does not say what it is: ", 38) == 0);
	fake.xen.devices[1].read_error = 0;
	CHECK_NUMBER(pciback_backend_check(&fake.backend, &devices[2], 1, message), -ENODEV);
	CHECK_TEXT(message, "0000:03:09.0 is no device of this machine");
	CHECK(fake_end(&fake));
}

/* Nothing goes back that a domain may reach still: there it could write to all memory. */
static void
test_return(struct harness *harness)
{
	fake_init(&fake);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, devices, 1, message), -ENOENT);
	CHECK_TEXT(message, "0000:03:00.0 was not taken from dom0");
	fake_create(&fake, 1, 0, 2);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, devices, 2, message), -EBUSY);
	CHECK_TEXT(message, "0000:03:00.0 belongs to domain 1");
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, devices, 2, message), -EBUSY);
	CHECK_TEXT(message, "0000:03:00.0 is held back: domain 1 may still reach it; destroy that domain first");
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, devices, 2, message), 0);
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
	test_another(harness);
	test_return(harness);
}
