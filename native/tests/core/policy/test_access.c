/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The policy, one row a register, written down from what a guest may see and do, not from the
 * tables of the library. Together the rows are the whole configuration space.
 */
struct row {
	uint16_t offset;
	uint16_t size;			/* bytes; more than 4: each 4 of them */
	uint32_t raw;			/* bits that are shown as the device has them */
	uint32_t shown;			/* bits that are shown whatever it has */
	uint32_t passes;		/* bits of the device that a guest may change */
	uint32_t permissive;		/* and those that it may change besides if permissive */
};

#define ALL UINT32_MAX

static const struct row card[] = {
	{ 0x00, 4, 0, 0x10d38086, 0, 0 },		/* VENDOR, DEVICE */
	{ 0x04, 2, 0x02bc, 0x0143, 0x0014, 0x02a8 },	/* COMMAND: MASTER and INVALIDATE */
	{ 0x06, 2, 0xffff, 0, 0, 0xf900 },		/* STATUS */
	{ 0x08, 4, ALL, 0, 0, 0 },			/* REVISION, CLASS */
	{ 0x0c, 1, 0xff, 0, 0xff, 0 },			/* CACHE_LINE */
	{ 0x0d, 1, 0xff, 0, 0, 0xff },			/* LATENCY */
	{ 0x0e, 1, 0xff, 0, 0, 0 },			/* HEADER_TYPE */
	{ 0x0f, 1, 0xff, 0, 0x40, 0 },			/* BIST: START */
	{ 0x10, 4, 0, 0xfe600000, 0, 0 },		/* BARs */
	{ 0x14, 4, 0, 0x0000c181, 0, 0 },
	{ 0x18, 4, 0, 0x4000000c, 0, 0 },
	{ 0x1c, 4, 0, 0x00000012, 0, 0 },
	{ 0x20, 4, 0, 0xfe700000, 0, 0 },
	{ 0x24, 4, 0, 0, 0, 0 },
	{ 0x28, 4, ALL, 0, 0, 0 },			/* CARDBUS_CIS */
	{ 0x2c, 4, ALL, 0, 0, 0 },			/* SUBSYSTEM */
	{ 0x30, 4, 0, 0xfe800000, 0, 0 },		/* ROM, never enabled */
	{ 0x34, 4, 0, 0x40, 0, 0 },			/* CAP_PTR */
	{ 0x38, 4, 0, 0, 0, 0 },
	{ 0x3c, 1, 0, 0x0b, 0, 0 },			/* INT_LINE */
	{ 0x3d, 1, 0xff, 0, 0, 0 },			/* INT_PIN */
	{ 0x3e, 2, 0xffff, 0, 0, 0 },
	{ 0x40, 2, 0, 0x5001, 0, 0 },			/* power management */
	{ 0x42, 2, 0x07ff, 0, 0, 0 },			/* without PME */
	{ 0x44, 2, 0xffff, 0, 0x9e00, 0 },		/* PME_STATUS, DATA_SELECT; state: see below */
	{ 0x46, 2, 0xffff, 0, 0, 0 },
	{ 0x48, 8, ALL, 0, 0, ALL },			/* nobody's */
	{ 0x50, 2, 0, 0x7005, 0, 0 },			/* MSI */
	{ 0x52, 2, 0xffff, 0, 0, 0 },
	{ 0x54, 20, 0, 0, 0, 0 },			/* its address, data, mask, pending */
	{ 0x68, 8, ALL, 0, 0, ALL },
	{ 0x70, 2, 0, 0x8011, 0, 0 },			/* MSI-X */
	{ 0x72, 2, 0xffff, 0, 0, 0 },
	{ 0x74, 8, ALL, 0, 0, 0 },			/* its table and pending bits */
	{ 0x7c, 4, ALL, 0, 0, ALL },
	{ 0x80, 2, 0, 0xc010, 0, 0 },			/* PCI Express */
	{ 0x82, 2, 0xffff, 0, 0, 0 },
	{ 0x84, 4, 0xefffffff, 0, 0, 0 },		/* without reset */
	{ 0x88, 0xbc - 0x88, ALL, 0, 0, 0 },
	{ 0xbc, 4, ALL, 0, 0, ALL },
	{ 0xc0, 2, 0, 0x0003, 0, 0 },			/* VPD, the last one that is shown */
	{ 0xc2, 2, 0xffff, 0, 0xffff, 0 },		/* the flag: as the device left it */
	{ 0xc4, 4, ALL, 0, 0, 0 },
	{ 0xc8, 0xf0 - 0xc8, ALL, 0, 0, ALL },
	{ 0xf0, 16, 0, 0, 0, 0 },			/* a capability that is not shown */
	{ 0x100, 0xf00, ALL, 0, 0, 0 },			/* extended space */
};

