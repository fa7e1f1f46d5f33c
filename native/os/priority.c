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

#include <sys/resource.h>

#include <errno.h>

#define HIGHEST (-20)			/* the nicest to this process, on Linux and NetBSD alike */

int
pciback_raise_priority(void)
{
	return setpriority(PRIO_PROCESS, 0, HIGHEST) < 0 ? -errno : 0;
}
