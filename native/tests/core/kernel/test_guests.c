/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "kernel_fixture.h"

static struct kernel_fixture fixture;
static char seen[200];

/* "1 running 3: 04 05; " */
static void
note(void *context, const struct pciback_kernel_guest *guest)
{
	static const char *const lives[] = { "running", "stopped", "gone" };
	size_t length = strlen(seen);

	(void)context;
	length += (size_t)snprintf(seen + length, sizeof(seen) - length, "%u %s %d:", (unsigned)guest->domain,
	    lives[guest->life], (int)guest->state);
	for (size_t i = 0; i < guest->n; i++)
		length += (size_t)snprintf(seen + length, sizeof(seen) - length, " %02x", (unsigned)guest->addresses[i].device);
	(void)snprintf(seen + length, sizeof(seen) - length, "; ");
}

static int
look(void)
{
	seen[0] = '\0';
	return pciback_kernel_guests(&fixture.fake.backend, note, NULL, fixture.message);
}

void
test_kernel_guests(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	CHECK_NUMBER(look(), 0);
	CHECK_TEXT(seen, "");
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
	fake_write(&fixture.fake, 7, "state", "6");
	fake_write(&fixture.fake, 0, "state", "6");
	fixture.fake.xen.life[7] = PCIBACK_LIFE_GONE;
	CHECK_NUMBER(look(), 0);
	CHECK_TEXT(seen, "1 running 3: 04 05; 7 gone 6:; ");
	for (size_t i = 2; i <= 4; i++) {
		fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + i;
		CHECK_NUMBER(look(), -EIO);
		CHECK_TEXT(fixture.message, "nothing can be said of domain 1: Input/output error");
	}
}
