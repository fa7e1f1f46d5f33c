/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "fake_xen.h"

static struct fake fake;

static const char *
own(void)
{
	return fake_read(&fake, 1, "state");
}

/* However many requests follow each other: when none is left, the event channel is open. */
static void
test_row(struct harness *harness)
{
	for (unsigned n = 1; n <= 130; n++) {
		fake_connect(&fake, 1, true);
		fake.backend.xen.n_polls = n % 2;
		fake.xen.n_more = n - 1;
		fake.xen.n_unmasked = 0;
		CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
		CHECK_NUMBER(fake.guests[0].channel.n_requests, n);
		CHECK_NUMBER(fake.xen.n_unmasked, 1);
		CHECK(fake_end(&fake));
	}
}

/* XSA-332: a request storm is held back, and the event channel stays masked meanwhile. */
static void
test_xsa_332(struct harness *harness)
{
	unsigned n = 0;

	fake_connect(&fake, 1, true);
	fake_pass(&fake, 1000);
	while (fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL) == PCIBACK_DONE &&
	    n < 20000)
		n++;
	CHECK_NUMBER(n, PCIBACK_REQUESTS_BURST);
	fake.xen.n_unmasked = 0;
	fake_run(&fake);
	CHECK_NUMBER(fake.xen.n_unmasked, 0);
	CHECK((atomic_load(&fake.xen.page[1].flags) & PCIBACK_FLAG_REQUEST) != 0);
	CHECK_TEXT(fake.xen.line, "domain 1: makes more requests than it may each second; they have to wait");
	fake_pass(&fake, 2);
	CHECK((atomic_load(&fake.xen.page[1].flags) & PCIBACK_FLAG_REQUEST) == 0);
	CHECK_NUMBER(fake.xen.n_unmasked, 1);
	CHECK(fake_end(&fake));
}

/* A guest that never stops asking has a second of a processor at once and then a quarter of it, however
 * few its requests are. */
static void
test_spinning_guest(struct harness *harness)
{
	fake_connect(&fake, 1, true);
	fake_count_work(&fake);
	fake.xen.work_each = 1000;
	fake.xen.n_more = UINT_MAX;
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), 99);
	for (unsigned i = 0; i < 1000; i++)
		fake_pass(&fake, 10);
	CHECK(fake.xen.work > 3400000 && fake.xen.work < 3600000);
	CHECK_TEXT(fake.xen.line, "domain 1: takes more of a processor than its share; its requests have to wait");
	/* What it does not use comes back. */
	fake.xen.n_more = 0;
	fake_pass(&fake, 5000);
	fake.xen.work = fake.backend.counted_work = 0;
	fake.xen.n_more = UINT_MAX;
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), 99);
	CHECK(fake.xen.work >= 1000000 && fake.xen.work < 1100000);
	fake.xen.n_more = 0;
	fake_pass(&fake, 1000);
	CHECK(fake_end(&fake));
}

/* Events without a request cost as well: what the process does between them counts. */
static void
test_spinning_events(struct harness *harness)
{
	uint64_t start;

	fake_connect(&fake, 1, true);
	fake_count_work(&fake);
	fake.xen.n_unmasked = 1;
	for (start = fake.now; fake.now < start + 10000; fake_pass(&fake, 1)) {
		uint64_t before = fake.xen.work;

		/* As fast as the process is, while the port is not masked. */
		while (fake.xen.n_unmasked > 0 && fake.xen.work < before + 1000) {
			fake.xen.n_unmasked = 0;
			fake.xen.work += 10;
			pciback_backend_event(&fake.backend, fake.guests[0].port);
			fake_run(&fake);
		}
	}
	CHECK(fake.xen.work > 3400000 && fake.xen.work < 3600000);
	CHECK(fake_end(&fake));
}

