/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <pciback/backend.h>

#include "fake_xen.h"

static struct fake fake;

static bool
is_zero(const void *memory, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((const uint8_t *)memory)[i] != 0)
			return false;
	return true;
}

/* Of two guests, their devices and a job, nothing is left. */
void
test_guest_forget(struct harness *harness)
{
	fake_init_recorded(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 2, 1);
	fake.jobs[1] = (struct pciback_job){ .kind = PCIBACK_JOB_DETACH, .domain = 9, .n = 1 };
	CHECK(!is_zero(fake.guests, sizeof(fake.guests)) && !is_zero(fake.slots, sizeof(fake.slots)));
	CHECK(!is_zero(fake.domains, sizeof(fake.domains)));
	pciback_backend_forget(&fake.backend);
	CHECK(is_zero(fake.guests, sizeof(fake.guests)) && is_zero(fake.slots, sizeof(fake.slots)));
	CHECK(is_zero(fake.domains, sizeof(fake.domains)) && is_zero(fake.jobs, sizeof(fake.jobs)));
	CHECK(is_zero(&fake.backend, sizeof(fake.backend)));
}
