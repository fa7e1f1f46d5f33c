/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "child.h"

#if defined(__linux__)

#include <time.h>

uint64_t
child_work(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (pid == 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

#elif defined(__NetBSD__)

#include <sys/param.h>
#include <sys/sysctl.h>

uint64_t
child_work(pid_t pid)
{
	int name[] = { CTL_KERN, KERN_PROC2, KERN_PROC_PID, (int)pid, (int)sizeof(struct kinfo_proc2), 1 };
	struct kinfo_proc2 process;
	size_t size = sizeof(process);

	if (pid == 0 || sysctl(name, sizeof(name) / sizeof(name[0]), &process, &size, NULL, 0) < 0 ||
	    size != sizeof(process))
		return 0;
	return (uint64_t)process.p_rtime_sec * 1000000 + process.p_rtime_usec;
}

#else

uint64_t
child_work(pid_t pid)
{
	(void)pid;
	return 0;
}

#endif
