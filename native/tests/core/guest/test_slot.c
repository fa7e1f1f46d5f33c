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

/* XSA-61: without an IOMMU a device writes to any memory. */
static void
test_xsa_61(struct harness *harness)
{
	fake_init(&fake);
	fake.xen.no_iommu = true;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(strstr(fake.xen.line, "no IOMMU") != NULL);
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.xen.no_iommu = true;
	fake.backend.allow = PCIBACK_ALLOW_NO_IOMMU;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 4);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 0);
	CHECK(fake_end(&fake));
}

/* One device never belongs to two guests. */
static void
test_ownership(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 1, 2);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
	CHECK_TEXT(fake_read(&fake, 2, "state-1"), "3");
	CHECK_TEXT(fake_read(&fake, 2, "vdev-0"), "(none)");
	CHECK(strstr(pciback_backend_find(&fake.backend, 2)->message, "0000:03:01.0 belongs to domain 1")
	    != NULL);
	CHECK_NUMBER(fake_held(&fake, "device", 2), 1);
	/* The second guest sees what is its own, and nothing else. */
	fake_frontend(&fake, 2, true);
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_READ, 1, 0, 4, 0, NULL),
	    PCIBACK_NO_DEVICE);
	CHECK(fake_end(&fake));

	/* A guest that is created again gets the device once it was taken back from the old one. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "online", "0");
	fake_write(&fake, 1, "state", "5");
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 2), 0);
	fake_write(&fake, 1, "/state", "6");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, "device", 2), 1);
	CHECK(fake_end(&fake));
}

/* What a domain may have still is given to no other, until it can be taken or the domain is gone. */
static void
test_held_back(struct harness *harness)
{
	static const char *const kinds[] = { "iomem", "ioport", "irq", "pirq", "device" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fake_init(&fake);
		fake_create(&fake, 1, 0, 1);
		fake_frontend(&fake, 1, true);
		fake.xen.keeps = kinds[i];
		fake.xen.keeps_of = 1;
		fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
		CHECK(fake.xen.devices[0].is_open);
		fake_create(&fake, 2, 0, 1);
		CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
		CHECK_NUMBER(fake_held(&fake, NULL, 2), 0);
		CHECK(strstr(pciback_backend_find(&fake.backend, 2)->message, "0000:03:00.0 is held back: "
		    "domain 1 may still reach it; destroy that domain first") != NULL);
		/* Nobody asks for it, and the domain comes to its end. */
		fake.xen.keeps = NULL;
		fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
		CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
		/* The one that waits gets it. */
		CHECK_NUMBER(fake_held(&fake, "device", 2), 1);
		CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
		CHECK(fake_end(&fake));
	}
}

static void
test_refusals(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 9, 1);
	CHECK(strstr(fake.xen.line, "0000:03:09.0 is no device of this machine") != NULL);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.backend.n_slots = 1;
	fake_create(&fake, 1, 0, 2);
	CHECK(strstr(pciback_backend_find(&fake.backend, 1)->message,
	    "one device too many: 1 are handled") != NULL);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.xen.devices[0].bars[0].address = UINT64_MAX - 0xfff;
	fake_create(&fake, 1, 0, 1);
	CHECK(strstr(fake.xen.line, "can't be handed out") != NULL);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(fake_end(&fake));

	/* What the policy refuses, such as a CardBus bridge. */
	fake_init(&fake);
	fake.xen.devices[0].config[0x0e] = 2;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(fake.xen.devices[0].n_released > 0);
	CHECK(fake_end(&fake));
}

void
test_guest_slot(struct harness *harness)
{
	test_xsa_61(harness);
	test_ownership(harness);
	test_held_back(harness);
	test_refusals(harness);
}
