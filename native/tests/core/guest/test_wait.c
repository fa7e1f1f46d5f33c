/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <limits.h>

#include "../../../core/guest/wait.h"

void
test_guest_wait(struct harness *harness)
{
	CHECK_NUMBER(pciback_wait_shorter(3, 5), 3);
	CHECK_NUMBER(pciback_wait_shorter(5, 3), 3);
	CHECK_NUMBER(pciback_wait_shorter(-1, 3), 3);
	CHECK_NUMBER(pciback_wait_shorter(3, -1), 3);
	CHECK_NUMBER(pciback_wait_shorter(-1, -1), -1);
	CHECK_NUMBER(pciback_wait_shorter(0, 3), 0);
	CHECK_NUMBER(pciback_wait_until(100, 150), 50);
	CHECK_NUMBER(pciback_wait_until(100, 100), 0);
	CHECK_NUMBER(pciback_wait_until(150, 100), 0);
	CHECK_NUMBER(pciback_wait_until(0, UINT64_MAX), INT_MAX);
}
