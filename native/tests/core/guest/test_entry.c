/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>

#include "../../../core/guest/entry.h"

static void
test_options(struct harness *harness)
{
	struct pciback_entry entry = { .irq = 7 };

	CHECK_NUMBER(pciback_entry_read_options("msitranslate=0,permissive=1,rdm_policy=relaxed,irq=20,allow=no-reset", &entry), 0);
	CHECK(entry.permissive && entry.rdm_relaxed && entry.irq == 20 && entry.allow == PCIBACK_ALLOW_NO_RESET);
	CHECK_NUMBER(pciback_entry_read_options("", &entry), 0);
	CHECK_NUMBER(entry.irq, 20);
	CHECK_NUMBER(pciback_entry_read_options("irq=255", &entry), -EINVAL);
	CHECK_NUMBER(pciback_entry_read_options("rdm_policy=loose", &entry), -EINVAL);
}

/* Which devices a guest should have, by the states that the store has for them. */
void
test_guest_entry(struct harness *harness)
{
	static const struct pciback_address second = { .bus = 3, .device = 1 };
	static struct pciback_guest guest;
	static const struct {
		enum pciback_xenbus state;
		enum pciback_phase phase;
		bool wanted;
	} rows[] = {
		{ PCIBACK_XENBUS_INITIALISING, PCIBACK_PHASE_CONNECTED, true },
		{ PCIBACK_XENBUS_INITIALISED, PCIBACK_PHASE_CONNECTED, true },
		{ PCIBACK_XENBUS_CLOSING, PCIBACK_PHASE_CONNECTED, false },
		{ PCIBACK_XENBUS_CLOSING, PCIBACK_PHASE_NEW, false },
		/* One that failed is tried again with all the others. */
		{ PCIBACK_XENBUS_CLOSED, PCIBACK_PHASE_CONNECTED, false },
		{ PCIBACK_XENBUS_CLOSED, PCIBACK_PHASE_READY, false },
		{ PCIBACK_XENBUS_CLOSED, PCIBACK_PHASE_NEW, true },
		{ PCIBACK_XENBUS_CLOSED, PCIBACK_PHASE_CLOSED, true },
	};

	test_options(harness);
	guest.n_entries = 3;
	for (uint8_t i = 0; i < 3; i++)
		guest.entries[i] = (struct pciback_entry){ .address = { .bus = 3, .device = i } };
	CHECK(pciback_guest_entry(&guest, &second) == NULL);
	guest.entries[1].valid = true;
	CHECK(pciback_guest_entry(&guest, &second) == &guest.entries[1]);
	guest.n_entries = 1;
	CHECK(pciback_guest_entry(&guest, &second) == NULL);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		guest.phase = rows[i].phase;
		guest.entries[1].state = rows[i].state;
		CHECK_NUMBER(pciback_entry_wanted(&guest, &guest.entries[1]), rows[i].wanted);
	}
	guest.entries[1] = (struct pciback_entry){ .state = PCIBACK_XENBUS_INITIALISING };
	CHECK(!pciback_entry_wanted(&guest, &guest.entries[1]));
}
