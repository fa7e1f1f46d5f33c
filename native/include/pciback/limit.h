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
	int64_t credit;			/* thousandths of one time; below 0 for what was spent in advance */
	uint64_t updated;		/* milliseconds */
};

/* A full bucket. Both numbers are at least 1; times are milliseconds of a clock that never goes
 * back. */
void pciback_limit_init(struct pciback_limit *limit, uint32_t per_second, uint32_t burst,
    uint64_t now);

/* What one time costs; one passes each millisecond for each time a second. */
#define PCIBACK_LIMIT_COST INT64_C(1000)

/* Whether it may happen once more now. Inline, as the next, since every request asks. */
static inline bool
pciback_limit_has(struct pciback_limit *limit, uint64_t now)
{
	if (now > limit->updated) {
		int64_t full = limit->burst * PCIBACK_LIMIT_COST;
		uint64_t missing = (uint64_t)(full - limit->credit), passed = now - limit->updated;

		/* Compared first, so that the product can't overflow. */
		if (passed > missing / limit->per_second)
			limit->credit = full;
		else
			limit->credit += (int64_t)(passed * limit->per_second);
		limit->updated = now;
	}
	return limit->credit >= PCIBACK_LIMIT_COST;
}

/* The same; and if so, it is counted. */
static inline bool
pciback_limit_take(struct pciback_limit *limit, uint64_t now)
{
	if (!pciback_limit_has(limit, now))
		return false;
	limit->credit -= PCIBACK_LIMIT_COST;
	return true;
}

/* Counts what has happened `n` times, also beyond the limit: it is then full later, but never is the
 * debt more than a bucket. */
void pciback_limit_spend(struct pciback_limit *limit, uint64_t n);

#endif
