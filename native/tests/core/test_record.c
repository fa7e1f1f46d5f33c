/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/allow.h>
#include <pciback/policy.h>
#include <pciback/record.h>

static uint8_t bytes[PCIBACK_RECORD_SIZE], again[PCIBACK_RECORD_SIZE];
static struct pciback_record record, read_record;

/* A device with all that it can have. */
static void
fill(void)
{
	const struct pciback_address place = { .domain = 1, .bus = 2, .device = 31, .function = 7 };

	memset(&record, 0, sizeof(record));
	record.is_settled = record.is_exact = record.is_in_quarantine = record.has_table = record.is_clean = true;
	record.was_mappable = record.has_guest = record.rdm_relaxed = record.permissive = true;
	record.settings = (struct pciback_device_settings){ .address = place, .config_size = PCIBACK_CONFIG_EXPRESS,
		.bars = { [5] = { PCIBACK_RESOURCE_MEM64, true, UINT64_MAX, 1 } }, .unset_bars = 63 };
	record.settings.quirks = pciback_quirks(&record.settings.n_quirks);
	record.consent = PCIBACK_ALLOW_ALL;
	record.command = UINT16_MAX;
	record.pristine.size = PCIBACK_CONFIG_EXPRESS;
	memset(record.pristine.config, 0xa5, sizeof(record.pristine.config));
	record.domain = PCIBACK_DOMAIN_MAX;
	memset(record.identity.bytes, 0x5a, sizeof(record.identity.bytes));
	record.irq = 254;
	record.line = 255;
	record.pirq = UINT32_MAX;
	record.place = place;
	record.state = (struct pciback_device_state){ PCIBACK_MSIX, true, 0xffff, 7, 127 };
	record.channel = (struct pciback_recorded_channel){ true, true, true, UINT32_MAX, 11 };
	record.ledger.n = PCIBACK_PERMISSIONS_MAX;
	for (size_t i = 0; i < PCIBACK_PERMISSIONS_MAX; i++)
		record.ledger.entries[i] = (struct pciback_permission){ .kind = PCIBACK_PERMISSION_MSI, .shared = true,
			.stays = true, .first = UINT64_MAX, .n = i };
}

static void
test_round(struct harness *harness)
{
	uint64_t sequence = 0;

	fill();
	pciback_record_write(&record, UINT64_MAX, bytes);
	CHECK_NUMBER(pciback_record_read(bytes, &sequence, &read_record), 1);
	CHECK(sequence == UINT64_MAX);
	CHECK_NUMBER(read_record.ledger.n, PCIBACK_PERMISSIONS_MAX);
	CHECK_NUMBER(read_record.ledger.entries[137].n, 137);
	CHECK_NUMBER(read_record.domain, PCIBACK_DOMAIN_MAX);
	CHECK_NUMBER(read_record.irq, 254);
	CHECK_NUMBER(read_record.line, 255);
	CHECK(pciback_recorded_channel_is(&read_record.channel, &record.channel));
	CHECK(memcmp(&read_record.pristine, &record.pristine, sizeof(record.pristine)) == 0);
	CHECK(read_record.settings.quirks == record.settings.quirks);
	pciback_record_write(&read_record, UINT64_MAX, again);
	CHECK(memcmp(bytes, again, sizeof(bytes)) == 0);

	memset(&record, 0, sizeof(record));
	record.settings.config_size = PCIBACK_CONFIG_PCI;
	record.pristine.size = PCIBACK_CONFIG_PCI;
	pciback_record_write(&record, 1, bytes);
	CHECK_NUMBER(pciback_record_read(bytes, &sequence, &read_record), 1);
	CHECK_NUMBER(sequence, 1);
	CHECK_NUMBER(read_record.pristine.size, PCIBACK_CONFIG_PCI);

	pciback_record_write(NULL, 2, bytes);
	CHECK_NUMBER(pciback_record_read(bytes, &sequence, &read_record), 0);
	CHECK_NUMBER(sequence, 2);
	memset(bytes, 0, sizeof(bytes));
	CHECK_NUMBER(pciback_record_read(bytes, &sequence, &read_record), 0);
	CHECK_NUMBER(sequence, 0);
}

/* Nothing of it can be another one, and half of it is none. */
static void
test_damage(struct harness *harness)
{
	uint64_t sequence = 0;
	size_t n_read = 0;

	fill();
	pciback_record_write(&record, 7, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		memcpy(again, bytes, sizeof(bytes));
		again[i] ^= (uint8_t)(1u << i % 8);
		n_read += pciback_record_read(again, &sequence, &read_record) != -EBADMSG;
		n_read += sequence != 0;
	}
	for (size_t n = 1; n < sizeof(bytes); n += 61) {
		memset(again, 0, sizeof(again));
		memcpy(again, bytes, n);
		/* Its end is zeros anyway. */
		if (memcmp(again, bytes, sizeof(bytes)) != 0)
			n_read += pciback_record_read(again, &sequence, &read_record) != -EBADMSG;
	}
	CHECK_NUMBER(n_read, 0);
}

/* Who can write it writes a right sum, too: each number is in its range all the same. */
static void
test_ranges(struct harness *harness)
{
	uint64_t sequence = 0;

	for (unsigned i = 0; i < 8; i++) {
		fill();
		if (i == 0)
			record.consent = PCIBACK_ALLOW_ALL + 1;
		else if (i == 1)
			record.command = UINT16_MAX + 1;
		else if (i == 2)
			record.domain = PCIBACK_DOMAIN_MAX + 1;
		else if (i == 3)
			record.domain = 0;
		else if (i == 4)
			record.place.device = 32;
		else if (i == 5)
			record.state.interrupt = (enum pciback_interrupt)3;
		else if (i == 6)
			record.ledger.entries[0].kind = (enum pciback_permission_kind)6;
		else
			record.settings.config_size = 512;
		pciback_record_write(&record, 7, bytes);
		CHECK_NUMBER(pciback_record_read(bytes, &sequence, &read_record), -EBADMSG);
	}
	fill();
	pciback_record_write(&record, 0, bytes);
	CHECK_NUMBER(pciback_record_read(bytes, &sequence, &read_record), -EBADMSG);
}

void
test_device_record(struct harness *harness)
{
	test_round(harness);
	test_damage(harness);
	test_ranges(harness);
}
