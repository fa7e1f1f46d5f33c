/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include <pciback/write32.h>

void
test_write32(struct harness *harness)
{
	uint8_t config[PCIBACK_CONFIG_PCI] = { 0 };
	struct pciback_clear_by_one bits;
	size_t n = 0;

	/* STATUS shares its dword with COMMAND: zeros for what a one clears, all else stays. */
	pciback_clear_by_one_find(config, &bits);
	CHECK_NUMBER(pciback_write32(&bits, 0xf9b00107, 4, 2, 0x0406), 0x00b00406);
	CHECK_NUMBER(pciback_write32(&bits, 0xf9b00107, 4, 1, 0x06), 0x00b00106);
	CHECK_NUMBER(pciback_write32(&bits, 0xf9b00107, 6, 2, 0x8000), 0x80000107);
	CHECK_NUMBER(pciback_write32(&bits, 0xf9b00107, 4, 4, 0xf9000107), 0xf9000107);
	CHECK_NUMBER(pciback_write32(&bits, 0x11223344, 0x3c, 1, 0xab), 0x112233ab);
	CHECK_NUMBER(pciback_write32(&bits, 0x11223344, 0x3f, 1, 0xab), 0xab223344);
	CHECK_NUMBER(pciback_write32(&bits, 0x11223344, 0x3e, 2, 0xabcd), 0xabcd3344);

	/* Capabilities, only if there are any. */
	config[0x34] = 0x42;
	config[0x40] = 0x01;
	config[0x41] = 0x51;
	config[0x50] = 0x10;
	config[0x51] = 0x00;
	pciback_clear_by_one_find(config, &bits);
	CHECK_NUMBER(bits.bits[0x44 / 4], 0);
	config[6] = 0x10;
	pciback_clear_by_one_find(config, &bits);
	CHECK_NUMBER(pciback_write32(&bits, 0x12348103, 0x44, 1, 0x00), 0x12340100);
	CHECK_NUMBER(pciback_write32(&bits, 0x000f2810, 0x58, 2, 0x2830), 0x00002830);
	CHECK_NUMBER(bits.bits[0x60 / 4], 0xc0000000);
	CHECK_NUMBER(bits.bits[0x68 / 4], 0x011f0000);
	CHECK_NUMBER(bits.bits[0x70 / 4], 0x00010000);
	CHECK_NUMBER(bits.bits[0x1c / 4], 0);
	config[0x0e] = 0x81;
	pciback_clear_by_one_find(config, &bits);
	CHECK_NUMBER(bits.bits[0x1c / 4], 0xf9000000);

	/* A circle, and one that leads out of the end. */
	config[0x51] = 0x40;
	pciback_clear_by_one_find(config, &bits);
	config[0x51] = 0xfc;
	config[0xfc] = 0x10;
	pciback_clear_by_one_find(config, &bits);
	memset(config, 0xff, sizeof(config));
	pciback_clear_by_one_find(config, &bits);
	for (size_t i = 0; i < sizeof(bits.bits) / sizeof(bits.bits[0]); i++)
		n += bits.bits[i] != 0;
	CHECK_NUMBER(n, 1);
}
