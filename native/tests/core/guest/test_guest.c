/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "fake_xen.h"

static struct fake fake;

static const char *
own(void)
{
	return fake_read(&fake, 1, "state");
}

/* Linux: publishes, waits for 4, scans, 4; takes part in changes; closes. */
static void
test_linux(struct harness *harness)
{
	uint32_t value;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(own(), "3");
	fake_frontend(&fake, 1, true);
	CHECK_TEXT(own(), "4");
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, &value), PCIBACK_DONE);
	CHECK_NUMBER(value & 0xffff, 0x8086);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 1, 0, 4, 0, NULL),
	    PCIBACK_NO_DEVICE);
	CHECK_NUMBER(fake.xen.n_notified, 2);
	fake_set(&fake, 1, "/state", "4");
	CHECK_TEXT(own(), "4");

	/* Hot plug. */
	fake_write(&fake, 1, "key-1", "0000:03:01.0");
	fake_write(&fake, 1, "dev-1", "0000:03:01.0");
	fake_write(&fake, 1, "state-1", "1");
	fake_write(&fake, 1, "num_devs", "2");
	fake_set(&fake, 1, "state", "7");
	CHECK_TEXT(own(), "7");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(own(), "8");
	CHECK_TEXT(fake_read(&fake, 1, "vdev-1"), "0000:00:01.00");
	CHECK_TEXT(fake_read(&fake, 1, "state-1"), "3");
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 1, 0, 4, 0, NULL), PCIBACK_DONE);
	fake_set(&fake, 1, "/state", "4");
	CHECK_TEXT(own(), "4");

	/* Hot unplug of the first: the second becomes number 0 and stays where it is. */
	fake_write(&fake, 1, "state-0", "5");
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(own(), "8");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL),
	    PCIBACK_NO_DEVICE);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 1, 0, 4, 0, NULL), PCIBACK_DONE);
	fake_set(&fake, 1, "/state", "4");
	CHECK_TEXT(own(), "4");
	fake_write(&fake, 1, "dev-0", "0000:03:01.0");
	fake_write(&fake, 1, "vdev-0", "0000:00:01.00");
	fake_write(&fake, 1, "state-0", "3");
	fake_remove(&fake, 1, "dev-1");
	fake_remove(&fake, 1, "vdev-1");
	fake_remove(&fake, 1, "state-1");
	fake_write(&fake, 1, "num_devs", "1");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK_TEXT(fake_read(&fake, 1, "vdev-0"), "0000:00:01.00");
	CHECK_TEXT(own(), "4");

	/* Shut down. */
	fake_set(&fake, 1, "/state", "5");
	CHECK_TEXT(own(), "5");
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	fake_set(&fake, 1, "/state", "6");
	CHECK_TEXT(own(), "6");
	/* Its driver is loaded again. */
	fake.now += 1000;
	fake_set(&fake, 1, "/state", "1");
	CHECK_TEXT(own(), "3");
	CHECK(fake_said(&fake, "ready again, 1 of 1 devices\n"));
	fake_frontend(&fake, 1, true);
	CHECK_TEXT(own(), "4");
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
	/* xl destroys it. */
	fake_write(&fake, 1, "online", "0");
	fake_set(&fake, 1, "state", "5");
	CHECK_TEXT(own(), "5");
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
	fake_set(&fake, 1, "/state", "6");
	CHECK_TEXT(own(), "6");
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	fake_remove(&fake, 1, "/");
	fake_remove(&fake, 1, "");
	fake_run(&fake);
	CHECK(pciback_backend_find(&fake.backend, 1) == NULL);
	CHECK(fake_end(&fake));
}

/* NetBSD: panics at 6, 7 and 8, so it never sees one, whatever the toolstack wants. */
static void
test_netbsd(struct harness *harness)
{
	fake_connect(&fake, 2, false);
	CHECK_TEXT(own(), "4");
	/* Of the toolstack's own 7 it would have died; it is not followed by an 8. */
	fake_write(&fake, 1, "state-1", "5");
	fake_set(&fake, 1, "state", "7");
	CHECK_TEXT(own(), "7");
	fake_pass(&fake, PCIBACK_WAIT_CHANGE);
	CHECK_TEXT(own(), "4");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	/* The toolstack takes its entry away all the same. */
	fake_remove(&fake, 1, "dev-1");
	fake_set(&fake, 1, "num_devs", "1");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK_TEXT(own(), "4");
	fake_write(&fake, 1, "online", "0");
	fake_set(&fake, 1, "state", "5");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake_set(&fake, 1, "/state", "6");
	CHECK_TEXT(own(), "5");
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	fake_pass(&fake, 60000);
	CHECK_TEXT(own(), "5");
	/* Nobody looks any more. */
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	CHECK_TEXT(own(), "6");
	CHECK(fake_end(&fake));

	/* Closes of its own, and its toolstack then takes the devices: still 5. */
	fake_connect(&fake, 1, false);
	fake_set(&fake, 1, "/state", "6");
	CHECK_TEXT(own(), "5");
	fake_set(&fake, 1, "online", "0");
	CHECK_TEXT(own(), "5");
	CHECK(fake_end(&fake));
}

