/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/wanted.h>

static int
read_word(const char *text, unsigned knows, struct pciback_wanted *device, char message[PCIBACK_WANTED_MESSAGE])
{
	char word[256];

	(void)snprintf(word, sizeof(word), "%s", text);
	message[0] = '\0';
	return pciback_wanted_read(word, knows, device, message);
}

static void
test_wanted_mistakes(struct harness *harness)
{
	static const struct {
		const char *word;
		unsigned knows;
		const char *message;
	} cases[] = {
		{ "", 0, "'' is no address of a device, such as 0000:03:00.0" },
		{ ",id=8086:10d3", PCIBACK_WANTED_KNOWS_IDENTITY, "'' is no address of a device, such as 0000:03:00.0" },
		{ "03:00.0,", PCIBACK_WANTED_KNOWS_IDENTITY, "'' is no option of a device here" },
		{ "03:00.0,id", PCIBACK_WANTED_KNOWS_IDENTITY, "'id' is no option of a device here" },
		{ "03:00.0,ID=8086:10d3", PCIBACK_WANTED_KNOWS_IDENTITY, "'ID' is no option of a device here" },
		{ "03:00.0,id=8086:10d3", 0, "'id' is no option of a device here" },
		{ "03:00.0,id=8086:10d3", PCIBACK_WANTED_KNOWS_POLICY, "'id' is no option of a device here" },
		{ "03:00.0,permissive=1", PCIBACK_WANTED_KNOWS_IDENTITY, "'permissive' is no option of a device here" },
		{ "03:00.0,id=", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "after id= there would be vendor and device, such as 8086:10d3" },
		{ "03:00.0,id=8086:10d3:", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "after id= there would be vendor and device, such as 8086:10d3" },
		{ "03:00.0,id=8086-10d3", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "after id= there would be vendor and device, such as 8086:10d3" },
		{ "03:00.0,id=8086:10dg", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "after id= there would be vendor and device, such as 8086:10d3" },
		{ "03:00.0,subsystem=086:00001", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "after subsystem= there would be its two numbers, such as 8086:a01f" },
		{ "03:00.0,allow=all", PCIBACK_WANTED_KNOWS_IDENTITY, "after allow= there would be no-iommu, shared-irq, "
		    "shared-bar-page, no-reset or kept-mappings, with '+' between them" },
		{ "03:00.0,irq=0", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "after irq= there would be the number of its interrupt, from 1 to 254" },
		{ "03:00.0,irq=255", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "after irq= there would be the number of its interrupt, from 1 to 254" },
		{ "03:00.0,irq=0x14", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "after irq= there would be the number of its interrupt, from 1 to 254" },
		{ "03:00.0,irq=20", PCIBACK_WANTED_KNOWS_POLICY, "'irq' is no option of a device here" },
		{ "03:00.0,permissive=yes", PCIBACK_WANTED_KNOWS_POLICY, "after permissive= there would be 0 or 1" },
		{ "03:00.0,rdm_policy=RELAXED", PCIBACK_WANTED_KNOWS_POLICY,
		    "after rdm_policy= there would be strict or relaxed" },
		{ "03:00.0,id=8086:10d3,id=8086:10d3", PCIBACK_WANTED_KNOWS_IDENTITY,
		    "id= is given twice for one device" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_wanted device = { .address.bus = 77 };
		char message[PCIBACK_WANTED_MESSAGE];

		CHECK_NUMBER(read_word(cases[i].word, cases[i].knows, &device, message), -EINVAL);
		CHECK_TEXT(message, cases[i].message);
		CHECK_NUMBER(device.address.bus, 77);
		CHECK(!device.has_id && !device.has_subsystem);
		CHECK_NUMBER(device.irq, 0);
	}
}

void
test_wanted(struct harness *harness)
{
	struct pciback_wanted device = { .permissive = true };
	char message[PCIBACK_WANTED_MESSAGE];

	CHECK_NUMBER(read_word("03:00.0", 0, &device, message), 0);
	CHECK_NUMBER(device.address.bus, 3);
	CHECK(device.permissive && !device.rdm_relaxed && !device.has_id && !device.has_subsystem);
	CHECK_NUMBER(read_word("0000:03:00.1,subsystem=8086:A01f,id=8086:10d3", PCIBACK_WANTED_KNOWS_IDENTITY, &device,
	    message), 0);
	CHECK_NUMBER(device.address.function, 1);
	CHECK(device.has_id && device.has_subsystem);
	CHECK_NUMBER(device.identity.vendor, 0x8086);
	CHECK_NUMBER(device.identity.device, 0x10d3);
	CHECK_NUMBER(device.identity.subsystem_vendor, 0x8086);
	CHECK_NUMBER(device.identity.subsystem, 0xa01f);
	CHECK_NUMBER(device.allow, 0);
	CHECK_NUMBER(read_word("03:00.0,allow=no-reset+shared-irq", PCIBACK_WANTED_KNOWS_IDENTITY, &device, message), 0);
	CHECK_NUMBER(device.allow, PCIBACK_ALLOW_NO_RESET | PCIBACK_ALLOW_SHARED_IRQ);
	CHECK_NUMBER(device.irq, 0);
	CHECK_NUMBER(read_word("03:00.0,irq=254", PCIBACK_WANTED_KNOWS_IDENTITY, &device, message), 0);
	CHECK_NUMBER(device.irq, 254);
	/* What it says for itself counts, and else what holds for all. */
	CHECK_NUMBER(read_word("03:00.0,rdm_policy=relaxed", PCIBACK_WANTED_KNOWS_POLICY, &device, message), 0);
	CHECK(device.permissive && device.rdm_relaxed);
	CHECK_NUMBER(read_word("03:00.0,permissive=0,rdm_policy=strict", PCIBACK_WANTED_KNOWS_POLICY, &device, message), 0);
	CHECK(!device.permissive && !device.rdm_relaxed);
	test_wanted_mistakes(harness);
}
