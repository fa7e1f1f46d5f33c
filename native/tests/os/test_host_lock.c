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
	CHECK_NUMBER(pciback_host_lock_take("build/nothing/lock", &holder), -ENOENT);
	CHECK_NUMBER(pciback_host_lock_take("/dev/null", &holder), -EINVAL);
	CHECK_NUMBER(symlink("test-host.lock", LINK), 0);
	CHECK(pciback_host_lock_take(LINK, &holder) < 0);
	CHECK_NUMBER(unlink(LINK), 0);
	CHECK_NUMBER(unlink(PATH), 0);
}
