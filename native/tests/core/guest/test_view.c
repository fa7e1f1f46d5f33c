/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "../../../core/guest/view.h"
#include "fake_xen.h"

static struct fake fake;

static struct pciback_view
view(void)
{
	struct pciback_view view;

	pciback_guest_view(&fake.guests[0], &view);
	return view;
}

static void
test_connected(struct harness *harness)
{
	struct pciback_guest *guest = &fake.guests[0];

	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_frontend(&fake, 1, true);
	CHECK(view().exists && view().online && view().handles_all_states);
	CHECK_NUMBER(view().phase, PCIBACK_PHASE_CONNECTED);
	CHECK(!view().changed && !view().restarted && !view().timed_out && !view().blocked);
	/* A frontend at 3 with another page has restarted. */
	guest->seen_reference++;
	CHECK(view().restarted);
	guest->seen_reference--;
	guest->passed_initialised = true;
	CHECK(view().restarted);
	guest->passed_initialised = false;
	guest->deadline = fake.now + 10;
	CHECK(!view().timed_out);
	guest->deadline = fake.now;
	CHECK(view().timed_out);
	guest->deadline = 0;
	guest->refused = true;
	CHECK(view().blocked);
	guest->refused = false;
	fake.backend.stopping = true;
	CHECK(!view().online);
	fake.backend.stopping = false;
	CHECK(fake_end(&fake));
}

/* What of the devices makes a change: all before a frontend is connected; then only what is no
 * longer named, or is named where it is not. */
static void
test_changed(struct harness *harness)
{
	struct pciback_guest *guest = &fake.guests[0];

	for (unsigned connected = 0; connected < 2; connected++) {
		fake_init(&fake);
		fake_create(&fake, 1, 0, 2);
		if (connected != 0)
			fake_frontend(&fake, 1, true);
		CHECK(!view().changed);
		guest->entries[1].state = PCIBACK_XENBUS_CLOSING;
		CHECK_NUMBER(view().changed, connected == 0);
		guest->entries[1].state = PCIBACK_XENBUS_INITIALISED;
		guest->entries[2] = (struct pciback_entry){ .address = { .bus = 3, .device = 2 },
			.state = PCIBACK_XENBUS_INITIALISING, .valid = true };
		guest->n_entries = 3;
		CHECK_NUMBER(view().changed, connected == 0);
		guest->n_entries = 1;
		CHECK(view().changed);
		/* Which device a key that can't be read means, is not known. */
		guest->malformed = true;
		CHECK(!view().changed);
		guest->n_entries = 2;
		guest->entries[0].vdev_differs = true;
		CHECK(view().changed);
		CHECK(fake_end(&fake));
	}
}

void
test_guest_view(struct harness *harness)
{
	test_connected(harness);
	test_changed(harness);
}
