/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>

#include "../../../core/guest/toolstack.h"
#include <pciback/taken.h>
#include "fake_xen.h"

static struct fake fake;

static const struct pciback_job job = { .domain = 1, .n = 2,
	.devices = { { .address = { .bus = 3, .device = 1 }, .permissive = true, .rdm_relaxed = true },
	    { .address = { .bus = 3, .device = 2 }, .permissive = true, .rdm_relaxed = true } } };

/* The nodes are those that libxl makes. */
static void
test_create(struct harness *harness)
{
	fake_init(&fake);
	CHECK_NUMBER(pciback_toolstack_create(&fake.backend, &job), 0);
	CHECK_TEXT(fake_read(&fake, 1, "frontend"), "/local/domain/1/device/pci/0");
	CHECK_TEXT(fake_read(&fake, 1, "/backend"), "/local/domain/0/backend/pci/1/0");
	CHECK_TEXT(fake_read(&fake, 1, "dev-1"), "0000:03:02.0");
	CHECK_TEXT(fake_read(&fake, 1, "opts-1"),
	    "msitranslate=0,power_mgmt=0,permissive=1,rdm_policy=relaxed");
	CHECK_TEXT(fake_read(&fake, 1, "state-1"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "2");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "1");
	/* There is one by now. */
	CHECK_NUMBER(pciback_toolstack_create(&fake.backend, &job), -ESTALE);
	CHECK(fake_end(&fake));
}

/* With what pcibackd was told when it took a device: the next process has only the store. */
static void
test_options(struct harness *harness)
{
	const struct pciback_wanted wanted = { .address = { .bus = 3, .device = 2 }, .irq = 254, .allow = PCIBACK_ALLOW_NO_RESET };
	char message[PCIBACK_LOG_LINE];

	fake_init(&fake);
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	CHECK_NUMBER(pciback_toolstack_create(&fake.backend, &job), 0);
	CHECK_TEXT(fake_read(&fake, 1, "opts-1"),
	    "msitranslate=0,power_mgmt=0,permissive=1,rdm_policy=relaxed,irq=254,allow=no-reset");
	CHECK(fake_end(&fake));
}

static void
test_changes(struct harness *harness)
{
	struct pciback_guest *guest = &fake.guests[0];

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	CHECK_NUMBER(pciback_toolstack_add(guest, &job, true), 0);
	CHECK(guest->look_backend);
	CHECK_TEXT(fake_read(&fake, 1, "dev-0"), "0000:03:00.0");
	CHECK_TEXT(fake_read(&fake, 1, "dev-2"), "0000:03:02.0");
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "3");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "7");
	/* On what is no longer so, nothing is written. */
	CHECK_NUMBER(pciback_toolstack_close(guest), -ESTALE);
	CHECK_NUMBER(pciback_toolstack_destroy(guest), -ESTALE);
	CHECK_NUMBER(pciback_toolstack_set_state(guest, &job, PCIBACK_XENBUS_CLOSING, true), -ESTALE);
	CHECK_TEXT(fake_read(&fake, 1, "state-1"), "1");
	fake_run(&fake);
	CHECK_NUMBER(pciback_toolstack_set_state(guest, &job, PCIBACK_XENBUS_CLOSING, false), 0);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	CHECK_TEXT(fake_read(&fake, 1, "state-1"), "5");
	CHECK_TEXT(fake_read(&fake, 1, "state-2"), "5");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	fake_run(&fake);
	CHECK(pciback_job_has(&job, &guest->entries[1].address));
	CHECK(!pciback_job_has(&job, &guest->entries[0].address));
	CHECK(fake_end(&fake));
}

/* Those behind a device that goes move down, with all their keys. */
static void
test_remove(struct harness *harness)
{
	static const struct pciback_job first = { .domain = 1, .n = 1,
	    .devices = { { .address = { .bus = 3 } } } };
	struct pciback_guest *guest = &fake.guests[0];

	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_write(&fake, 1, "name-1", "second");
	fake_run(&fake);
	CHECK_NUMBER(pciback_toolstack_load(guest), 0);
	CHECK_NUMBER(pciback_toolstack_remove(guest, &first), 0);
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "dev-0"), "0000:03:01.0");
	CHECK_TEXT(fake_read(&fake, 1, "name-0"), "second");
	CHECK_TEXT(fake_read(&fake, 1, "vdev-0"), "0000:00:01.00");
	CHECK_TEXT(fake_read(&fake, 1, "dev-1"), "(none)");
	CHECK_TEXT(fake_read(&fake, 1, "name-1"), "(none)");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK_NUMBER(pciback_toolstack_close(guest), 0);
	CHECK_TEXT(fake_read(&fake, 1, "online"), "0");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
	CHECK_NUMBER(pciback_toolstack_destroy(guest), 0);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "(none)");
	CHECK_TEXT(fake_read(&fake, 1, "/state"), "(none)");
	fake_run(&fake);
	CHECK(fake_end(&fake));
}

void
test_guest_toolstack(struct harness *harness)
{
	test_create(harness);
	test_options(harness);
	test_changes(harness);
	test_remove(harness);
}
