/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/platform.h>

#include <errno.h>
#include <time.h>

uint64_t
pciback_clock(void)
{
	struct timespec clock;

	(void)clock_gettime(CLOCK_MONOTONIC, &clock);
	return (uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_nsec / 1000000;
}

uint64_t
pciback_work(void)
{
	struct timespec work = { .tv_sec = 0 };

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &work) < 0)
		return 0;
	return (uint64_t)work.tv_sec * 1000000 + (uint64_t)work.tv_nsec / 1000;
}

void
pciback_pause(void *world, unsigned milliseconds)
{
	struct timespec rest = {
		.tv_sec = (time_t)(milliseconds / 1000),
		.tv_nsec = (long)(milliseconds % 1000) * 1000000,
	};

	(void)world;
	while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
		continue;
}
