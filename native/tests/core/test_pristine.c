/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "counted.h"
#include "fixture.h"

#include <errno.h>
#include <string.h>

#include <pciback/pristine.h>

/* Both in all their steps. */
static int
save(struct pciback_pristine *pristine, struct fixture *fixture)
{
	unsigned offset = 0;
	int r;

	do
		r = pciback_pristine_save(pristine, &fixture->simulated, NULL, &fixture->settings, &offset);
	while (r > 0);
	return r;
}

static int
restore(const struct pciback_pristine *pristine, const struct pciback_operations *operations, void *handle)
{
	unsigned offset = 0;
	int r;

	do
		r = pciback_pristine_restore(pristine, operations, NULL, handle, &offset);
	while (r > 0);
	return r;
}

/* The device's registers after a change of one, restored; -1 if restoring fails. */
static int64_t
restored(struct fixture *fixture, const struct pciback_pristine *pristine, unsigned offset, unsigned size,
    uint32_t value)
{
	if (fixture->simulated.config_write(NULL, fixture->real, offset, size, value) < 0 ||
	    restore(pristine, &fixture->simulated, fixture->real) < 0)
		return -1;
	return fixture_real(fixture, offset, size);
}

static int
fail(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	(void)world;
	(void)handle;
	(void)offset;
	(void)size;
	(void)value;
	return -ENXIO;
}

static int
ignore(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	(void)fail(world, handle, offset, size, value);
	return 0;
}

static void
test_save_and_restore(struct harness *harness)
{
	static struct fixture fixture;
	static struct pciback_pristine pristine;
	struct pciback_operations operations;
	uint8_t before[PCIBACK_CONFIG_EXPRESS];

	fixture_init_card(&fixture);
	fixture.settings.handle = fixture.real;
	CHECK_NUMBER(save(&pristine, &fixture), 0);
	CHECK_NUMBER(pristine.size, PCIBACK_CONFIG_EXPRESS);
	memcpy(before, fixture.real->config, sizeof(before));
	/* BARs, cache line, a register of nobody's, one of the extended space. */
	CHECK_NUMBER(restored(&fixture, &pristine, 0x10, 4, 0xfffff000), fixture_real(&fixture, 0x10, 4));
	CHECK_NUMBER(restored(&fixture, &pristine, 0x0c, 1, 0x55), before[0x0c]);
	CHECK_NUMBER(restored(&fixture, &pristine, 0x48, 1, before[0x48] ^ 0xffU), before[0x48]);
	CHECK_NUMBER(restored(&fixture, &pristine, 0x804, 1, before[0x804] ^ 0xffU), before[0x804]);
	CHECK(memcmp(before, fixture.real->config, sizeof(before)) == 0);
	/* COMMAND and vital product data are nothing of a past owner's. */
	CHECK_NUMBER(restored(&fixture, &pristine, 4, 2, 0x0406), 0x0406);
	CHECK_NUMBER(restored(&fixture, &pristine, 0xc2, 2, 0x0010), 0x8010);

	/* A register of the header that does not come back is an error; any other may change by itself. */
	fixture.real->config[0x0c] ^= 1;
	operations = fixture.simulated;
	operations.config_write = ignore;
	CHECK_NUMBER(restore(&pristine, &operations, fixture.real), -EIO);
	operations.config_write = fail;
	CHECK_NUMBER(restore(&pristine, &operations, fixture.real), -ENXIO);
	fixture.real->config[0x0c] ^= 1;
	fixture.real->config[0x48] ^= 1;
	operations.config_write = ignore;
	CHECK_NUMBER(restore(&pristine, &operations, fixture.real), 0);
	fixture_free(&fixture);
}

