/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#include "../../../core/policy/chain.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Chains of capabilities that no working device has. */
static void
test_chains(struct harness *harness)
{
	static const struct {
		const char *name;
		struct { uint8_t offset; uint32_t value; } stored[6];
		uint32_t first;		/* the guest's 34 */
		struct { uint8_t offset; uint32_t value; } shown[4];	/* dwords */
		const char *said;	/* part of the log's last line; "": there is none */
	} chains[] = {
		{ "a loop", { { 0x40, 0x00035001 }, { 0x50, 0x00004005 } }, 0x40,
		    { { 0x40, 0x00035001 }, { 0x50, 0x00000005 } },
		    "the chain of capabilities leads to 40 and ends there" },
		{ "into itself", { { 0x40, 0x00034001 } }, 0x40, { { 0x40, 0x00030001 } },
		    "the chain of capabilities leads to 40 and ends there" },
		{ "into the header", { { 0x40, 0x00030401 } }, 0x40, { { 0x40, 0x00030001 } },
		    "the chain of capabilities leads to 4 and ends there" },
		{ "low bits", { { 0x34, 0x43 }, { 0x40, 0x00030001 } }, 0x40,
		    { { 0x40, 0x00030001 } }, "" },
		{ "MSI at the end", { { 0x34, 0xf4 }, { 0xf4, 0x01800005 } }, 0,
		    { { 0xf4, 0 }, { 0xf8, 0 } }, "capability 5 at f4 runs past the end and is hidden" },
		{ "power inside of MSI", { { 0x40, 0x00804405 }, { 0x44, 0xfee00001 } }, 0,
		    { { 0x40, 0 }, { 0x44, 0 }, { 0x48, 0 } },
		    "capabilities 5 at 40 and 1 at 44 overlap and are hidden" },
		{ "two of MSI", { { 0x40, 0x00805005 }, { 0x50, 0x00800005 } }, 0x40,
		    { { 0x40, 0x00800005 }, { 0x50, 0 }, { 0x54, 0 } }, "" },
		{ "unknown between known", { { 0x40, 0x00034801 }, { 0x48, 0x12345009 },
		    { 0x50, 0x00006005 }, { 0x60, 0x00000012 } }, 0x40,
		    { { 0x40, 0x00035001 }, { 0x48, 0 }, { 0x50, 0x00000005 }, { 0x60, 0 } }, "" },
		{ "PCI Express cut off", { { 0x34, 0xe0 }, { 0xe0, 0x00020010 } }, 0xe0,
		    { { 0xe0, 0x00020010 }, { 0xe4, 0x44444444 }, { 0xfc, 0x44444444 } }, "" },
		{ "nothing but ones", { { 0x34, 0xff }, { 0xfc, 0xffffffff } }, 0, { { 0xfc, 0 } },
		    "the chain of capabilities leads to fc and ends there" },
		{ "only unknown", { { 0x40, 0x00000013 } }, 0, { { 0x40, 0 } }, "" },
	};
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_PCI];

	for (size_t i = 0; i < COUNT(chains); i++) {
		memset(config, 0, 0x40);
		memset(config + 0x40, 0x44, sizeof(config) - 0x40);
		fixture_store(config, 0x00, 4, 0x12348086);
		fixture_store(config, 0x06, 2, 0x0010);
		fixture_store(config, 0x34, 1, 0x40);
		for (size_t j = 0; j < COUNT(chains[i].stored) && chains[i].stored[j].offset != 0; j++)
			fixture_store(config, chains[i].stored[j].offset, 4,
			    chains[i].stored[j].value);
		fixture_init(&fixture, config, sizeof(config));
		harness->test = chains[i].name;
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		CHECK(strstr(fixture.line, chains[i].said) != NULL);
		CHECK_NUMBER(fixture.line[0] != '\0', chains[i].said[0] != '\0');
		CHECK_NUMBER(fixture_read(&fixture, 0x34, 4), chains[i].first);
		CHECK_NUMBER(fixture_read(&fixture, 0x06, 2), chains[i].first != 0 ? 0x10 : 0);
		for (size_t j = 0; j < COUNT(chains[i].shown) && chains[i].shown[j].offset != 0; j++)
			CHECK_NUMBER(fixture_read(&fixture, chains[i].shown[j].offset, 4),
			    chains[i].shown[j].value);
		fixture_free(&fixture);
	}
	harness->test = "policy/chain";
	/* Each dword leads to the next. */
	memset(config, 0, sizeof(config));
	fixture_store(config, 0x00, 4, 0x12348086);
	fixture_store(config, 0x06, 2, 0x0010);
	fixture_store(config, 0x34, 1, 0x40);
	for (unsigned at = 0x40; at < 0x100; at += 4)
		fixture_store(config, at, 4, (at + 4) << 8 | 0x09);
	fixture_init(&fixture, config, sizeof(config));
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	for (uint32_t at = 0x34; at < 0x100; at += 4)
		CHECK_NUMBER(fixture_read(&fixture, at, 4), 0);
	fixture_free(&fixture);
}

/* What the chain of the fixture's card comes to, and that a device that can't be read gives none. */
static void
test_card(struct harness *harness)
{
	static const struct pciback_capability card[] = {
		{ .offset = 0x40, .id = 0x01, .shown = true, .end = 0x48 },
		{ .offset = 0x50, .id = 0x05, .shown = true, .end = 0x68 },
		{ .offset = 0x70, .id = 0x11, .shown = true, .end = 0x7c },
		{ .offset = 0x80, .id = 0x10, .shown = true, .end = 0xbc },
		{ .offset = 0xc0, .id = 0x03, .shown = true, .end = 0xc8 },
		{ .offset = 0xf0, .id = 0x09, .shown = false, .end = 0x100 },
	};
	static struct fixture fixture;
	struct pciback_chain chain = { .n = 99 };

	fixture_init_card(&fixture);
	fixture.fail_read = -EIO;
	CHECK_NUMBER(pciback_chain_read(&fixture.device, &chain), -EIO);
	CHECK_NUMBER(chain.n, 99);
	fixture.fail_read = 0;
	CHECK_NUMBER(pciback_chain_read(&fixture.device, &chain), 0);
	CHECK_NUMBER(chain.n, COUNT(card));
	pciback_chain_find_ends(&fixture.device, &chain);
	for (size_t i = 0; i < COUNT(card) && i < chain.n; i++) {
		CHECK_NUMBER(chain.list[i].offset, card[i].offset);
		CHECK_NUMBER(chain.list[i].id, card[i].id);
		CHECK_NUMBER(chain.list[i].shown, card[i].shown);
		CHECK_NUMBER(chain.list[i].end, card[i].end);
	}
	fixture_free(&fixture);
}

void
test_policy_chain(struct harness *harness)
{
	test_chains(harness);
	test_card(harness);
}
