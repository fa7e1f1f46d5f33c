/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What a driver does to find out how large its BARs are, and whatever else it may write. */
void
test_policy_header(struct harness *harness)
{
	static const struct {
		uint32_t offset, written, mask, address;
	} bars[] = {
		{ 0x10, UINT32_MAX, 0xfffe0000, 0xfe600000 },
		{ 0x10, 0xfffffff0, 0xfffe0000, 0xfe600000 },
		{ 0x10, 0xffffff00, 0xfe600000, 0xfe600000 },	/* not all ones */
		{ 0x14, UINT32_MAX, 0xffffffe1, 0x0000c181 },
		{ 0x14, 0xfffffffc, 0xffffffe1, 0x0000c181 },
		{ 0x18, UINT32_MAX, 0x0000000c, 0x4000000c },
		{ 0x1c, UINT32_MAX, 0xfffffffe, 0x00000012 },
		{ 0x1c, 0xfffffffe, 0x00000012, 0x00000012 },
		{ 0x24, UINT32_MAX, 0, 0 },
		{ 0x30, UINT32_MAX, 0xfffc0000, 0xfe800000 },
		{ 0x30, 0xfffff800, 0xfffc0000, 0xfe800000 },
		{ 0x30, 0xfffffffe, 0xfffc0000, 0xfe800000 },
		{ 0x30, 0x00000001, 0xfe800000, 0xfe800000 },	/* enabling it */
	};
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	/* 8 GiB, above 4 GiB. */
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.bars[0].size = 0x20000;
	fixture.settings.bars[1].size = 0x20;
	fixture.settings.bars[2].address = UINT64_C(0x1200000000);
	fixture.settings.bars[2].size = UINT64_C(0x200000000);
	fixture.settings.rom.size = 0x40000;
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	for (size_t i = 0; i < COUNT(bars); i++) {
		uint32_t address = bars[i].offset == 0x18 ? 0xc : bars[i].address;

		CHECK_NUMBER(fixture_read(&fixture, bars[i].offset, 4), address);
		CHECK_NUMBER(pciback_config_write(&fixture.device, bars[i].offset, 4,
		    bars[i].written), PCIBACK_DONE);
		CHECK_NUMBER(fixture_read(&fixture, bars[i].offset, 4), bars[i].mask);
		CHECK_NUMBER(pciback_config_write(&fixture.device, bars[i].offset, 4, address),
		    PCIBACK_DONE);
		CHECK_NUMBER(fixture_read(&fixture, bars[i].offset, 4), address);
	}
	/* Halves and bytes of what is shown; half of the ones is not all of them. */
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x10, 4, UINT32_MAX), PCIBACK_DONE);
	CHECK_NUMBER(fixture_read(&fixture, 0x12, 2), 0xfffe);
	CHECK_NUMBER(fixture_read(&fixture, 0x13, 1), 0xff);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x10, 2, 0), PCIBACK_DONE);
	CHECK_NUMBER(fixture_read(&fixture, 0x10, 4), 0xfe600000);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x12, 2, 0xffff), PCIBACK_DONE);
	CHECK_NUMBER(fixture_read(&fixture, 0x10, 4), 0xfe600000);
	CHECK_NUMBER(fixture.n_writes, 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x10, 4), 0xfe600000);
	fixture_free(&fixture);
}
