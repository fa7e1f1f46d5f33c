/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#include "../../../core/policy/quirks.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
test_registered(struct harness *harness)
{
	static const struct pciback_quirk bad[] = {
		{ .vendor = 0x8086, .first = 0, .last = 0xffff, .kind = PCIBACK_QUIRK_REGISTER,
		    .reg = { .offset = 0x48, .size = 2, .read_only = 3, .zero = 1 } },
		{ .vendor = 0x8086, .first = 0, .last = 0xffff, .kind = PCIBACK_QUIRK_REGISTER,
		    .reg = { .offset = 0x10, .size = 4 } },
	};
	static const struct pciback_quirk good[] = {
		{ .vendor = 0x8086, .first = 0x10d3, .last = 0x10d3, .kind = PCIBACK_QUIRK_REGISTER,
		    .reg = { .offset = 0x48, .size = 2, .read_only = 0xff } },
		{ .vendor = 0x8086, .first = 0x10d3, .last = 0x10d3, .kind = PCIBACK_QUIRK_REGISTER,
		    .reg = { .offset = 0x54, .size = 4 } },	/* lies in MSI and stays closed */
		{ .vendor = 0x8086, .first = 0x10d3, .last = 0x10d3, .kind = PCIBACK_QUIRK_HIDE,
		    .capability = 0x03 },
		{ .vendor = 0x8086, .first = 0x10d3, .last = 0x10d3, .kind = PCIBACK_QUIRK_SHOW,
		    .capability = 0x09 },
		{ .vendor = 0x8086, .first = 0x10d4, .last = 0x10d4, .kind = PCIBACK_QUIRK_HIDE,
		    .capability = 0x05 },
		{ .vendor = 0x8087, .first = 0, .last = 0xffff, .kind = PCIBACK_QUIRK_HIDE,
		    .capability = 0x05 },
	};
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	size_t n;

	fixture_card(config);
	for (size_t i = 0; i < COUNT(bad); i++) {
		fixture_init(&fixture, config, sizeof(config));
		fixture.settings.quirks = &bad[i];
		fixture.settings.n_quirks = 1;
		CHECK_NUMBER(fixture_hand_out(&fixture), -EINVAL);
		fixture_free(&fixture);
	}
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.quirks = good;
	fixture.settings.n_quirks = COUNT(good);
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x48, 4, 0x11223344), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x48, 4), 0xcbca33c8);
	CHECK_NUMBER(fixture_read(&fixture, 0x54, 4), 0);
	CHECK_NUMBER(fixture_read(&fixture, 0x50, 2), 0x7005);
	CHECK_NUMBER(fixture_read(&fixture, 0x80, 2), 0xf010);
	CHECK_NUMBER(fixture_read(&fixture, 0xc0, 4), 0);
	CHECK_NUMBER(fixture_read(&fixture, 0xf0, 4), 0x00100009);
	CHECK_NUMBER(fixture_read(&fixture, 0xf4, 4), 0xf7f6f5f4);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0xf4, 4, 0), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0xf4, 4), 0xf7f6f5f4);
	fixture_free(&fixture);

	/* Those that come with the library can be registered. */
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.quirks = pciback_quirks(&n);
	fixture.settings.n_quirks = n;
	for (size_t i = 0; i < n; i++) {
		fixture.settings.vendor = fixture.settings.quirks[i].vendor;
		fixture.settings.device = fixture.settings.quirks[i].last;
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		CHECK_NUMBER(fixture_read(&fixture, 0, 2), fixture.settings.quirks[i].vendor);
	}
	fixture_free(&fixture);
}

/* What becomes of a register is said. */
static void
test_said(struct harness *harness)
{
	static const struct {
		struct pciback_quirk quirk;
		const char *said;
	} cases[] = {
		{ { .vendor = 0x8086, .first = 0x10d3, .last = 0x10d3, .kind = PCIBACK_QUIRK_REGISTER,
		    .reg = { .offset = 0x48, .size = 2 } },
		    "register 48 is open to the guest, as this device needs it" },
		{ { .vendor = 0x8086, .first = 0x10d3, .last = 0x10d3, .kind = PCIBACK_QUIRK_REGISTER,
		    .reg = { .offset = 0x54, .size = 4 } },
		    "register 54 lies in a capability and stays closed" },
	};
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	for (size_t i = 0; i < COUNT(cases); i++) {
		fixture_init(&fixture, config, sizeof(config));
		fixture.settings.quirks = &cases[i].quirk;
		fixture.settings.n_quirks = 1;
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		CHECK(strstr(fixture.line, cases[i].said) != NULL);
		fixture_free(&fixture);
	}
}

/* A quirk is for the devices that it names, and for one capability. */
static void
test_matching(struct harness *harness)
{
	static const struct pciback_quirk quirk = { .vendor = 0x8086, .first = 0x1000, .last = 0x1001,
		.kind = PCIBACK_QUIRK_HIDE, .capability = 0x05 };
	static struct pciback_device device;

	device.settings.quirks = &quirk;
	device.settings.n_quirks = 1;
	device.settings.vendor = 0x8086;
	for (uint16_t id = 0x0fff; id <= 0x1002; id++) {
		device.settings.device = id;
		CHECK_NUMBER(pciback_quirks_has(&device, PCIBACK_QUIRK_HIDE, 0x05),
		    id == 0x1000 || id == 0x1001);
		CHECK(!pciback_quirks_has(&device, PCIBACK_QUIRK_HIDE, 0x11));
		CHECK(!pciback_quirks_has(&device, PCIBACK_QUIRK_SHOW, 0x05));
	}
	device.settings.device = 0x1000;
	device.settings.vendor = 0x8087;
	CHECK(!pciback_quirks_has(&device, PCIBACK_QUIRK_HIDE, 0x05));
}

void
test_policy_quirks(struct harness *harness)
{
	test_registered(harness);
	test_said(harness);
	test_matching(harness);
}