/* Mini-OS: sets no flag, reads vdev-N, says 7 when asked, and is known from then on. */
static void
test_mini_os(struct harness *harness)
{
	fake_connect(&fake, 1, false);
	CHECK_TEXT(fake_read(&fake, 1, "vdev-0"), "0000:00:00.00");
	fake_write(&fake, 1, "dev-1", "0000:03:01.0");
	fake_write(&fake, 1, "num_devs", "2");
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(own(), "8");
	fake_set(&fake, 1, "/state", "4");
	CHECK_TEXT(own(), "4");
	fake_set(&fake, 1, "/state", "5");
	fake_set(&fake, 1, "/state", "6");
	CHECK_TEXT(own(), "6");
	CHECK(fake_end(&fake));
}

/* Frontends that vanish, crash, restart, or never answer. */
static void
test_faulty(struct harness *harness)
{
	/* It never lets go. */
	fake_connect(&fake, 1, true);
	fake_write(&fake, 1, "online", "0");
	fake_set(&fake, 1, "state", "5");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake_pass(&fake, PCIBACK_WAIT_CLOSE - 1);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake_pass(&fake, 1);
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	CHECK_TEXT(own(), "6");
	CHECK(fake_end(&fake));

	/* It stops between 8 and 4. */
	fake_connect(&fake, 1, true);
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(own(), "8");
	fake_pass(&fake, PCIBACK_WAIT_LOOK - 1);
	CHECK_TEXT(own(), "8");
	fake_pass(&fake, 1);
	CHECK_TEXT(own(), "4");
	/* Its 7 is that of the change that was given up: it would not look a second time. */
	fake_write(&fake, 1, "dev-1", "0000:03:01.0");
	fake_write(&fake, 1, "num_devs", "2");
	fake_set(&fake, 1, "state", "7");
	CHECK_TEXT(own(), "7");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake_pass(&fake, PCIBACK_WAIT_CHANGE);
	CHECK_TEXT(own(), "4");
	/* It is there again, and takes part in what comes then. */
	fake_set(&fake, 1, "/state", "4");
	fake_set(&fake, 1, "state", "7");
	CHECK_TEXT(own(), "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(own(), "8");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	CHECK(fake_end(&fake));

	/* A device that can't be had does not leave it at 7. */
	fake_connect(&fake, 1, true);
	fake_write(&fake, 1, "dev-1", "0000:03:09.0");
	fake_write(&fake, 1, "num_devs", "2");
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(own(), "8");
	CHECK_TEXT(fake_read(&fake, 1, "state-1"), "6");
	fake_set(&fake, 1, "/state", "4");
	CHECK_TEXT(own(), "4");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK(fake_end(&fake));

	/* Nor does a key that can't be read. */
	fake_connect(&fake, 1, true);
	fake_write(&fake, 1, "num_devs", "many");
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_TEXT(own(), "8");
	fake_set(&fake, 1, "/state", "4");
	CHECK_TEXT(own(), "4");
	CHECK(fake_end(&fake));

	/* It restarts without closing first: the old channel goes, and with it all that it enabled. */
	fake_connect(&fake, 1, true);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
	fake_set(&fake, 1, "/state", "1");
	CHECK_TEXT(own(), "3");
	CHECK_NUMBER(fake_held(&fake, "page", 0), 0);
	CHECK_NUMBER(fake_held(&fake, "msi", 0), 0);
	fake_frontend(&fake, 1, true);
	CHECK_TEXT(own(), "4");
	CHECK(fake_end(&fake));

	/* So fast that only the last state is seen. */
	fake_connect(&fake, 1, true);
	fake_frontend(&fake, 1, true);
	CHECK_TEXT(own(), "4");
	CHECK_NUMBER(fake.xen.next_port, 2);
	CHECK_NUMBER(fake_held(&fake, "page", 0), 1);
	/* At 3 with another event channel. */
	fake_write(&fake, 1, "/event-channel", "12");
	fake_set(&fake, 1, "/state", "3");
	CHECK_NUMBER(fake.xen.next_port, 3);
	CHECK_NUMBER(fake_held(&fake, "event", 0), 1);
	CHECK(fake_end(&fake));

	/* Its directory goes; it comes back. */
	fake_connect(&fake, 1, true);
	fake_remove(&fake, 1, "/");
	fake_run(&fake);
	CHECK_TEXT(own(), "6");
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	fake_set(&fake, 1, "/state", "1");
	CHECK_TEXT(own(), "3");
	CHECK(fake_end(&fake));

	/* The toolstack makes the backend's directory again. */
	fake_connect(&fake, 1, true);
	fake_set(&fake, 1, "state", "1");
	CHECK_TEXT(own(), "4");
	CHECK_NUMBER(fake.xen.next_port, 2);
	CHECK(fake_end(&fake));
}

/* One frontend survives 6; the next one in the same place may be of a kind that panics on it. */
static void
test_next_frontend(struct harness *harness)
{
	fake_connect(&fake, 1, true);
	fake_remove(&fake, 1, "/state");
	fake_run(&fake);
	CHECK_TEXT(own(), "6");
	fake_set(&fake, 1, "/state", "6");
	/* A toolstack's mistake, that has to be corrected. */
	fake_set(&fake, 1, "state", "4");
	CHECK_TEXT(own(), "5");
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	CHECK(fake_end(&fake));
}

/* XSA-302, XSA-306: a guest that is dead has nothing, at once. And what its toolstack left behind
 * is removed after a while, unless somebody else has its number. */
static void
test_dead(struct harness *harness)
{
	fake_connect(&fake, 2, true);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	CHECK_TEXT(own(), "6");
	fake_pass(&fake, PCIBACK_WAIT_REMOVE - 1);
	CHECK_TEXT(own(), "6");
	fake_pass(&fake, 1);
	CHECK_TEXT(own(), "(none)");
	CHECK(fake_said(&fake, "domain 1: what its toolstack left in the store is removed\n"));
	CHECK(pciback_backend_find(&fake.backend, 1) == NULL);
	CHECK(fake_end(&fake));

	/* At the end nobody waits for that; and nothing goes of a guest that lives. */
	fake_connect(&fake, 2, true);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_TEXT(own(), "6");
	CHECK(fake_end(&fake));
	CHECK_TEXT(own(), "(none)");
	fake_connect(&fake, 2, true);
	CHECK(fake_end(&fake));
	CHECK(strcmp(own(), "(none)") != 0);

	/* Nodes that were there before the backend. */
	fake_init(&fake);
	fake.xen.life[1] = PCIBACK_LIFE_GONE;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(own(), "6");
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	fake_pass(&fake, 10000);
	fake.xen.life[1] = PCIBACK_LIFE_RUNNING;
	fake_pass(&fake, PCIBACK_WAIT_REMOVE);
	CHECK(strcmp(own(), "(none)") != 0);
	CHECK(fake_end(&fake));
}

/* XSA-349: any number of store writes costs no more than so many looks. */
static void
test_xsa_349(struct harness *harness)
{
	size_t n_reads;

	fake_connect(&fake, 1, true);
	n_reads = fake.xen.n_reads;
	for (unsigned i = 0; i < 10000; i++) {
		fake_write(&fake, 1, "/state", i % 2 == 0 ? "8" : "4");
		fake.now += i % 4 == 0;
		(void)pciback_backend_run(&fake.backend, fake.now);
	}
	/* 2.5 seconds. */
	CHECK(fake.xen.n_reads - n_reads <=
	    PCIBACK_WATCHES_BURST + 5 * PCIBACK_WATCHES_PER_SECOND / 2 + 1);
	CHECK(fake_said(&fake, "domain 1: writes states faster than they are followed; those in between are not seen"));
	/* The last word counts. */
	fake_write(&fake, 1, "/state", "6");
	fake_pass(&fake, 20);
	fake_pass(&fake, 20);
	CHECK_TEXT(own(), "6");
	CHECK(fake_end(&fake));
}

/* The store fails at any moment of a life; afterwards the life goes on. */
static void
test_failures(struct harness *harness)
{
	bool clean = true, arrived = true;

	for (size_t i = 0; i < 60; i++) {
		fake_connect(&fake, 1, true);
		fake.xen.fail_at = fake.xen.n_calls + 1 + i;
		fake_write(&fake, 1, "dev-1", "0000:03:01.0");
		fake_write(&fake, 1, "num_devs", "2");
		fake_set(&fake, 1, "state", "7");
		fake_pass(&fake, 1100);
		fake_set(&fake, 1, "/state", "7");
		fake_pass(&fake, 1100);
		fake_set(&fake, 1, "/state", "4");
		fake_pass(&fake, 1100);
		arrived = arrived && strcmp(own(), "4") == 0;
		fake_set(&fake, 1, "/state", "5");
		fake_pass(&fake, 1100);
		fake_set(&fake, 1, "/state", "6");
		fake_pass(&fake, 1100);
		arrived = arrived && strcmp(own(), "6") == 0;
		clean = fake_held(&fake, NULL, 0) == 0 && fake_end(&fake) && clean;
	}
	CHECK(arrived);
	CHECK(clean);
}

void
test_guest_guest(struct harness *harness)
{
	test_linux(harness);
	test_netbsd(harness);
	test_mini_os(harness);
	test_faulty(harness);
	test_next_frontend(harness);
	test_dead(harness);
	test_xsa_349(harness);
	test_failures(harness);
}
