/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _XOPEN_SOURCE 700

#include "harness.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <pciback/record.h>

#define PATH	"build/test-record"
#define OTHER	"build/test-record.other"

static struct pciback_record_store store;

/* What one process writes another one reads; where nobody wrote are zeros. */
static void
test_outlives(struct harness *harness)
{
	char bytes[8] = "........";

	(void)unlink(PATH);
	CHECK_NUMBER(pciback_record_open(PATH, &store), 0);
	CHECK_NUMBER(store.operations->write(store.world, 8192, "written", 8), 0);
	pciback_record_close(&store);
	CHECK(store.operations == NULL);
	pciback_record_close(&store);
	CHECK_NUMBER(pciback_record_open(PATH, &store), 0);
	CHECK_NUMBER(store.operations->read(store.world, 8192, bytes, 8), 0);
	CHECK_TEXT(bytes, "written");
	CHECK_NUMBER(store.operations->read(store.world, 0, bytes, 8), 0);
	CHECK(memcmp(bytes, "\0\0\0\0\0\0\0\0", 8) == 0);
	CHECK_NUMBER(store.operations->read(store.world, 100000, bytes, 8), 0);
	CHECK(memcmp(bytes, "\0\0\0\0\0\0\0\0", 8) == 0);
	pciback_record_close(&store);
}

/* One of another boot, of another program, or that was discarded, is empty. */
static void
test_empty(struct harness *harness)
{
	char bytes[8] = "";

	for (unsigned i = 0; i < 2; i++) {
		(void)unlink(PATH);
		CHECK_NUMBER(pciback_record_open(PATH, &store), 0);
		CHECK_NUMBER(store.operations->write(store.world, 0, "written", 8), 0);
		if (i == 0) {
			store.operations->discard(store.world);
		} else {
			int fd = open(PATH, O_WRONLY);

			CHECK(fd >= 0 && pwrite(fd, "x", 1, 33) == 1 && close(fd) == 0);
		}
		pciback_record_close(&store);
		CHECK_NUMBER(pciback_record_open(PATH, &store), 0);
		CHECK_NUMBER(store.operations->read(store.world, 0, bytes, 8), 0);
		CHECK_TEXT(bytes, "");
		pciback_record_close(&store);
	}
}

/* What others may write, or a link leads to, is nobody's record. */
static void
test_refused(struct harness *harness)
{
	(void)unlink(PATH);
	(void)unlink(OTHER);
	CHECK_NUMBER(pciback_record_open(PATH, &store), 0);
	pciback_record_close(&store);
	CHECK_NUMBER(chmod(PATH, 0620), 0);
	CHECK_NUMBER(pciback_record_open(PATH, &store), -EPERM);
	CHECK_NUMBER(chmod(PATH, 0600), 0);
	CHECK_NUMBER(link(PATH, OTHER), 0);
	CHECK_NUMBER(pciback_record_open(PATH, &store), -EPERM);
	CHECK_NUMBER(unlink(OTHER), 0);
	CHECK_NUMBER(symlink("test-record", OTHER), 0);
	CHECK_NUMBER(pciback_record_open(OTHER, &store), -EPERM);
	(void)unlink(OTHER);
	(void)unlink(PATH);
	CHECK_NUMBER(mkfifo(PATH, 0600), 0);
	CHECK_NUMBER(pciback_record_open(PATH, &store), -EPERM);
	(void)unlink(PATH);
	CHECK_NUMBER(pciback_record_open("build/no/such/directory", &store), -ENOENT);
}

void
test_record_file(struct harness *harness)
{
	test_outlives(harness);
	test_empty(harness);
	test_refused(harness);
	(void)unlink(PATH);
}
