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

#include "../../os/prepared_tree.h"
#include "prepared_fixture.h"

static const struct pciback_address address = { .device = 4 };
static char message[PCIBACK_PLATFORM_MESSAGE];

/* Neither written to nor removed. */
static void
check_left_alone(struct harness *harness, const char *what)
{
	const struct pciback_prepared device = { .address = address, .resource = "x", .irq = "x" };
	char expected[sizeof(message)];

	(void)snprintf(expected, sizeof(expected), PREPARED_ROOT "/sys %s", what);
	message[0] = '\0';
	CHECK_NUMBER(pciback_prepared_check(PREPARED_ROOT, message), -EEXIST);
	CHECK_TEXT(message, expected);
	CHECK_NUMBER(pciback_prepared_write(PREPARED_ROOT, &device, 1, message), -EEXIST);
	CHECK_NUMBER(pciback_prepared_remove(PREPARED_ROOT, &address, 1, message), -EEXIST);
	CHECK_TEXT(message, expected);
}

static void
test_somebody_elses(struct harness *harness)
{
	CHECK(prepared_begin());
	CHECK(symlink("/usr/src/sys", PREPARED_ROOT "/sys") == 0);
	check_left_alone(harness, "is somebody else's: it is a link or a file");
	CHECK(unlink(PREPARED_ROOT "/sys") == 0);
	CHECK(mkdir(PREPARED_ROOT "/sys", 0755) == 0);
	check_left_alone(harness, "is somebody else's: it has no file .xen-pciback");
	/* Nor is a marker followed. */
	CHECK(prepared_put(PREPARED_ROOT "/marker", "0000:00:04.0\n"));
	CHECK(symlink("../marker", PREPARED_ROOT "/sys/.xen-pciback") == 0);
	check_left_alone(harness, "is left alone: .xen-pciback in it is not as pcibackctl prepare writes it");
	CHECK(system("rm -rf " PREPARED_ROOT) == 0);
	CHECK_NUMBER(pciback_prepared_check(PREPARED_ROOT, message), -ENOENT);
	CHECK_TEXT(message, PREPARED_ROOT "/sys can't be found, because there is no directory that it could be in: No such file or "
	    "directory");
}

/* Ours, with something in it that is not. */
static void
test_strange_entries(struct harness *harness)
{
	static const struct {
		const char *command, *name;
	} cases[] = {
		{ "touch " PREPARED_ROOT "/sys/notes", "notes" },
		{ "touch " PREPARED_ROOT "/sys/bus/.hidden", ".hidden" },
		{ "mkdir " PREPARED_ROOT "/sys/bus/usb", "usb" },
		{ "mkdir " DEVICES "/0000:00:05.0", "0000:00:05.0" },
		{ "mkdir " DEVICES "/0000:00:04", "0000:00:04" },
		{ "touch " DEVICES "/0000:00:04.0/config", "config" },
		{ "mkdir " DEVICES "/0000:00:04.0/irq", "irq" },
		{ "ln -s /etc/passwd " DEVICES "/0000:00:04.0/irq", "irq" },
		{ "rm -r " DEVICES "; ln -s / " DEVICES, "devices" },
		{ "rm -r " PREPARED_ROOT "/sys/bus; touch " PREPARED_ROOT "/sys/bus", "bus" },
	};
	const struct pciback_prepared device = { .address = address, .resource = "x", .irq = "" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char what[120];

		CHECK(prepared_begin());
		CHECK_NUMBER(pciback_prepared_write(PREPARED_ROOT, &device, 1, message), 0);
		CHECK(system(cases[i].command) == 0);
		(void)snprintf(what, sizeof(what), "is left alone: it holds '%s', which pcibackctl prepare has not made",
		    cases[i].name);
		check_left_alone(harness, what);
	}
}

static void
test_strange_marker(struct harness *harness)
{
	static const char *const texts[] = { "0000:00:04.0 \n", "\n", "0000:00:04.0\n04\n", "../../etc\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CHECK(prepared_begin());
		CHECK(mkdir(PREPARED_ROOT "/sys", 0755) == 0);
		CHECK(prepared_put(PREPARED_ROOT "/sys/.xen-pciback", texts[i]));
		check_left_alone(harness, "is left alone: .xen-pciback in it is not as pcibackctl prepare writes it");
	}
}

static void
test_what_it_has(struct harness *harness)
{
	static struct prepared_tree tree;

	CHECK(prepared_begin());
	CHECK_NUMBER(prepared_tree_open(PREPARED_ROOT, &tree, message), 0);
	CHECK(tree.fd < 0 && tree.n == 0 && !prepared_tree_has(&tree, &address));
	prepared_tree_close(&tree);
	CHECK(mkdir(PREPARED_ROOT "/sys", 0755) == 0);
	CHECK(prepared_put(PREPARED_ROOT "/sys/.xen-pciback", "# comment\n0000:00:04.0"));
	CHECK_NUMBER(prepared_tree_open(PREPARED_ROOT, &tree, message), 0);
	CHECK(tree.fd >= 0 && tree.n == 1 && prepared_tree_has(&tree, &address));
	errno = EROFS;
	CHECK_NUMBER(prepared_tree_fail_with_errno(&tree, "written to"), -EROFS);
	CHECK_TEXT(message, PREPARED_ROOT "/sys can't be written to: Read-only file system");
	tree.root = "/";
	CHECK_NUMBER(prepared_tree_fail(&tree, -EEXIST, "is somebody else's: a file system is mounted there"), -EEXIST);
	CHECK_TEXT(message, "/sys is somebody else's: a file system is mounted there");
	prepared_tree_close(&tree);
	CHECK(tree.fd < 0 && tree.root_fd < 0);
	CHECK(system("rm -rf " PREPARED_ROOT) == 0);
}

void
test_prepared_tree(struct harness *harness)
{
	test_somebody_elses(harness);
	test_strange_entries(harness);
	test_strange_marker(harness);
	test_what_it_has(harness);
}
