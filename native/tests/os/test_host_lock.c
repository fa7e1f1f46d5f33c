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

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <pciback/host_lock.h>

#define PATH	"build/test-host.lock"
#define LINK	"build/test-host.link"

/* What another process gets: 1 the lock, 2 the number of this one, 0 anything else. */
static int
take_elsewhere(void)
{
	int status = 0;
	pid_t own = getpid(), child = fork();

	if (child == 0) {
		long holder = -1;
		int r = pciback_host_lock_take(PATH, &holder);

		_exit(r == 0 ? 1 : r == -EBUSY && holder == (long)own ? 2 : 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* What another process is told that waits for this one. */
static void
test_wait_elsewhere(struct harness *harness)
{
	char message[PCIBACK_PLATFORM_MESSAGE] = "", expected[sizeof(message)];
	int pipes[2], status = 0;
	ssize_t n;
	pid_t child;

	CHECK(pipe(pipes) == 0);
	child = fork();
	if (child == 0) {
		int r = pciback_host_lock_wait(PATH, 100, message);

		n = write(pipes[1], message, sizeof(message));
		_exit(r == -EBUSY && n == (ssize_t)sizeof(message) ? 0 : 1);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	n = read(pipes[0], message, sizeof(message));
	(void)snprintf(expected, sizeof(expected), "process %ld gives out devices of this host, and still has " PATH " locked",
	    (long)getpid());
	CHECK(n == (ssize_t)sizeof(message));
	CHECK_TEXT(message, expected);
	CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0);
	CHECK_NUMBER(pciback_host_lock_wait("/dev/null", 100, message), -EINVAL);
	CHECK_TEXT(message, "/dev/null, which keeps others from giving out devices, can't be locked: Invalid argument");
}

void
test_host_lock(struct harness *harness)
{
	long holder = -1;

	(void)unlink(PATH);
	(void)unlink(LINK);
	/* A process that has ended holds nothing. */
	CHECK_NUMBER(take_elsewhere(), 1);
	CHECK_NUMBER(pciback_host_lock_take(PATH, &holder), 0);
	CHECK_NUMBER(take_elsewhere(), 2);
	test_wait_elsewhere(harness);
	CHECK_NUMBER(pciback_host_lock_take("build/nothing/lock", &holder), -ENOENT);
	CHECK_NUMBER(pciback_host_lock_take("/dev/null", &holder), -EINVAL);
	CHECK_NUMBER(symlink("test-host.lock", LINK), 0);
	CHECK(pciback_host_lock_take(LINK, &holder) < 0);
	CHECK_NUMBER(unlink(LINK), 0);
	CHECK_NUMBER(unlink(PATH), 0);
}