/* An error report waits for one guest only, and not for ever. */
static void
test_report(struct harness *harness)
{
	const struct pciback_address address = { .bus = 3 };
	struct pciback_page *page = &fake.xen.page[1];

	fake_connect(&fake, 1, true);
	fake_create(&fake, 2, 1, 1);
	fake_frontend(&fake, 2, true);
	CHECK_NUMBER(pciback_backend_report(&fake.backend, &address, PCIBACK_AER_DETECTED, 2,
	    fake.now), 0);
	CHECK_NUMBER(atomic_load(&page->flags) & PCIBACK_FLAG_AER, PCIBACK_FLAG_AER);
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
	CHECK_NUMBER(fake.xen.recovery, 0);
	CHECK(pciback_backend_report(&fake.backend, &address, PCIBACK_AER_DETECTED, 2, fake.now) < 0);
	atomic_store(&page->aer.error, PCIBACK_RECOVERY_CAN);
	atomic_fetch_and(&page->flags, ~(uint32_t)PCIBACK_FLAG_AER);
	pciback_backend_event(&fake.backend, fake.guests[0].port);
	fake_run(&fake);
	CHECK_NUMBER(fake.xen.recovery, PCIBACK_RECOVERY_CAN);

	CHECK_NUMBER(pciback_backend_report(&fake.backend, &address, PCIBACK_AER_DETECTED, 2,
	    fake.now), 0);
	fake_pass(&fake, PCIBACK_WAIT_REPORT);
	CHECK_NUMBER(fake.xen.recovery, PCIBACK_RECOVERY_DISCONNECT);
	CHECK_TEXT(fake_read(&fake, 1, "aerState"), "aerfail");
	CHECK(fake_said(&fake, "domain 1: its driver could not recover a device\n"));
	CHECK_NUMBER(atomic_load(&page->flags) & PCIBACK_FLAG_AER, 0);
	/* One that goes while a report is out. */
	fake.xen.recovery = 0;
	CHECK_NUMBER(pciback_backend_report(&fake.backend, &address, PCIBACK_AER_DETECTED, 2,
	    fake.now), 0);
	fake_set(&fake, 1, "/state", "6");
	CHECK_NUMBER(fake.xen.recovery, PCIBACK_RECOVERY_DISCONNECT);
	CHECK(pciback_backend_report(&fake.backend, &address, PCIBACK_AER_DETECTED, 2, fake.now) < 0);
	CHECK(fake_end(&fake));

	/* A directory that goes meanwhile is not made again. */
	fake_connect(&fake, 1, true);
	CHECK_NUMBER(pciback_backend_report(&fake.backend, &address, PCIBACK_AER_DETECTED, 2,
	    fake.now), 0);
	fake_remove(&fake, 1, "");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "aerState"), "(none)");
	CHECK(fake_end(&fake));
	fake_connect(&fake, 1, true);
	fake_write(&fake, 1, "state", "9");
	fake_run(&fake);
	fake.xen.vanishes = "/local/domain/0/backend/pci/1/0";
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	fake_run(&fake);
	CHECK(fake.xen.vanishes == NULL);
	CHECK_TEXT(own(), "(none)");
	CHECK(fake_end(&fake));
}

/* What Xen refuses of a connection is said with its reason. */
static void
test_refused(struct harness *harness)
{
	static const struct {
		const char *kind, *words;
	} cases[] = {
		{ "page", "domain 1: its page 9 can't be mapped: " },
		{ "event", "domain 1: its event channel 11 can't be bound: " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_init(&fake);
		fake_create(&fake, 1, 0, 1);
		/* A line a second. */
		fake_pass(&fake, 1000);
		fake.xen.refuses = cases[i].kind;
		fake_frontend(&fake, 1, true);
		CHECK(fake_said(&fake, cases[i].words));
		CHECK(strstr(fake.xen.line, strerror(EPERM)) != NULL);
		CHECK_TEXT(own(), "3");
		CHECK_NUMBER(fake_held(&fake, "page", 1) + fake_held(&fake, "event", 0), 0);
		CHECK(fake_end(&fake));
	}
}

/* What can't be given up is said; the backend goes on without it. */
static void
test_not_given_up(struct harness *harness)
{
	fake_connect(&fake, 1, true);
	fake.xen.keeps = "event";
	fake_set(&fake, 1, "/state", "6");
	CHECK(fake_said(&fake, "domain 1: event channel 1 could not be unbound\n"));
	CHECK_TEXT(own(), "6");
	CHECK(fake_end(&fake));

	fake_connect(&fake, 1, true);
	fake.xen.keeps = "page";
	fake.xen.keeps_of = 1;
	fake_set(&fake, 1, "/state", "6");
	CHECK(fake_said(&fake, "domain 1: its page could not be unmapped\n"));
	CHECK_TEXT(own(), "6");
	CHECK(fake_end(&fake));
}

void
test_guest_connection(struct harness *harness)
{
	test_row(harness);
	test_xsa_332(harness);
	test_spinning_guest(harness);
	test_spinning_events(harness);
	test_report(harness);
	test_refused(harness);
	test_not_given_up(harness);
}
