/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "fake_xen.h"

static struct fake fake;

/* Each key of the toolstack, made wrong; the error names it. What it does not touch goes on. */
static void
test_toolstack(struct harness *harness)
{
	static const struct {
		const char *key, *value, *error, *state, *other;
	} cases[] = {
		{ "num_devs", "x", "/num_devs is 'x'", "1", "1" },
		{ "num_devs", "-1", "/num_devs is '-1'", "1", "1" },
		{ "num_devs", "65", "/num_devs is '65'", "1", "1" },
		{ "num_devs", "99999999999", "/num_devs is '99999999999'", "1", "1" },
		{ "num_devs", NULL, "/num_devs is ''", "1", "1" },
		{ "frontend", "/local/domain/2/device/pci/0", "/frontend is '/local/domain/2", "1", "1" },
		{ "frontend", NULL, "/frontend is '', not the guest's own directory", "1", "1" },
		{ "online", "2", "/online is '2'", "1", "1" },
		{ "state", "9", "/state is '9'", "9", "1" },
		{ "dev-0", "0000:03:00.8", "/dev-0 is '0000:03:00.8'", "3", "3" },
		{ "dev-0", "03:00", "/dev-0 is '03:00'", "3", "3" },
		{ "dev-0", "03:00.0", "/dev-0 is '03:00.0', no address such as", "3", "3" },
		{ "dev-0", "", "/dev-0 is ''", "3", "3" },
		{ "dev-0", NULL, "/dev-0 can't be read", "3", "3" },
		{ "dev-0", "0000:03:01.0", "/dev-1 names 0000:03:01.0 a second time", "3", "1" },
		{ "state-0", "one", "/state-0 is 'one', no state", "3", "3" },
		{ "opts-0", "permissive=2", "/opts-0 is 'permissive=2', where permissive would be 0 or 1, "
		    "rdm_policy strict or relaxed, and allow no-iommu, ", "3", "3" },
		{ "opts-0", "rdm_policy=lax", "/opts-0 is 'rdm_policy=lax'", "3", "3" },
		{ "opts-0", "a,permissive=10", "/opts-0 is 'a,permissive=10'", "3", "3" },
		{ "opts-0", "permissive=", "/opts-0 is 'permissive='", "3", "3" },
		{ "opts-0", "irq=255", "/opts-0 is 'irq=255'", "3", "3" },
		{ "opts-0", "irq=0", "/opts-0 is 'irq=0'", "3", "3" },
		{ "opts-0", "irq=0020", "/opts-0 is 'irq=0020'", "3", "3" },
		{ "opts-0", "allow=no-reset+all", "/opts-0 is 'allow=no-reset+all'", "3", "3" },
		{ "opts-0", "allow=no-reset+no-reset+no-reset+no-reset+no-reset+no-reset+no-reset+no-reset", "/opts-0 is 'allow=no-", "3",
		    "3" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pciback_guest *guest;

		fake_init(&fake);
		fake_create(&fake, 1, 9, 0);
		fake_remove(&fake, 1, "");
		fake_run(&fake);
		/* All of it before anybody looks. */
		fake.backend.stopping = true;
		fake_create(&fake, 1, 0, 2);
		if (cases[i].value == NULL)
			fake_remove(&fake, 1, cases[i].key);
		else
			fake_write(&fake, 1, cases[i].key, cases[i].value);
		fake.backend.stopping = false;
		fake_run(&fake);
		guest = pciback_backend_find(&fake.backend, 1);
		CHECK(guest != NULL && strstr(guest->message, cases[i].error) != NULL);
		if (guest != NULL && strstr(guest->message, cases[i].error) == NULL)
			CHECK_TEXT(guest->message, cases[i].error);
		CHECK_TEXT(fake_read(&fake, 1, "state"), cases[i].state);
		CHECK_TEXT(fake_read(&fake, 1, "state-1"), cases[i].other);
		CHECK(fake_end(&fake));
	}

	/* A value longer than any. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_write(&fake, 1, "num_devs", "000000000000000000000000000000000000000000000000000000000000"
	    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000001");
	fake_run(&fake);
	CHECK(strstr(fake.xen.line, "/num_devs") != NULL);
	/* What is held stays, and the error is said once. */
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake.xen.n_lines = 0;
	fake_write(&fake, 1, "domain", "x");
	fake_run(&fake);
	CHECK_NUMBER(fake.xen.n_lines, 0);
	/* Mended, it goes on. */
	fake_write(&fake, 1, "num_devs", "1");
	fake_frontend(&fake, 1, true);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK(fake_end(&fake));

	/* A key of a device that is held, overwritten with rubbish: the device stays. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_write(&fake, 1, "dev-0", "rubbish");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	CHECK(fake_end(&fake));

	/* permissive=1 reaches the device. */
	fake_init(&fake);
	fake_create(&fake, 1, 9, 0);
	fake_write(&fake, 1, "dev-0", "0000:03:00.0");
	fake_write(&fake, 1, "opts-0", "msitranslate=0,permissive=1");
	fake_write(&fake, 1, "num_devs", "1");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK(fake.slots[0].device.settings.permissive);
	CHECK(fake_end(&fake));
}

/* Longer than any value may be. */
static const char long_state[] =
    "4444444444444444444444444444444444444444444444444444444444444444444444444444444444444444"
    "4444444444444444444444444444444444444444444444444444444444444444444444444444444444444444";

/* Everything below the frontend's directory is hostile. */
static void
test_frontend(struct harness *harness)
{
	static const char *const states[] = { "", "9", "x", "44", "-4", "4 ",
		long_state };
	static const struct {
		const char *key, *value, *words;
	} keys[] = {
		{ "/pci-op-ref", "", "its frontend names no page and event channel: '', '11'" },
		{ "/pci-op-ref", "4294967296", "names no page and event channel: '4294967296', '11'" },
		{ "/pci-op-ref", "-9", "names no page and event channel: '-9', '11'" },
		{ "/pci-op-ref", "9x", "names no page and event channel: '9x', '11'" },
		{ "/pci-op-ref", "10", "its page 10 can't be mapped" },
		{ "/event-channel", "0", "its event channel 0 can't be bound" },
		{ "/event-channel", "eleven", "names no page and event channel: '9', 'eleven'" },
		{ "/event-channel", "99999999999999999999", "channel: '9', '9999999999999999'" },
		{ "/magic", "8", "its frontend speaks another protocol: '8'" },
		{ "/magic", "", "its frontend speaks another protocol: ''" },
		{ "/magic", "77", "its frontend speaks another protocol: '77'" },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		fake_init(&fake);
		fake_create(&fake, 1, 0, 1);
		fake_frontend(&fake, 1, true);
		fake.now += 1000;
		fake_write(&fake, 1, "/state", states[i]);
		fake_run(&fake);
		CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
		CHECK(fake_said(&fake, "domain 1: its frontend's state is none: '"));
		fake_write(&fake, 1, "/state", "6");
		fake_run(&fake);
		CHECK_TEXT(fake_read(&fake, 1, "state"), "6");
		CHECK(fake_end(&fake));
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		fake_init(&fake);
		fake_create(&fake, 1, 0, 1);
		fake_write(&fake, 1, "/pci-op-ref", "9");
		fake_write(&fake, 1, "/event-channel", "11");
		fake_write(&fake, 1, "/magic", "7");
		fake_write(&fake, 1, keys[i].key, keys[i].value);
		fake_write(&fake, 1, "/state", "3");
		fake_run(&fake);
		CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
		CHECK(fake_said(&fake, keys[i].words));
		CHECK_NUMBER(fake_held(&fake, "page", 0) + fake_held(&fake, "event", 0), 0);
		/* It may try again. */
		fake_frontend(&fake, 1, false);
		CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
		CHECK(fake_end(&fake));
	}
	/* Without a magic [NetBSD]. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_write(&fake, 1, "/pci-op-ref", "9");
	fake_write(&fake, 1, "/event-channel", "11");
	fake_write(&fake, 1, "/state", "3");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK(fake_end(&fake));
}

/* XSA-43: a line a second, whatever a guest writes. */
static void
test_xsa_43(struct harness *harness)
{
	char value[8];

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake.xen.n_lines = 0;
	for (unsigned i = 0; i < 300; i++) {
		(void)snprintf(value, sizeof(value), "z%u", i);
		fake_write(&fake, 1, "/state", value);
		fake_pass(&fake, 10);
	}
	CHECK(fake.xen.n_lines >= 2 && fake.xen.n_lines <= 4);
	CHECK(strstr(fake.xen.line, "lines dropped") != NULL);
	CHECK(fake_end(&fake));
}

void
test_guest_look(struct harness *harness)
{
	test_toolstack(harness);
	test_frontend(harness);
	test_xsa_43(harness);
}
