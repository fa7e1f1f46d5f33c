/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "wait.h"

#include <limits.h>

int
pciback_wait_shorter(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

int
pciback_wait_until(uint64_t now, uint64_t then)
{
	if (then <= now)
		return 0;
	return then - now > INT_MAX ? INT_MAX : (int)(then - now);
}
