/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _DEFAULT_SOURCE
#endif

#include <pciback/platform.h>

#include <sys/resource.h>

#include <errno.h>

#define HIGHEST (-20)			/* the nicest to this process, on Linux and NetBSD alike */

#if defined(__linux__) && defined(RLIMIT_RTTIME)

#include <sys/syscall.h>

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LOWEST_REAL_TIME 1

/* C libraries other than GNU's refuse to set it without asking the kernel. */
static int
set_class(int class, int priority)
{
	struct sched_param parameter;

	memset(&parameter, 0, sizeof(parameter));
	parameter.sched_priority = priority;
	return (int)syscall(SYS_sched_setscheduler, 0, class, &parameter);
}

/* Goes on with what is left, the priority below the real-time class. */
static void
on_no_rest(int signal_number)
{
	int error = errno;

	(void)signal_number;
	(void)set_class(SCHED_OTHER, 0);
	errno = error;
}

/* The brake comes first: without it the class is not entered. */
static void
enter_real_time(void)
{
	struct sigaction action;
	struct rlimit longest = { .rlim_cur = PCIBACK_LONGEST_WITHOUT_REST, .rlim_max = RLIM_INFINITY };

	memset(&action, 0, sizeof(action));
	action.sa_handler = on_no_rest;
	action.sa_flags = SA_RESTART;
	if (sigaction(SIGXCPU, &action, NULL) == 0 && setrlimit(RLIMIT_RTTIME, &longest) == 0)
		(void)set_class(SCHED_RR, LOWEST_REAL_TIME);
}

#else

static void
enter_real_time(void)
{
}

#endif

int
pciback_raise_priority(void)
{
	if (setpriority(PRIO_PROCESS, 0, HIGHEST) < 0)
		return -errno;
	enter_real_time();
	return 0;
}
