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

#include <pciback/status.h>

#include "../../../core/guest/devices.h"
#include "fake_xen.h"

static struct fake fake;

/* XSA-61: without an IOMMU a device writes to any memory. */
static void
test_xsa_61(struct harness *harness)
{
	fake_init(&fake);
	fake.xen.no_iommu = true;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(strstr(fake.xen.line, "no IOMMU") != NULL);
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.xen.no_iommu = true;
	fake.backend.allow = PCIBACK_ALLOW_NO_IOMMU;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 4);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 0);
	CHECK(fake_end(&fake));
}

/* One device never belongs to two guests. */
static void
test_ownership(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 1, 2);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
	CHECK_TEXT(fake_read(&fake, 2, "state-1"), "3");
	CHECK_TEXT(fake_read(&fake, 2, "vdev-0"), "(none)");
	CHECK(strstr(pciback_backend_find(&fake.backend, 2)->message, "0000:03:01.0 belongs to domain 1")
	    != NULL);
	CHECK_NUMBER(fake_held(&fake, "device", 2), 1);
	/* The second guest sees what is its own, and nothing else. */
	fake_frontend(&fake, 2, true);
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_READ, 1, 0, 4, 0, NULL),
	    PCIBACK_NO_DEVICE);
	CHECK(fake_end(&fake));

	/* A guest that is created again gets the device once the old one, from which it was taken back, is gone. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "online", "0");
	fake_write(&fake, 1, "state", "5");
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 2), 0);
	fake_write(&fake, 1, "/state", "6");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, "device", 2), 1);
	CHECK(fake_end(&fake));
}

/* What a domain may have still is given to no other, until it can be taken or the domain is gone. */
static void
test_held_back(struct harness *harness)
{
	static const char *const kinds[] = { "iomem", "ioport", "irq", "pirq", "device" };
	static const char *const rights[] = { "memory from 0x380000000000 on", "ports from 0xc000 on", "pirq 116",
		"interrupt line 16", "a device" };
	char sentence[PCIBACK_LOG_LINE];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fake_init(&fake);
		fake_create(&fake, 1, 0, 1);
		fake_frontend(&fake, 1, true);
		fake.xen.keeps = kinds[i];
		fake.xen.keeps_of = 1;
		fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
		CHECK(fake.xen.devices[0].is_open);
		(void)snprintf(sentence, sizeof(sentence), "domain 1: its right to %s could not be taken back: %s\n",
		    rights[i], strerror(EPERM));
		CHECK(fake_said(&fake, sentence));
		fake_create(&fake, 2, 0, 1);
		CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
		CHECK_NUMBER(fake_held(&fake, NULL, 2), 0);
		CHECK(strstr(pciback_backend_find(&fake.backend, 2)->message, "0000:03:00.0 is held back: "
		    "domain 1 may still reach it; destroy that domain first") != NULL);
		/* Nobody asks for it, and the domain comes to its end. */
		fake.xen.keeps = NULL;
		fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
		CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
		/* The one that waits gets it. */
		CHECK_NUMBER(fake_held(&fake, "device", 2), 1);
		CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
		CHECK(fake_end(&fake));
	}
}

/*
 * A PV domain that lives on keeps the memory that it has mapped, whatever Xen takes back. Nobody else gets
 * the device before it is gone, unless the owner trusts it; the domain itself may have it again.
 */
static void
test_kept_mappings(struct harness *harness)
{
	struct pciback_held_back held_back;
	size_t position = 0;

	fake_connect(&fake, 2, true);
	fake_write(&fake, 1, "state-0", "5");
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK_NUMBER(fake.backend.n_not_revoked, 0);
	CHECK(pciback_status_held_back(&fake.backend, &position, &held_back));
	CHECK_NUMBER(held_back.domain, 1);
	CHECK_NUMBER(held_back.n_permissions, 0);
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
	CHECK(strstr(pciback_backend_find(&fake.backend, 2)->message, "0000:03:00.0 is held back: domain 1 may "
	    "still reach it; destroy that domain first") != NULL);
	/* It is not asked for each second. */
	CHECK(pciback_backend_run(&fake.backend, fake.now) > PCIBACK_WAIT_HELD_BACK);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.backend.allow = PCIBACK_ALLOW_KEPT_MAPPINGS;
	fake_create(&fake, 1, 0, 1);
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK(fake_end(&fake));
}

/* Xen refuses a device whose reserved memory the guest does not have, unless the owner knows better. */
static void
test_rdm(struct harness *harness)
{
	fake_init(&fake);
	fake.xen.devices[0].wants_reserved = true;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(strstr(fake.xen.line, "0000:03:00.0 can't be assigned: ") != NULL);
	fake_write(&fake, 1, "opts-0", "permissive=0,rdm_policy=relaxed");
	fake_set(&fake, 1, "state-0", "1");
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	CHECK(fake_end(&fake));
}

