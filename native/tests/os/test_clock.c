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

#include <time.h>

#include <pciback/platform.h>

void
test_clock(struct harness *harness)
{
	const struct timespec wait = { .tv_nsec = 20 * 1000 * 1000 };
	uint64_t before = pciback_clock(), work = pciback_work();

	CHECK_NUMBER(nanosleep(&wait, NULL), 0);
	CHECK(pciback_clock() >= before + 20);
	/* A process that sleeps does no work. */
	CHECK(pciback_work() < work + 15000);
	before = pciback_clock();
	work = pciback_work();
	while (pciback_work() < work + 5000 && pciback_clock() < before + 60000)
		continue;
	CHECK(pciback_work() >= work + 5000);
}
