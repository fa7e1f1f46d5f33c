/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _XOPEN_SOURCE 700

#include "harness.h"

#if defined(__linux__)

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "../../os/reset_process.h"

#define PATH	"build/test-reset"

/* Until it has ended. */
static int
run(struct reset_process *process, const char *path)
{
	int r;

	while ((r = reset_process_run(process, path)) > 0)
		(void)nanosleep(&(struct timespec){ .tv_nsec = (long)r * 1000000 }, NULL);
	return r;
}

/* The write is made once, and its error is told. */
static void
test_writes(struct harness *harness)
{
	struct reset_process process = { .is_running = false };
	char text[4] = "";
	int fd = open(PATH, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_NUMBER(run(&process, PATH), 0);
	CHECK_NUMBER((int)read(fd, text, sizeof(text)), 1);
	CHECK_TEXT(text, "1");
	CHECK(!process.is_running);
	(void)close(fd);
	(void)unlink(PATH);
	CHECK_NUMBER(run(&process, PATH), -ENOENT);
	CHECK_NUMBER(run(&process, "/dev/full"), -ENOSPC);
	CHECK(!process.is_running);
}

/* A pipe that is full takes nothing before somebody reads: so long the process waits, and nobody else. */
static void
test_waits(struct harness *harness)
{
	static char bytes[4096];
	struct reset_process process = { .is_running = false };
	int fd;

	(void)unlink(PATH);
	CHECK_NUMBER(mkfifo(PATH, 0600), 0);
	fd = open(PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	CHECK(fd >= 0);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		continue;
	for (unsigned i = 0; i < 3; i++)
		CHECK(reset_process_run(&process, PATH) > 0);
	CHECK(process.is_running);
	while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
		continue;
	CHECK_NUMBER(run(&process, PATH), 0);
	/* One that nobody looks at any more ends by itself. */
	CHECK(reset_process_run(&process, PATH) > 0);
	reset_process_leave(&process);
	CHECK(!process.is_running);
	reset_process_leave(&process);
	(void)close(fd);
	(void)unlink(PATH);
}

void
test_reset_process(struct harness *harness)
{
	test_writes(harness);
	test_waits(harness);
}

#else

/* This file is for Linux. */
void
test_reset_process(struct harness *harness)
{
	(void)harness;
}

#endif