static const struct row bridge[] = {
	{ 0x00, 4, 0, 0x00011b36, 0, 0 },
	{ 0x04, 2, 0x02bc, 0x0003, 0x0014, 0x02a8 },
	{ 0x06, 2, 0xffef, 0, 0, 0xf900 },
	{ 0x08, 4, ALL, 0, 0, 0 },
	{ 0x0c, 1, 0xff, 0, 0xff, 0 },
	{ 0x0d, 1, 0xff, 0, 0, 0xff },
	{ 0x0e, 1, 0xff, 0, 0, 0 },
	{ 0x0f, 1, 0xff, 0, 0x40, 0 },
	{ 0x10, 4, 0, 0xfe900000, 0, 0 },
	{ 0x14, 4, 0, 0, 0, 0 },
	{ 0x18, 28, ALL, 0, 0, 0 },			/* bus numbers, windows, secondary STATUS */
	{ 0x34, 4, 0, 0, 0, 0 },
	{ 0x38, 4, 0, 0xfea00000, 0, 0 },
	{ 0x3c, 1, 0, 0x0a, 0, 0 },
	{ 0x3d, 1, 0xff, 0, 0, 0 },
	{ 0x3e, 2, 0xffff, 0, 0, 0 },			/* bridge control */
	{ 0x40, 0xc0, ALL, 0, 0, ALL },
	{ 0x100, 0xf00, ALL, 0, 0, 0 },
};

/* The rows, byte by byte. */
struct expected {
	uint8_t raw[PCIBACK_CONFIG_EXPRESS];
	uint8_t shown[PCIBACK_CONFIG_EXPRESS];
	uint8_t passes[PCIBACK_CONFIG_EXPRESS];
};

static void
spread(struct harness *harness, const struct row *rows, size_t n, bool permissive,
    struct expected *expected)
{
	unsigned end = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t passes = rows[i].passes | (permissive ? rows[i].permissive : 0);

		CHECK_NUMBER(rows[i].offset, end);
		for (unsigned j = 0; j < rows[i].size; j++, end++) {
			expected->raw[end] = (uint8_t)(rows[i].raw >> 8 * (j % 4));
			expected->shown[end] = (uint8_t)(rows[i].shown >> 8 * (j % 4));
			expected->passes[end] = (uint8_t)(passes >> 8 * (j % 4));
		}
	}
	CHECK_NUMBER(end, PCIBACK_CONFIG_EXPRESS);
}

static bool
is_access(uint32_t offset, uint32_t size)
{
	return (size == 1 || size == 2 || size == 4) && offset % size == 0 && offset <= 4095;
}

/* Every offset and size: what is read, or that it is refused without asking the device. */
static void
test_reads(struct harness *harness, struct fixture *fixture, const struct expected *expected)
{
	for (uint32_t offset = 0; offset < 4200; offset++) {
		for (uint32_t size = 0; size <= 9; size++) {
			unsigned n_reads = fixture->n_reads;
			uint32_t value = 0x12345678, wanted = 0;
			enum pciback_answer answer = pciback_config_read(&fixture->device, offset, size,
			    &value);

			if (!is_access(offset, size)) {
				CHECK(answer == PCIBACK_INVALID_OFFSET && value == 0x12345678 &&
				    fixture->n_reads == n_reads);
				continue;
			}
			for (uint32_t i = size; i-- > 0;)
				wanted = wanted << 8 | expected->shown[offset + i] |
				    (expected->raw[offset + i] & fixture->real->config[offset + i]);
			CHECK(answer == PCIBACK_DONE);
			CHECK_NUMBER(value, wanted);
		}
	}
	CHECK_NUMBER(fixture->n_writes, 0);
}

/* Every offset and size with many values: what reaches the device is no more than the rows say,
 * and nothing outside of what was written. */
static void
test_writes(struct harness *harness, struct fixture *fixture, const struct expected *expected)
{
	static const uint32_t values[] = { 0, ALL, 0x5a5a5a5a, 0xa5a5a5a5, 0x00ff00ff, 0xff00ff00,
		0x01010101, 0x80808080, 0x40404040, 0x02020202, 0x11111111, 0x00000001, 0x80000000 };
	unsigned n_too_much = 0;

	for (uint32_t offset = 0; offset < 4200; offset++) {
		for (uint32_t size = 0; size <= 9; size++) {
			for (size_t i = 0; i < COUNT(values); i++) {
				unsigned n_writes = fixture->n_writes;
				enum pciback_answer answer;

				memset(fixture->touched, 0, sizeof(fixture->touched));
				answer = pciback_config_write(&fixture->device, offset, size, values[i]);
				if (!is_access(offset, size)) {
					CHECK(answer == PCIBACK_INVALID_OFFSET &&
					    fixture->n_writes == n_writes);
					continue;
				}
				CHECK(answer == PCIBACK_DONE || answer == PCIBACK_DENIED);
				for (unsigned j = 0; j < PCIBACK_CONFIG_EXPRESS; j++) {
					uint8_t may = j >= offset && j < offset + size ?
					    expected->passes[j] : 0;

					/* A transfer of VPD that a byte starts is a read, too. */
					if (offset == 0xc2 && j == 0xc3)
						may |= 0x80;
					n_too_much += (fixture->touched[j] & ~may) != 0;
				}
			}
		}
	}
	CHECK_NUMBER(n_too_much, 0);
}

