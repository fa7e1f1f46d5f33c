/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/taken.h>
#include "fake_xen.h"

static struct fake fake;

/* XSA-461: a line, or a page, that dom0's own device has too; a larger BAR of it has pages of its own. */
static void
test_shares(struct harness *harness)
{
	static const struct {
		unsigned line;
		uint64_t address;
		unsigned allow;
		const char *words;
	} cases[] = {
		{ 16, 0xfe000000, 0, "0000:03:00.0 has the interrupt line of 0000:00:1d.0, which a driver of this system "
		    "uses (allow shared-irq if you trust the guest)" },
		{ 16, 0xfe000000, PCIBACK_ALLOW_SHARED_PAGE, "interrupt line of 0000:00:1d.0" },
		{ 16, 0xfe000000, PCIBACK_ALLOW_SHARED_IRQ, NULL },
		{ 0, UINT64_C(0x38000001ff80), 0, "0000:03:00.0 has memory in the same 4096 bytes as 0000:00:1d.0, which "
		    "a driver of this system uses (allow shared-bar-page if you trust the guest)" },
		{ 0, UINT64_C(0x38000001ff80), PCIBACK_ALLOW_SHARED_IRQ, "same 4096 bytes as" },
		{ 0, UINT64_C(0x38000001ff80), PCIBACK_ALLOW_SHARED_PAGE, NULL },
		{ 0, UINT64_C(0x380000020000), 0, NULL },
		{ 17, 0xfe000000, 0, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_init(&fake);
		fake.backend.allow = cases[i].allow;
		fake.xen.neighbour = (struct pciback_neighbour){
			.address = { .device = 0x1d },
			.line = cases[i].line,
			.n_bars = 1,
			.bars = { { .kind = PCIBACK_BAR_MEM64, .address = cases[i].address } },
		};
		fake_create(&fake, 1, 0, 1);
		CHECK_TEXT(fake_read(&fake, 1, "state-0"), cases[i].words == NULL ? "3" : "6");
		CHECK(cases[i].words == NULL || strstr(fake.xen.line, cases[i].words) != NULL);
		CHECK_NUMBER(fake_held(&fake, NULL, 1), cases[i].words == NULL ? 5 : 0);
		CHECK(cases[i].words == NULL || fake.xen.devices[0].is_dom0s);
		CHECK(fake_end(&fake));
	}
}

/* A line that only the owner knows may be that of dom0's device all the same. */
static void
test_stated(struct harness *harness)
{
	const struct pciback_wanted wanted = { .address = { .bus = 3 }, .irq = 20 };
	char message[PCIBACK_LOG_LINE];

	fake_init(&fake);
	fake.xen.neighbour = (struct pciback_neighbour){ .address = { .device = 0x1d }, .line = 20 };
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(strstr(fake.xen.line, "0000:03:00.0 has the interrupt line of 0000:00:1d.0") != NULL);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	/* Its own, of which the firmware has written that it is the other one's, is not. */
	fake.xen.neighbour.line = 16;
	fake_write(&fake, 1, "state-0", "1");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	CHECK(fake_end(&fake));
}

/* Who can't be asked may share anything. */
static void
test_unknown(struct harness *harness)
{
	fake_init(&fake);
	fake.xen.neighbours_error = -EACCES;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(strstr(fake.xen.line, "0000:03:00.0 can't be compared with the devices of this system: ") != NULL);
	CHECK(fake_end(&fake));
}

void
test_guest_neighbour(struct harness *harness)
{
	test_shares(harness);
	test_stated(harness);
	test_unknown(harness);
}