/* No step takes longer than the others, also of a device in which all differs. */
static void
test_steps(struct harness *harness)
{
	static struct fixture fixture;
	static struct pciback_pristine pristine;
	unsigned offset = 0, n_steps = 0;
	int r;

	fixture_init_card(&fixture);
	fixture.settings.handle = fixture.real;
	count(&fixture.simulated);
	do {
		n_accesses = 0;
		r = pciback_pristine_save(&pristine, &counting, NULL, &fixture.settings, &offset);
		CHECK(n_accesses <= PCIBACK_PRISTINE_STEP);
		CHECK(n_steps > 0 || offset == PCIBACK_CONFIG_PCI);
		/* Nobody could go on with a part of it. */
		CHECK_NUMBER(pristine.size, r > 0 ? 0 : PCIBACK_CONFIG_EXPRESS);
		n_steps++;
	} while (r > 0);
	CHECK_NUMBER(r, 0);
	CHECK_NUMBER(n_steps, 16);
	for (unsigned i = 0x100; i < PCIBACK_CONFIG_EXPRESS; i++)
		fixture.real->config[i] ^= 0xff;
	offset = n_steps = 0;
	do {
		n_accesses = 0;
		r = pciback_pristine_restore(&pristine, &counting, NULL, fixture.real, &offset);
		CHECK(n_accesses <= PCIBACK_PRISTINE_STEP);
		n_steps++;
	} while (r > 0);
	CHECK_NUMBER(r, 0);
	CHECK(n_steps > 40 && n_steps < 50);
	CHECK(memcmp(pristine.config + 0x100, fixture.real->config + 0x100, PCIBACK_CONFIG_EXPRESS - 0x100) == 0);
	fixture_free(&fixture);
}

/* What dom0 left on is not what the next owner finds; a device that slept has lost its BARs. */
static void
test_what_is_saved(struct harness *harness)
{
	static struct fixture fixture;
	static struct pciback_pristine pristine;
	uint32_t bar;

	fixture_init_card(&fixture);
	fixture.settings.handle = fixture.real;
	bar = fixture_real(&fixture, 0x10, 4);
	fixture_store(fixture.real->config, 0x52, 2, fixture_real(&fixture, 0x52, 2) | MSI_ENABLE);
	fixture_store(fixture.real->config, 0x72, 2, fixture_real(&fixture, 0x72, 2) | MSIX_ENABLE);
	fixture_store(fixture.real->config, 0x10, 4, bar & 0xf);
	CHECK_NUMBER(save(&pristine, &fixture), 0);
	CHECK_NUMBER(restore(&pristine, &fixture.simulated, fixture.real), 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x10, 4), bar);
	CHECK_NUMBER(fixture_real(&fixture, 0x52, 2) & MSI_ENABLE, 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x72, 2) & MSIX_ENABLE, 0);

	/* Those of a virtual function are wired to zero. */
	fixture_store(fixture.real->config, 0x10, 4, 0);
	fixture.settings.is_virtual_function = true;
	CHECK_NUMBER(save(&pristine, &fixture), 0);
	CHECK_NUMBER(restore(&pristine, &fixture.simulated, fixture.real), 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x10, 4), 0);
	fixture_free(&fixture);
}

/* The upper half of the dword with a bridge's I/O window is its secondary STATUS. */
static void
test_bridge(struct harness *harness)
{
	static struct fixture fixture;
	static struct pciback_pristine pristine;
	struct pciback_operations operations;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_bridge(config);
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.handle = fixture.real;
	CHECK_NUMBER(save(&pristine, &fixture), 0);
	operations = fixture.simulated;
	operations.config_write = ignore;
	fixture.real->config[0x1f] ^= 0x20;
	CHECK_NUMBER(restore(&pristine, &operations, fixture.real), 0);
	fixture.real->config[0x1c] ^= 0x10;
	CHECK_NUMBER(restore(&pristine, &operations, fixture.real), -EIO);
	fixture_free(&fixture);
}

static void
test_find_capability(struct harness *harness)
{
	uint8_t config[PCIBACK_CONFIG_PCI] = { 0 };

	config[0x34] = 0x43;
	config[0x40] = CAPABILITY_POWER;
	config[0x41] = 0xf8;
	config[0xf8] = CAPABILITY_MSI;
	config[0xf9] = 0x40;
	CHECK_NUMBER(pciback_find_capability(config, CAPABILITY_POWER, 8), 0);
	config[6] = STATUS_CAPABILITIES;
	CHECK_NUMBER(pciback_find_capability(config, CAPABILITY_POWER, 8), 0x40);
	CHECK_NUMBER(pciback_find_capability(config, CAPABILITY_MSI, 8), 0xf8);
	/* It would reach past the end; and the list is a circle. */
	CHECK_NUMBER(pciback_find_capability(config, CAPABILITY_MSI, 10), 0);
	CHECK_NUMBER(pciback_find_capability(config, CAPABILITY_VPD, 8), 0);
	config[0x41] = 0x3c;
	CHECK_NUMBER(pciback_find_capability(config, CAPABILITY_MSI, 8), 0);
}

void
test_pristine(struct harness *harness)
{
	test_save_and_restore(harness);
	test_steps(harness);
	test_what_is_saved(harness);
	test_bridge(harness);
	test_find_capability(harness);
}
