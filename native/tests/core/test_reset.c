/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#include <pciback/reset.h>

/* How long was waited, in milliseconds. */
static unsigned waited;

static void
pass(void *world, unsigned milliseconds)
{
	(void)world;
	waited += milliseconds;
}

/* Until it ends. */
static int
reset_by(const struct pciback_operations *operations, struct fixture *fixture)
{
	struct pciback_reset reset = { .stage = PCIBACK_RESET_NONE };
	int r;

	while ((r = pciback_reset(&reset, operations, NULL, fixture->real, fixture->real->dump)) > 0)
		waited += (unsigned)r;
	return reset.stage == PCIBACK_RESET_NONE ? r : -EINVAL;
}

static int
reset(struct fixture *fixture)
{
	waited = 0;
	return reset_by(&fixture->simulated, fixture);
}

/* The card with what its capabilities say of resets. */
static void
init(struct fixture *fixture, uint32_t express, bool keeps_state)
{
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	fixture_store(config, 0x80 + EXPRESS_DEVICE, 4, express);
	fixture_store(config, 0x40 + POWER_CONTROL, 2, keeps_state ? POWER_NO_SOFT_RESET : 0);
	fixture_init(fixture, config, sizeof(config));
	fixture_store(fixture->real->config, 4, 2, 6);
}

static void
test_ways(struct harness *harness)
{
	static struct fixture fixture;

	/* A function level reset, which wants 100 ms. */
	init(&fixture, EXPRESS_RESET, true);
	CHECK_NUMBER(reset(&fixture), 0);
	CHECK_NUMBER(fixture.real->n_resets, 1);
	CHECK_NUMBER(fixture_real(&fixture, 4, 2), 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x10, 4) & ~0xfU, 0);
	CHECK_NUMBER(waited, 100);
	/* One whose requests are on their way still is waited for, and not for ever. */
	fixture_store(fixture.real->config, 0x80 + EXPRESS_DEVICE_STATUS, 2, EXPRESS_PENDING);
	fixture_store(fixture.real->dump, 0x80 + EXPRESS_DEVICE_STATUS, 2, 0);
	CHECK_NUMBER(reset(&fixture), 0);
	CHECK_NUMBER(waited, 1100);
	fixture_free(&fixture);

	/* Through D3hot and back. */
	init(&fixture, 0, false);
	CHECK_NUMBER(reset(&fixture), 0);
	CHECK_NUMBER(fixture.real->n_resets, 1);
	CHECK_NUMBER(fixture_real(&fixture, 0x40 + POWER_CONTROL, 2) & POWER_STATE, 0);
	CHECK_NUMBER(waited, 110);
	fixture_free(&fixture);

	/* A device that keeps its state there has no way, and nothing of it is changed. */
	init(&fixture, 0, true);
	CHECK_NUMBER(reset(&fixture), -ENOTSUP);
	CHECK_NUMBER(fixture.real->n_resets, 0);
	CHECK_NUMBER(fixture_real(&fixture, 4, 2), 6);
	fixture_free(&fixture);
}

/* Conventional PCI has a capability for it. */
static void
test_advanced(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	fixture_store(config, 0x80, 1, CAPABILITY_ADVANCED);
	fixture_store(config, 0x80 + ADVANCED_ABILITIES, 1, ADVANCED_RESET);
	fixture_init(&fixture, config, sizeof(config));
	fixture_store(fixture.real->config, 4, 2, 6);
	CHECK_NUMBER(reset(&fixture), 0);
	CHECK_NUMBER(fixture.real->n_resets, 1);
	CHECK_NUMBER(fixture_real(&fixture, 4, 2), 0);
	fixture_free(&fixture);
}

static unsigned n_silent;

/* A function that reads as ones for a while. */
static int
read_late(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	const struct pciback_simulated_device *device = handle;

	(void)world;
	*ret_value = 0;
	for (unsigned i = 0; i < size; i++)
		*ret_value |= (uint32_t)device->config[offset + i] << 8 * i;
	if (offset == REG_VENDOR && n_silent > 0) {
		n_silent--;
		*ret_value = UINT32_MAX >> (32 - 8 * size);
	}
	return 0;
}

static void
test_slow(struct harness *harness)
{
	static struct fixture fixture;
	struct pciback_operations operations;

	init(&fixture, EXPRESS_RESET, true);
	operations = fixture.simulated;
	operations.config_read = read_late;
	waited = 0;
	n_silent = 3;
	CHECK_NUMBER(reset_by(&operations, &fixture), 0);
	CHECK_NUMBER(waited, 400);
	n_silent = 100;
	CHECK_NUMBER(reset_by(&operations, &fixture), -EIO);
	CHECK_NUMBER(waited, 1400);
	fixture_free(&fixture);
}

static void
test_wake(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t none[PCIBACK_CONFIG_PCI] = { 0 };

	init(&fixture, 0, true);
	waited = 0;
	CHECK_NUMBER(pciback_wake(&fixture.simulated, NULL, fixture.real, fixture.real->dump, pass), 0);
	CHECK_NUMBER(waited, 0);
	fixture_store(fixture.real->config, 0x40 + POWER_CONTROL, 2,
	    POWER_PME_STATUS | POWER_NO_SOFT_RESET | 3);
	CHECK_NUMBER(pciback_wake(&fixture.simulated, NULL, fixture.real, fixture.real->dump, pass), 1);
	/* The event is not cleared. */
	CHECK_NUMBER(fixture_real(&fixture, 0x40 + POWER_CONTROL, 2), POWER_PME_STATUS | POWER_NO_SOFT_RESET);
	CHECK_NUMBER(waited, 10);
	/* One that stays asleep. */
	fixture_store(fixture.real->config, 0x40 + POWER_CONTROL, 2, 3);
	fixture.real->writable[0x40 + POWER_CONTROL] = 0;
	CHECK_NUMBER(pciback_wake(&fixture.simulated, NULL, fixture.real, fixture.real->dump, pass), -EIO);
	CHECK_NUMBER(pciback_wake(&fixture.simulated, NULL, fixture.real, none, pass), 0);
	fixture_free(&fixture);
}

void
test_reset(struct harness *harness)
{
	test_ways(harness);
	test_advanced(harness);
	test_slow(harness);
	test_wake(harness);
}
