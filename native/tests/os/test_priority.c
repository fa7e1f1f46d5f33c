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

#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <pciback/platform.h>

/* In a process of its own: 0 when it runs first now, 1 when it says that it may not. */
static int
try_in_child(void)
{
	int status = -1;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		int r = pciback_raise_priority(), now = getpriority(PRIO_PROCESS, 0);

		if (r == 0)
			_exit(now == -20 ? 0 : 2);
		_exit((r == -EACCES || r == -EPERM) && now != -20 ? 1 : 3);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

void
test_priority(struct harness *harness)
{
	int result = try_in_child();

	CHECK(result == 0 || result == 1);
}
