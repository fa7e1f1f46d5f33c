/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/limit.h>

void
pciback_limit_init(struct pciback_limit *limit, uint32_t per_second, uint32_t burst, uint64_t now)
{
	*limit = (struct pciback_limit){
		.per_second = per_second,
		.burst = burst,
		.credit = burst * PCIBACK_LIMIT_COST,
		.updated = now,
	};
}

void
pciback_limit_spend(struct pciback_limit *limit, uint64_t n)
{
	/* Together two buckets at most, whatever the credit is. */
	if (n > UINT64_C(2) * limit->burst)
		n = UINT64_C(2) * limit->burst;
	limit->credit -= (int64_t)n * PCIBACK_LIMIT_COST;
	if (limit->credit < -(limit->burst * PCIBACK_LIMIT_COST))
		limit->credit = -(limit->burst * PCIBACK_LIMIT_COST);
}
