/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>

#include <pciback/policy.h>
#include <pciback/registers.h>

#include "../../../core/policy/command.h"

static struct fixture fixture;

/* What a write becomes; UINT32_MAX if it is refused. */
static uint32_t
bound(uint32_t offset, uint32_t size, uint32_t current, uint32_t value)
{
	uint32_t result = 0;

	return pciback_policy_bound(&fixture.device, offset, size, current, value, &result) < 0 ? UINT32_MAX : result;
}

/* One row for each kind of register: 40 power, 50 MSI, 70 MSI-X, 80 PCI Express, c0 VPD, f0 the vendor's. */
static void
test_registers(struct harness *harness)
{
	fixture_init_card(&fixture);
	/* It decodes whatever is wanted; bits that no guest has stay off. */
	CHECK_NUMBER(bound(REG_COMMAND, 2, 0, 0), fixture.device.kept);
	CHECK_NUMBER(bound(REG_COMMAND, 2, 0, 0xffff), fixture.device.kept | COMMAND_PASSED | COMMAND_INTX_DISABLE);
	CHECK_NUMBER(bound(REG_CACHE_LINE, 1, 0, 0x10), 0x10);
	CHECK_NUMBER(bound(REG_BIST, 1, 0x80, 0xff), 0xc0);
	/* The state stays, and an event that has come is not cleared by the way. */
	CHECK_NUMBER(bound(0x44, 2, POWER_PME_STATUS, POWER_STATE), 0);
	CHECK_NUMBER(bound(0x44, 2, 0, 0xffff), POWER_PME_STATUS | POWER_DATA_SELECT);
	/* A write of vital product data is never begun. */
	CHECK_NUMBER(bound(0xc2, 2, VPD_FLAG, VPD_FLAG | 0x10), 0x10);
	/* MSI is the host's, unless the guest controls interrupts. */
	CHECK_NUMBER(bound(0x52, 2, 0, MSI_ENABLE), UINT32_MAX);
	CHECK_NUMBER(bound(0x72, 2, 0, MSIX_ENABLE), UINT32_MAX);
	fixture.device.settings.interrupt_control = true;
	CHECK_NUMBER(bound(0x52, 2, 0x80, 0xffff), 0x80 | MSI_ENABLE);
	CHECK_NUMBER(bound(0x72, 2, 0x7f, 0xffff), 0x7f | MSIX_ENABLE | MSIX_MASK_ALL);
	fixture_free(&fixture);
}

/* What is refused: BARs, the ROM, what is less than a register or more, what is read-only or nobody's, what is no access. */
static void
test_refused(struct harness *harness)
{
	static const struct {
		uint32_t offset, size;
	} cases[] = {
		{ 0x00, 4 }, { 0x04, 1 }, { 0x05, 1 }, { 0x04, 4 }, { 0x06, 2 }, { 0x0c, 2 }, { 0x0c, 4 }, { 0x0d, 1 },
		{ 0x10, 4 }, { 0x14, 4 }, { 0x24, 4 }, { 0x30, 4 }, { 0x3c, 1 }, { 0x34, 4 }, { 0x40, 4 }, { 0x44, 1 },
		{ 0x44, 4 }, { 0x48, 4 }, { 0x54, 4 }, { 0x58, 4 }, { 0x5c, 2 }, { 0x74, 4 }, { 0x88, 2 }, { 0xc2, 1 },
		{ 0xc4, 4 }, { 0xf0, 4 }, { 0xfc, 4 }, { 0x41, 2 }, { 0x44, 3 }, { 0x44, 0 }, { 0x44, 8 }, { 0x100, 4 },
		{ 0xffc, 4 }, { 0x1000, 4 }, { UINT32_MAX, 1 },
	};

	fixture_init_card(&fixture);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_NUMBER(bound(cases[i].offset, cases[i].size, 0, UINT32_MAX), UINT32_MAX);
	/* To a permissive device more is open: what is guarded, and what nobody owns. */
	fixture.device.settings.permissive = true;
	CHECK_NUMBER(bound(REG_LATENCY, 1, 0, 0x40), 0x40);
	CHECK_NUMBER(bound(0x48, 4, 0, 0x12345678), 0x12345678);
	CHECK_NUMBER(bound(0x10, 4, 0, 0), UINT32_MAX);
	CHECK_NUMBER(bound(0x40, 4, 0, 0), UINT32_MAX);
	fixture_free(&fixture);
}

static int (*write_on)(void *world, void *handle, unsigned offset, unsigned size, uint32_t value);
static unsigned n_writes, n_changed;

static int
write_and_compare(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	n_writes++;
	n_changed += bound(offset, size, fixture_real(&fixture, offset, size), value) != value;
	return write_on(world, handle, offset, size, value);
}

/* Whatever the policy itself writes passes as it is: nothing that a guest may do is lost in a proxy. */
static void
test_policy_passes(struct harness *harness)
{
	static const uint32_t values[] = { 0, 0x55555555, 0xaaaaaaaa, UINT32_MAX };

	for (unsigned kind = 0; kind < 4; kind++) {
		fixture_init_card(&fixture);
		fixture.settings.permissive = (kind & 1) != 0;
		fixture.settings.interrupt_control = (kind & 2) != 0;
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		write_on = fixture.operations.config_write;
		fixture.operations.config_write = write_and_compare;
		n_writes = n_changed = 0;
		for (uint32_t offset = 0; offset < PCIBACK_CONFIG_PCI; offset++)
			for (uint32_t size = 1; size <= 4; size *= 2)
				for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
					(void)pciback_config_write(&fixture.device, offset, size,
					    values[i] & (UINT32_MAX >> (32 - 8 * size)));
		CHECK(n_writes > 30);
		CHECK_NUMBER(n_changed, 0);
		fixture_free(&fixture);
	}
}

void
test_policy_bound(struct harness *harness)
{
	test_registers(harness);
	test_refused(harness);
	test_policy_passes(harness);
}
