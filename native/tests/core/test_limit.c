/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <pciback/limit.h>

/* What is counted afterwards, as time is. */
static void
test_spend(struct harness *harness)
{
	struct pciback_limit limit;

	pciback_limit_init(&limit, 250, 1000, 0);
	CHECK(pciback_limit_has(&limit, 0));
	pciback_limit_spend(&limit, 999);
	CHECK(pciback_limit_has(&limit, 0));
	pciback_limit_spend(&limit, 11);
	CHECK(!pciback_limit_has(&limit, 43));
	CHECK(pciback_limit_has(&limit, 44));
	/* However much it was, after so long there is a time again. */
	pciback_limit_spend(&limit, UINT64_MAX);
	CHECK(!pciback_limit_has(&limit, 44 + 4003));
	CHECK(pciback_limit_has(&limit, 44 + 4004));
	CHECK(pciback_limit_has(&limit, UINT64_MAX));
	pciback_limit_init(&limit, 1, UINT32_MAX, 0);
	pciback_limit_spend(&limit, UINT64_MAX);
	CHECK(!pciback_limit_has(&limit, UINT32_MAX));
}

void
test_limit(struct harness *harness)
{
	struct pciback_limit limit;
	unsigned n = 0;

	pciback_limit_init(&limit, 10, 3, 1000);
	for (unsigned i = 0; i < 5; i++)
		CHECK(pciback_limit_take(&limit, 1000) == (i < 3));
	CHECK(!pciback_limit_take(&limit, 1099));
	CHECK(pciback_limit_take(&limit, 1100));
	CHECK(!pciback_limit_take(&limit, 1100));
	CHECK(!pciback_limit_take(&limit, 500));	/* a clock that went back */
	CHECK(pciback_limit_take(&limit, 1200));
	while (n < 10 && pciback_limit_take(&limit, UINT64_MAX))
		n++;
	CHECK_NUMBER(n, 3);
	pciback_limit_init(&limit, UINT32_MAX, UINT32_MAX, 0);
	CHECK(pciback_limit_take(&limit, UINT64_MAX));
	CHECK(pciback_limit_take(&limit, UINT64_MAX));
	test_spend(harness);
}
