/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "harness.h"

#include <errno.h>

#include "prepared_fixture.h"

static const struct pciback_address first = { .device = 4 }, second = { .bus = 3, .function = 1 };
static char message[PCIBACK_PLATFORM_MESSAGE];

static int
write_both(const char *irq)
{
	const struct pciback_prepared devices[] = {
		{ .address = first, .resource = "BARs of the first\n", .irq = irq },
		{ .address = second, .resource = "BARs of the second\n", .irq = "" },
	};

	message[0] = '\0';
	return pciback_prepared_write(PREPARED_ROOT, devices, 2, message);
}

/* Everything of it goes with the last device, and nothing else. */
static void
test_make_and_remove(struct harness *harness)
{
	struct stat status;

	CHECK(prepared_begin());
	CHECK(prepared_put(PREPARED_ROOT "/other", "kept"));
	CHECK_NUMBER(pciback_prepared_check(PREPARED_ROOT, message), 0);
	CHECK(stat(PREPARED_ROOT "/sys", &status) < 0);
	CHECK_NUMBER(write_both("20\n"), 0);
	CHECK_TEXT(prepared_get(DEVICES "/0000:00:04.0/resource"), "BARs of the first\n");
	CHECK_TEXT(prepared_get(DEVICES "/0000:00:04.0/irq"), "20\n");
	CHECK_TEXT(prepared_get(DEVICES "/0000:03:00.1/resource"), "BARs of the second\n");
	CHECK_TEXT(prepared_get(DEVICES "/0000:03:00.1/irq"), "(none)");
	CHECK_TEXT(prepared_get(PREPARED_ROOT "/sys/.xen-pciback"), "# pcibackctl prepare has made all of this directory; "
	    "pcibackctl unprepare removes it.\n0000:00:04.0\n0000:03:00.1\n");
	CHECK_NUMBER(pciback_prepared_check(PREPARED_ROOT, message), 0);
	/* Again, without an interrupt. */
	CHECK_NUMBER(write_both(""), 0);
	CHECK_TEXT(prepared_get(DEVICES "/0000:00:04.0/irq"), "(none)");
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, &first, 1, message), 0);
	CHECK(stat(DEVICES "/0000:00:04.0", &status) < 0);
	CHECK_TEXT(prepared_get(DEVICES "/0000:03:00.1/resource"), "BARs of the second\n");
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, &first, 1, message), -ENOENT);
	CHECK_TEXT(message, PREPARED_ROOT "/sys has no files of 0000:00:04.0 that pcibackctl prepare has made");
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, &second, 1, message), 0);
	CHECK(lstat(PREPARED_ROOT "/sys", &status) < 0);
	CHECK_TEXT(prepared_get(PREPARED_ROOT "/other"), "kept");
	CHECK(unlink(PREPARED_ROOT "/other") == 0 && rmdir(PREPARED_ROOT) == 0);
}

/* All of them or none. */
static void
test_remove_none(struct harness *harness)
{
	const struct pciback_address both[] = { first, { .device = 9 } };

	CHECK(prepared_begin());
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, both, 1, message), -ENOENT);
	CHECK_NUMBER(write_both("20\n"), 0);
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, both, 2, message), -ENOENT);
	CHECK_TEXT(prepared_get(DEVICES "/0000:00:04.0/irq"), "20\n");
}

/* A process that ended at any place left it so, and it goes on from there. */
static void
test_half_done(struct harness *harness)
{
	struct stat status;

	CHECK(prepared_begin());
	CHECK(mkdir(PREPARED_ROOT "/sys.xen-pciback", 0700) == 0);
	CHECK(prepared_put(PREPARED_ROOT "/sys.xen-pciback/.xen-pciback.new", "# half"));
	CHECK_NUMBER(write_both("20\n"), 0);
	/* Files that were about to be replaced; a device of which nothing was made, or all was removed. */
	CHECK(prepared_put(DEVICES "/0000:00:04.0/resource.new", "half"));
	CHECK(prepared_put(DEVICES "/0000:00:04.0/irq.new", ""));
	CHECK(prepared_put(PREPARED_ROOT "/sys/.xen-pciback.new", "# half"));
	CHECK(unlink(DEVICES "/0000:03:00.1/resource") == 0 && rmdir(DEVICES "/0000:03:00.1") == 0);
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, &second, 1, message), 0);
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, &first, 1, message), 0);
	CHECK(lstat(PREPARED_ROOT "/sys", &status) < 0);
	/* It said what it would make, and made nothing. */
	CHECK(mkdir(PREPARED_ROOT "/sys", 0700) == 0);
	CHECK(prepared_put(PREPARED_ROOT "/sys/.xen-pciback", "0000:00:04.0\n"));
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, &first, 1, message), 0);
	CHECK(lstat(PREPARED_ROOT "/sys", &status) < 0);
}

static void
test_no_room(struct harness *harness)
{
	static struct pciback_prepared devices[PCIBACK_PREPARED_MAX + 1];

	for (unsigned i = 0; i <= PCIBACK_PREPARED_MAX; i++)
		devices[i] = (struct pciback_prepared){ .address = { .bus = (uint8_t)(i / 32), .device = (uint8_t)(i % 32) },
		    .resource = "", .irq = "" };
	CHECK(prepared_begin());
	CHECK_NUMBER(pciback_prepared_write(PREPARED_ROOT, devices, PCIBACK_PREPARED_MAX + 1, message), -ENOSPC);
	CHECK_TEXT(message, PREPARED_ROOT "/sys has files of as many devices as there can be");
	CHECK_NUMBER(pciback_prepared_write(PREPARED_ROOT, devices, PCIBACK_PREPARED_MAX, message), 0);
	CHECK_NUMBER(pciback_prepared_check(PREPARED_ROOT, message), 0);
	CHECK_NUMBER(write_both(""), -ENOSPC);
	CHECK(system("rm -rf " PREPARED_ROOT) == 0);
}

void
test_prepared(struct harness *harness)
{
	test_make_and_remove(harness);
	test_remove_none(harness);
	test_half_done(harness);
	test_no_room(harness);
}
