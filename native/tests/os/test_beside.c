/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>

#include <pciback/beside.h>

/* What becomes of the one that is there, the programs show that are started with doubles. */
void
test_beside(struct harness *harness)
{
	char name[] = "/usr/sbin/pcibackctl";
	char *arguments[] = { name, NULL };

	CHECK_NUMBER(pciback_beside_become("no-program-of-ours", arguments), -ENOENT);
}
