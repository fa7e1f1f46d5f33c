/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_LIMIT_H
#define PCIBACK_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* How often something may happen: a bucket of `burst` that fills with `per_second`. */
struct pciback_limit {
	uint32_t per_second;
	uint32_t burst;
	uint64_t credit;		/* thousandths of one time */
	uint64_t updated;		/* milliseconds */
};

/* A full bucket. Both numbers are at least 1; times are milliseconds of a clock that never goes
 * back. */
void pciback_limit_init(struct pciback_limit *limit, uint32_t per_second, uint32_t burst,
    uint64_t now);

/* What one time costs; one passes each millisecond for each time a second. */
#define PCIBACK_LIMIT_COST UINT64_C(1000)

/* Whether it may happen once more now; if so, it is counted. Inline, since every request asks. */
static inline bool
pciback_limit_take(struct pciback_limit *limit, uint64_t now)
{
	if (now > limit->updated) {
		uint64_t passed = now - limit->updated, full = limit->burst * PCIBACK_LIMIT_COST;

		/* After that long the bucket is full in any case, and the product can't overflow. */
		if (passed > full)
			passed = full;
		limit->credit += passed * limit->per_second;
		if (limit->credit > full)
			limit->credit = full;
		limit->updated = now;
	}
	if (limit->credit < PCIBACK_LIMIT_COST)
		return false;
	limit->credit -= PCIBACK_LIMIT_COST;
	return true;
}

#endif
