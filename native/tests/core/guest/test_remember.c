/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include "../../../core/guest/remember.h"
#include "fake_xen.h"

static struct fake fake;

static struct pciback_slot *
connect_recorded(void)
{
	fake_init_recorded(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_set(&fake, 1, "/state", "4");
	return &fake.slots[0];
}

/* What a guest has stands there as it is, and who is connected. */
static void
test_stands_there(struct harness *harness)
{
	struct pciback_slot *slot = connect_recorded();
	const struct pciback_record *record = &fake.backend.record;
	uint64_t sequence = slot->sequence;

	CHECK_NUMBER(pciback_recall(slot), 1);
	CHECK(slot->sequence == sequence);
	CHECK(record->is_settled && record->has_guest && !record->is_exact);
	CHECK_NUMBER(record->domain, 1);
	CHECK_NUMBER(record->identity.bytes[0], 0x41);
	CHECK_NUMBER(record->ledger.n, 5);
	CHECK(record->channel.is_open && record->channel.passed_initialised && record->channel.handles_all_states);
	CHECK_NUMBER(record->channel.reference, 9);
	CHECK_NUMBER(record->channel.remote_port, 11);

	/* An MSI, while it is given and once it is. */
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
	CHECK_NUMBER(pciback_recall(slot), 1);
	CHECK(record->is_settled);
	CHECK_NUMBER(record->ledger.n, 6);
	CHECK_NUMBER(record->ledger.entries[5].first, 1000);
	CHECK_NUMBER(slot->sequence, sequence + 3);

	/* Its last states, by a process that ends. */
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_WRITE, 0, 4, 2, 7, NULL), PCIBACK_DONE);
	pciback_remember(slot, PCIBACK_EXACT);
	CHECK_NUMBER(pciback_recall(slot), 1);
	CHECK(record->is_exact);
	CHECK_NUMBER(record->state.interrupt, PCIBACK_MSI);
	CHECK_NUMBER(record->state.command, 7);

	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_NUMBER(pciback_recall(slot), 1);
	CHECK(record->is_settled && !record->has_guest && record->is_clean);
	CHECK_NUMBER(record->domain, 0);
	CHECK_NUMBER(record->ledger.n, 0);
	CHECK(fake_end(&fake));
}

/* Of two copies the newer one counts; if one is damaged, nobody knows what was done after the other. */
static void
test_copies(struct harness *harness)
{
	struct pciback_slot *slot = connect_recorded();
	uint8_t *newer = fake.xen.record + (slot->sequence & 1) * PCIBACK_RECORD_SIZE;
	uint8_t *older = fake.xen.record + (~slot->sequence & 1) * PCIBACK_RECORD_SIZE;

	older[100] ^= 1;
	CHECK_NUMBER(pciback_recall(slot), 1);
	CHECK(!fake.backend.record.is_settled);
	older[100] ^= 1;
	newer[100] ^= 1;
	CHECK_NUMBER(pciback_recall(slot), 1);
	CHECK(!fake.backend.record.is_settled);
	older[100] ^= 1;
	CHECK_NUMBER(pciback_recall(slot), -EBADMSG);
	memset(newer, 0, PCIBACK_RECORD_SIZE);
	memset(older, 0, PCIBACK_RECORD_SIZE);
	CHECK_NUMBER(pciback_recall(slot), 0);
	CHECK(fake_end(&fake));
}

/* One that can't be written is given up as a whole, once, and the guests don't notice. */
static void
test_given_up(struct harness *harness)
{
	struct pciback_slot *slot = connect_recorded();

	fake.xen.write_error = -ENOSPC;
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_DISABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
	CHECK(fake.xen.is_discarded);
	CHECK_NUMBER(slot->ledger.n, 5);
	CHECK(fake_said(&fake, "the record can't be written, and is given up: "));
	CHECK(fake_said(&fake, "; whoever follows this process resets the devices that guests have"));
	CHECK(fake_end(&fake));
}

/* Whoever can't be told from others has no identity; without a record nobody is asked. */
static void
test_identity(struct harness *harness)
{
	static const struct pciback_domain_identity none;
	struct pciback_slot *slot = connect_recorded();

	fake.xen.identity[1] = 0;
	pciback_remember_domain(slot);
	CHECK(memcmp(&slot->identity, &none, sizeof(none)) == 0);
	fake.xen.identity[1] = 0x41;
	pciback_remember_domain(slot);
	CHECK_NUMBER(slot->identity.bytes[0], 0x41);
	CHECK(fake_end(&fake));
	fake_connect(&fake, 1, true);
	CHECK_NUMBER(fake.slots[0].sequence, 0);
	CHECK(memcmp(&fake.slots[0].identity, &none, sizeof(none)) == 0);
	CHECK(fake_end(&fake));
}

void
test_guest_remember(struct harness *harness)
{
	test_stands_there(harness);
	test_copies(harness);
	test_given_up(harness);
	test_identity(harness);
}
