/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if !defined(__linux__) && !defined(__NetBSD__)

#include "watchdog.h"

#include <errno.h>

int
watchdog_set(uint32_t number, uint32_t seconds)
{
	(void)number;
	(void)seconds;
	return -ENOSYS;
}

int
watchdog_identify(char ret_boot[PCIBACK_TRIAL_BOOT])
{
	(void)ret_boot;
	return -ENOSYS;
}

void
watchdog_play(char **argv)
{
	(void)argv;
}

#else

/* ISO C wants something in every file. */
typedef int watchdog_none_is_empty;

#endif
