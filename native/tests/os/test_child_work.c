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

#include <unistd.h>

#include <pciback/platform.h>

#include "../../os/child.h"

void
test_os_child_work(struct harness *harness)
{
	uint64_t before = child_work(getpid()), until = pciback_work() + 3000;

	CHECK_NUMBER(child_work(0), 0);
#if defined(__linux__)
	while (pciback_work() < until)
		continue;
	CHECK(child_work(getpid()) >= before + 3000);
	CHECK(child_work(getpid()) < before + 60000000);
#else
	(void)until;
	CHECK(child_work(getpid()) >= before);
#endif
}
