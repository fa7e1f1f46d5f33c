/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#define IO	PCIBACK_RESOURCE_IO
#define M32	PCIBACK_RESOURCE_MEM32
#define M64	PCIBACK_RESOURCE_MEM64

/* Settings and devices that can't be handed out; the log says why. */
static void
test_refused(struct harness *harness)
{
	static const struct {
		const char *why;
		unsigned bar;		/* 6: the ROM */
		enum pciback_resource_kind kind;
		uint64_t address, size;
	} refused[] = {
		{ "address of BAR 0", 0, M32, 0xfe600000, 0x300 },
		{ "address of BAR 0", 0, M32, 0xfe600000, 0 },
		{ "address of BAR 0", 0, M32, 0xfe600000, 8 },
		{ "address of BAR 0", 0, M32, 0xfe600001, 16 },
		{ "address of BAR 0", 0, M32, 0, 16 },
		{ "address of BAR 0", 0, M32, UINT64_C(0x100000000), 16 },
		{ "address of BAR 0", 0, M32, UINT64_C(0x100000000), UINT64_C(0x100000000) },
		{ "address of BAR 0", 0, IO, 0x1000, 2 },
		{ "address of BAR 0", 0, IO, 0x10000, 4 },
		{ "address of BAR 0", 0, M64, UINT64_C(1) << 63, 16 },
		{ "address of BAR 0", 0, (enum pciback_resource_kind)7, 0x1000, 16 },
		{ "BAR at place 1", 0, M64, 0xfe600000, 16 },	/* there is one at 1 */
		{ "BAR at place 3", 3, M32, 0xfe900000, 16 },	/* the upper half of 2 */
		{ "BAR at place 5", 5, M64, 0xfe900000, 16 },	/* no room for the upper half */
		{ "ROM of kind", 6, IO, 0x2000, 0x800 },
		{ "ROM of kind", 6, M32, 0xfe800000, 0x400 },
		{ "ROM of kind", 6, M32, 0xfe800400, 0x800 },
	};
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct pciback_resource *resource;

		fixture_init(&fixture, config, sizeof(config));
		resource = refused[i].bar == 6 ? &fixture.settings.rom :
		    &fixture.settings.bars[refused[i].bar];
		*resource = (struct pciback_resource){ .kind = refused[i].kind,
		    .address = refused[i].address, .size = refused[i].size };
		CHECK_NUMBER(fixture_hand_out(&fixture), -EINVAL);
		CHECK(strstr(fixture.line, "domain 7: 0000:03:00.0: can't be handed out") ==
		    fixture.line);
		CHECK(strstr(fixture.line, refused[i].why) != NULL);
		CHECK_NUMBER(fixture_real(&fixture, 0x04, 2) & 4, 0);
		fixture_free(&fixture);
	}
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.config_size = 64;
	CHECK_NUMBER(fixture_hand_out(&fixture), -EINVAL);
	CHECK_TEXT(fixture.line, "domain 7: 0000:03:00.0: can't be handed out: a configuration space of size 40 is "
	    "impossible");
	fixture_free(&fixture);
	for (unsigned type = 2; type < 0x80; type++) {
		config[0x0e] = (uint8_t)(0x80 | type);
		fixture_init(&fixture, config, sizeof(config));
		CHECK_NUMBER(fixture_hand_out(&fixture), -EINVAL);
		CHECK(strstr(fixture.line, "header type") != NULL);
		fixture_free(&fixture);
	}
	/* A bridge has two BARs. */
	fixture_bridge(config);
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.bars[2] = fixture.settings.bars[0];
	CHECK_NUMBER(fixture_hand_out(&fixture), -EINVAL);
	fixture_free(&fixture);
}

