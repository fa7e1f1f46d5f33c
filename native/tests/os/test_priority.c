/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _DEFAULT_SOURCE
#endif

#include "harness.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>

#include <sched.h>
#endif

#include <pciback/platform.h>

#define LONGEST_TEST	20000	/* milliseconds */
#define NOBODY		65534

/* Whether this process is in the real-time class. */
static bool
is_real_time(void)
{
#if defined(__linux__)
	return syscall(SYS_sched_getscheduler, 0) == SCHED_RR;
#else
	return false;
#endif
}

/* Computes, without waiting for anything, until the class is left; or longer than that may take. It has no
 * right to choose a class by then, as pcibackd. */
static bool
is_braked(void)
{
	uint64_t begin = pciback_clock();

	if (setuid(NOBODY) < 0)
		return false;

	while (is_real_time() && pciback_clock() - begin < LONGEST_TEST)
		continue;
	return !is_real_time() && getpriority(PRIO_PROCESS, 0) == -20;
}

/* Waits as often as one that serves does, for longer in all than one may go without. */
static bool
stays_when_it_rests(void)
{
	bool is_in = is_real_time();

	for (int i = 0; i < 8; i++) {
		uint64_t begin = pciback_work();

		while (pciback_work() - begin < PCIBACK_LONGEST_WITHOUT_REST / 5)
			continue;
		pciback_pause(NULL, 1);
	}
	return is_real_time() == is_in;
}

/* In a process of its own: 0 when it runs first now, 1 when it says that it may not. */
static int
raise_priority(void)
{
	int r = pciback_raise_priority(), now = getpriority(PRIO_PROCESS, 0);

	if (r < 0)
		return (r == -EACCES || r == -EPERM) && now != -20 && !is_real_time() ? 1 : 3;
	if (now != -20)
		return 2;
	if (!stays_when_it_rests())
		return 4;
	return is_braked() ? 0 : 5;
}

static int
try_in_child(void)
{
	int status = -1;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(raise_priority());
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