/* What the guest sees the address of, it may map; and for as long as it lives nobody else does. */
static void
test_rom(struct harness *harness)
{
	static const struct pciback_resource rom = {
		.kind = PCIBACK_RESOURCE_MEM32,
		.address = 0xf8000000,
		.size = 0x10000,
	};
	uint32_t value = 0;

	fake_init(&fake);
	fake.xen.devices[0].rom = fake.xen.devices[1].rom = rom;
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0x30, 4, 0, &value), PCIBACK_DONE);
	CHECK_NUMBER(value, rom.address);
	CHECK_NUMBER(fake_held(&fake, "iomem", 1), 2);
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	CHECK_NUMBER(fake_held(&fake, "iomem", 1), 0);
	fake_create(&fake, 2, 1, 1);
	CHECK(strstr(fake.xen.line, "shares a page of its ROM with another guest's device") != NULL);
	CHECK(fake_end(&fake));
}

static void
test_refusals(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 9, 1);
	CHECK(strstr(fake.xen.line, "0000:03:09.0 is no device of this machine") != NULL);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.backend.n_slots = 1;
	fake_create(&fake, 1, 0, 2);
	CHECK(strstr(pciback_backend_find(&fake.backend, 1)->message,
	    "one device too many: 1 are handled") != NULL);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.xen.devices[0].bars[0].address = UINT64_MAX - 0xfff;
	fake_create(&fake, 1, 0, 1);
	CHECK(strstr(fake.xen.line, "can't be handed out") != NULL);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(fake_end(&fake));

	/* What the policy refuses, such as a CardBus bridge. */
	fake_init(&fake);
	fake.xen.devices[0].config[0x0e] = 2;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(fake.xen.devices[0].n_released > 0);
	CHECK(fake_end(&fake));
}

/* Each permission that can't be had: what is said, and that nothing of the device is left with the guest. */
static void
test_denied(struct harness *harness)
{
	static const struct {
		const char *kind, *words;
	} cases[] = {
		{ "iomem", "0000:03:00.0 can't have BAR 0 granted: " },
		{ "ioport", "0000:03:00.0 can't have BAR 2 granted: " },
		{ "pirq", "0000:03:00.0 can't have interrupt line 16 granted: " },
		{ "irq", "0000:03:00.0 can't have interrupt line 16 granted: " },
		{ "device", "0000:03:00.0 can't be assigned: " },
		{ "quarantine", "0000:03:00.0 can't be put into quarantine: " },
		{ "table", "0000:03:00.0 has an MSI-X table that Xen can't protect from the guest: " },
	};
	char sentence[PCIBACK_LOG_LINE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_init(&fake);
		fake.xen.refuses = cases[i].kind;
		fake_create(&fake, 1, 0, 1);
		(void)snprintf(sentence, sizeof(sentence), "%s%s", cases[i].words, strerror(EPERM));
		CHECK_TEXT(pciback_backend_find(&fake.backend, 1)->message, sentence);
		CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
		CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
		CHECK(fake_end(&fake));
	}
}

/* What is said when a device can't be opened, by the error. */
static void
test_not_opened(struct harness *harness)
{
	static const struct {
		int error;
		const char *words;
	} cases[] = {
		{ -EBUSY, "0000:03:00.0 is in use by a driver of this system; hide it first" },
		{ -ENODEV, "0000:03:00.0 is no device of this machine" },
		{ -EACCES, "0000:03:00.0 can't be opened: " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *message;

		fake_init(&fake);
		fake.xen.cant_open = cases[i].error;
		fake_create(&fake, 1, 0, 1);
		message = pciback_backend_find(&fake.backend, 1)->message;
		CHECK(strncmp(message, cases[i].words, strlen(cases[i].words)) == 0);
		CHECK(cases[i].error != -EACCES || strstr(message, strerror(EACCES)) != NULL);
		CHECK(fake_end(&fake));
	}
}

/* A virtual bus has 32 places. */
static void
test_no_place(struct harness *harness)
{
	static struct pciback_device other = { .settings.address.bus = 9 };
	struct pciback_topology *topology = &fake.guests[0].topology;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 0);
	for (uint32_t i = 0; i < 32; i++)
		topology->places[i] = (struct pciback_place){ .devfn = i << 3, .device = &other };
	topology->n_places = 32;
	fake_write(&fake, 1, "dev-0", "0000:03:00.0");
	fake_set(&fake, 1, "num_devs", "1");
	CHECK_TEXT(pciback_backend_find(&fake.backend, 1)->message,
	    "0000:03:00.0 finds no place on the guest's bus");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	topology->n_places = 0;
	CHECK(fake_end(&fake));
}

/* A device that does not stop is taken back all the same, and the log says what happened. */
static void
test_not_silenced(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
	fake.xen.keeps = "msi";
	fake.xen.keeps_of = 1;
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	CHECK(fake_said(&fake, "domain 1: 0000:03:00.0 could not be silenced before it was taken back"));
	CHECK(fake_said(&fake, "domain 1: 0000:03:00.0 is held back: nobody gets it before this domain is gone "
	    "or Xen takes back what it has of it"));
	CHECK(fake_said(&fake, "domain 1: its right to MSI by pirq 1000 could not be taken back: "));
	fake.xen.keeps = NULL;
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(fake_end(&fake));
}

void
test_guest_slot(struct harness *harness)
{
	test_xsa_61(harness);
	test_ownership(harness);
	test_held_back(harness);
	test_kept_mappings(harness);
	test_rdm(harness);
	test_rom(harness);
	test_refusals(harness);
	test_denied(harness);
	test_not_opened(harness);
	test_no_place(harness);
	test_not_silenced(harness);
}
