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

static void
test_searching(struct harness *harness)
{
	static const struct pciback_address first = { .bus = 3 }, other = { .bus = 3, .device = 9 };

	fake_init(&fake);
	CHECK(pciback_backend_find(&fake.backend, 0) == NULL);
	CHECK(pciback_backend_slot(&fake.backend, &first) == NULL);
	fake_create(&fake, 2, 0, 1);
	CHECK(pciback_backend_find(&fake.backend, 2) == &fake.guests[0]);
	CHECK(pciback_backend_find(&fake.backend, 1) == NULL);
	CHECK(pciback_backend_slot(&fake.backend, &first) == &fake.slots[0]);
	CHECK(pciback_backend_slot(&fake.backend, &other) == NULL);
	fake_kill(&fake, 2, PCIBACK_LIFE_GONE);
	CHECK(pciback_backend_slot(&fake.backend, &first) == NULL);
	CHECK(fake_end(&fake));
	CHECK(pciback_backend_find(&fake.backend, 2) == NULL);
}

static void
test_idle(struct harness *harness)
{
	struct pciback_guest *guest = &fake.guests[0];
	static const struct {
		enum pciback_phase phase;
		bool is_idle;
	} phases[] = { { PCIBACK_PHASE_NEW, true }, { PCIBACK_PHASE_READY, false },
		{ PCIBACK_PHASE_CONNECTED, false }, { PCIBACK_PHASE_RECONFIGURED, false },
		{ PCIBACK_PHASE_LEAVING, false }, { PCIBACK_PHASE_RELEASED, true },
		{ PCIBACK_PHASE_CLOSED, true } };

	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		guest->phase = phases[i].phase;
		CHECK_NUMBER(pciback_guest_is_idle(guest), phases[i].is_idle);
	}
}

static void
test_backend_log(struct harness *harness)
{
	char text[PCIBACK_LOG_LINE * 2];

	fake_init(&fake);
	pciback_backend_log(&fake.backend, PCIBACK_LOG_INFO, 3, "%s", "tab\tand\x80");
	CHECK_TEXT(fake.xen.line, "domain 3: tab?and?");
	pciback_backend_log(&fake.backend, PCIBACK_LOG_INFO, 0, "nobody's %d", 5);
	CHECK_TEXT(fake.xen.line, "nobody's 5");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pciback_backend_log(&fake.backend, PCIBACK_LOG_INFO, 3, "%s", text);
	CHECK_NUMBER(strlen(fake.xen.line), PCIBACK_LOG_LINE - 1);
	CHECK(fake_end(&fake));
}

void
test_guest_state(struct harness *harness)
{
	test_searching(harness);
	test_idle(harness);
	test_backend_log(harness);
}