static void
test_table(struct harness *harness, const struct row *rows, size_t n, bool is_bridge)
{
	static struct expected expected;
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	for (int permissive = 0; permissive < 2; permissive++) {
		if (is_bridge)
			fixture_bridge(config);
		else
			fixture_card(config);
		fixture_init(&fixture, config, sizeof(config));
		fixture.settings.permissive = permissive != 0;
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		spread(harness, rows, n, permissive != 0, &expected);
		test_reads(harness, &fixture, &expected);
		test_writes(harness, &fixture, &expected);
		fixture_free(&fixture);
	}
}

/* Each row on a card of its own: the answer, and what the device and the guest have then. */
static void
test_what_passes(struct harness *harness)
{
	static const struct {
		uint32_t offset, size, value;
		enum pciback_answer answer;
		uint32_t real, guest;	/* of the same size at the same place */
		bool permissive;
	} writes[] = {
		/* COMMAND: mastering passes, decoding stays on, the rest is only believed. */
		{ 0x04, 2, 0x0007, PCIBACK_DONE, 0x0147, 0x0007, false },
		{ 0x04, 2, 0x0000, PCIBACK_DONE, 0x0143, 0x0000, false },
		{ 0x04, 2, 0x0010, PCIBACK_DONE, 0x0153, 0x0010, false },
		{ 0x04, 2, 0x0400, PCIBACK_DONE, 0x0143, 0x0400, false },
		{ 0x04, 2, 0xffff, PCIBACK_DONE, 0x0157, 0x0557, false },
		{ 0x04, 2, 0xffff, PCIBACK_DONE, 0x035f, 0x075f, true },
		{ 0x04, 1, 0x04, PCIBACK_DONE, 0x47, 0x04, false },
		{ 0x05, 1, 0x00, PCIBACK_DONE, 0x01, 0x00, false },
		/* The dword: STATUS is not cleared along with it, unless that is what is wanted. */
		{ 0x04, 4, 0xffff0006, PCIBACK_DONE, 0xf9100147, 0xf9100006, false },
		{ 0x04, 4, 0x00000006, PCIBACK_DONE, 0xf9100147, 0xf9100006, true },
		{ 0x04, 4, 0xffff0006, PCIBACK_DONE, 0x00100147, 0x00100006, true },
		{ 0x06, 2, 0x8000, PCIBACK_DONE, 0x7910, 0x7910, true },
		{ 0x07, 1, 0x01, PCIBACK_DONE, 0xf8, 0xf8, true },
		{ 0x0c, 1, 0x20, PCIBACK_DONE, 0x20, 0x20, false },
		{ 0x0d, 1, 0x20, PCIBACK_DONE, 0x40, 0x40, false },
		{ 0x0d, 1, 0x20, PCIBACK_DONE, 0x20, 0x20, true },
		/* BIST: other bits beside START, and nothing happens. */
		{ 0x0f, 1, 0xcf, PCIBACK_DONE, 0x8f, 0x8f, false },
		{ 0x0f, 1, 0xc0, PCIBACK_DONE, 0x8f, 0x8f, false },
		{ 0x0c, 4, 0xcfffff20, PCIBACK_DONE, 0x8f804020, 0x8f804020, false },
		{ 0x10, 4, ALL, PCIBACK_DONE, 0xfe600000, 0xfff00000, false },
		{ 0x10, 4, 0x12345678, PCIBACK_DONE, 0xfe600000, 0xfe600000, true },
		{ 0x3c, 1, 0x05, PCIBACK_DONE, 0x0b, 0x0b, true },
		/* Power: PME_STATUS is cleared by a one, DATA_SELECT passes, PME_ENABLE does not. */
		{ 0x44, 2, 0x8000, PCIBACK_DONE, 0x0000, 0x0000, false },
		{ 0x44, 2, 0x0000, PCIBACK_DONE, 0x8000, 0x8000, false },
		{ 0x44, 2, 0x1600, PCIBACK_DONE, 0x9600, 0x9600, false },
		{ 0x45, 1, 0x81, PCIBACK_DONE, 0x00, 0x00, false },
		{ 0x44, 2, 0x0003, PCIBACK_DONE, 0x8003, 0x8003, false },
		{ 0x44, 1, 0x01, PCIBACK_DONE, 0x01, 0x01, false },
		/* MSI: on the device it was switched off; the guest may not switch it on here. */
		{ 0x52, 2, 0x0180, PCIBACK_DONE, 0x0180, 0x0180, false },
		{ 0x52, 2, 0x0181, PCIBACK_DENIED, 0x0180, 0x0180, false },
		{ 0x52, 1, 0x01, PCIBACK_DENIED, 0x80, 0x80, true },
		{ 0x52, 2, 0x01f0, PCIBACK_DONE, 0x0180, 0x0180, true },
		{ 0x50, 4, 0x0180ffff, PCIBACK_DONE, 0x01807005, 0x01807005, true },
		{ 0x54, 4, 0xfee00000, PCIBACK_DONE, 0xfee01000, 0, true },
		{ 0x60, 4, 0, PCIBACK_DONE, 1, 0, true },
		{ 0x72, 2, 0x40ff, PCIBACK_DONE, 0x40ff, 0x40ff, false },
		{ 0x72, 2, 0x00ff, PCIBACK_DENIED, 0x40ff, 0x40ff, true },
		{ 0x72, 2, 0xc0ff, PCIBACK_DENIED, 0x40ff, 0x40ff, false },
		{ 0x73, 1, 0x80, PCIBACK_DENIED, 0x40, 0x40, false },
		{ 0x74, 4, 0, PCIBACK_DONE, 3, 3, true },
		{ 0x88, 2, 0x8000, PCIBACK_DONE, 0x0988, 0x0988, true },
		/* Nobody's. */
		{ 0x48, 4, 0x11223344, PCIBACK_DONE, 0xcbcac9c8, 0xcbcac9c8, false },
		{ 0x48, 4, 0x11223344, PCIBACK_DONE, 0x11223344, 0x11223344, true },
		{ 0x4a, 2, 0x1122, PCIBACK_DONE, 0x1122, 0x1122, true },
		{ 0x4b, 1, 0x11, PCIBACK_DONE, 0x11, 0x11, true },
		/* Vital product data: reading works and writing does not. */
		{ 0xc2, 2, 0x8004, PCIBACK_DENIED, 0x8000, 0x8000, true },
		{ 0xc0, 4, 0x80040000, PCIBACK_DENIED, 0x8000f003, 0x80000003, false },
		{ 0xc2, 2, 0x0004, PCIBACK_DONE, 0x8004, 0x8004, false },
		{ 0xc4, 4, 0, PCIBACK_DONE, 0xc7c6c5c4, 0xc7c6c5c4, true },
		{ 0xf4, 4, 0, PCIBACK_DONE, 0xf7f6f5f4, 0, true },
		{ 0x100, 4, 0, PCIBACK_DONE, 0x83828180, 0x83828180, true },
		{ 0xffc, 4, 0, PCIBACK_DONE, 0xfffefdfc, 0xfffefdfc, true },
	};
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	for (size_t i = 0; i < COUNT(writes); i++) {
		fixture_card(config);
		fixture_init(&fixture, config, sizeof(config));
		fixture.settings.permissive = writes[i].permissive;
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		CHECK_NUMBER(pciback_config_write(&fixture.device, writes[i].offset, writes[i].size,
		    writes[i].value), writes[i].answer);
		CHECK_NUMBER(fixture_real(&fixture, writes[i].offset, writes[i].size), writes[i].real);
		CHECK_NUMBER(fixture_read(&fixture, writes[i].offset, writes[i].size),
		    writes[i].guest);
		fixture_free(&fixture);
	}
}

/* Conventional space only: past its end there is nothing, and nobody is asked. */
static void
test_conventional(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	fixture_init(&fixture, config, PCIBACK_CONFIG_PCI);
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	CHECK_NUMBER(fixture_read(&fixture, 0x100, 4), ALL);
	CHECK_NUMBER(fixture_read(&fixture, 0xffe, 2), 0xffff);
	CHECK_NUMBER(fixture_read(&fixture, 0xfff, 1), 0xff);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x100, 4, 0), PCIBACK_DONE);
	CHECK_NUMBER(fixture.n_reads, 0);
	CHECK_NUMBER(fixture.n_writes, 0);
	fixture_free(&fixture);
}

void
test_policy_access(struct harness *harness)
{
	test_table(harness, card, COUNT(card), false);
	test_table(harness, bridge, COUNT(bridge), true);
	test_what_passes(harness);
	test_conventional(harness);
}