/* What an earlier owner left on is off, and the device's own failures end in an error. */
static void
test_hand_over(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	unsigned n_failed = 0;
	int r = -EIO;

	fixture_init_card(&fixture);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 0x0143);
	CHECK_NUMBER(fixture_real(&fixture, 0x06, 2), 0xf910);	/* errors are there to be seen */
	CHECK_NUMBER(fixture_real(&fixture, 0x44, 2), 0x8000);
	CHECK_NUMBER(fixture_real(&fixture, 0x52, 2), 0x0180);
	CHECK_NUMBER(fixture_real(&fixture, 0x72, 2), 0x40ff);
	fixture_free(&fixture);

	fixture_card(config);
	for (unsigned write = 1; r < 0 && write < 20; write++) {
		fixture_init(&fixture, config, sizeof(config));
		fixture.fail_write = write;
		r = fixture_hand_out(&fixture);
		n_failed += r < 0;
		fixture_free(&fixture);
	}
	CHECK_NUMBER(n_failed, 4);		/* COMMAND, power, MSI, MSI-X */
	fixture_init(&fixture, config, sizeof(config));
	fixture.fail_read = -EIO;
	CHECK_NUMBER(fixture_hand_out(&fixture), -EIO);
	fixture_free(&fixture);
}

/* The device stops answering after so many reads. */
static void
count_down(struct fixture *fixture)
{
	if (fixture->n_reads == fixture->power)
		fixture->fail_read = -EIO;
}

static void
test_reads_that_fail(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	int r = -EIO;

	fixture_card(config);
	for (unsigned read = 1; r < 0 && read < 100; read++) {
		fixture_init(&fixture, config, sizeof(config));
		fixture.on_read = count_down;
		fixture.power = read;
		r = fixture_hand_out(&fixture);
		CHECK(r == -EIO || r == 0);
		CHECK(r == -EIO || read > 10);
		fixture_free(&fixture);
	}
	CHECK_NUMBER(r, 0);
}

/* A virtual function: its ids and BARs are the system's, its decoding is wired to zero. */
static void
test_virtual_function(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	uint32_t pirq;

	fixture_card(config);
	fixture_store(config, 0x00, 4, 0xffffffff);
	fixture_store(config, 0x04, 2, 0);
	memset(config + 0x10, 0, 24);
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.is_virtual_function = true;
	fixture.settings.vendor = 0x8086;
	fixture.settings.device = 0x10ca;
	fixture.settings.bars[0] = (struct pciback_resource){ .kind = PCIBACK_RESOURCE_MEM64,
		.address = UINT64_C(0x380000000), .size = 0x4000 };
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	CHECK_NUMBER(fixture_read(&fixture, 0, 4), 0x10ca8086);
	CHECK_NUMBER(fixture_read(&fixture, 4, 2), 2);
	CHECK_NUMBER(fixture_read(&fixture, 0x10, 4), 0x80000004);
	CHECK_NUMBER(fixture_read(&fixture, 0x14, 4), 3);
	atomic_store(&fixture.page.request.vectors[0].entry, 1);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 1), 0);
	CHECK_NUMBER(pciback_msix_disable(&fixture.device, &pirq), 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 4, 2, 0), 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 1), -6);
	fixture_free(&fixture);
}

/* What the system says comes before what the register has; no guest can be told more than 254. */
static void
test_system_line(struct harness *harness)
{
	static const struct {
		uint32_t said;
		uint8_t by_register, line;
		enum pciback_line_source source;
	} cases[] = {
		{ 21, 10, 21, PCIBACK_LINE_SYSTEM },
		{ 254, 0, 254, PCIBACK_LINE_SYSTEM },
		{ 255, 10, 0, PCIBACK_LINE_SYSTEM },
		{ 4000, 10, 0, PCIBACK_LINE_SYSTEM },
		{ 0, 10, 10, PCIBACK_LINE_FIRMWARE },
		{ 0, 0, 0, PCIBACK_LINE_FIRMWARE },
		{ 0, 255, 0, PCIBACK_LINE_FIRMWARE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_device_settings settings = { .interrupt_line = 77 };

		pciback_settings_set_line(&settings, cases[i].said, cases[i].by_register);
		CHECK_NUMBER(settings.interrupt_line, cases[i].line);
		CHECK_NUMBER(settings.line_source, cases[i].source);
	}
}

void
test_device(struct harness *harness)
{
	test_system_line(harness);
	test_refused(harness);
	test_hand_over(harness);
	test_reads_that_fail(harness);
	test_virtual_function(harness);
}
