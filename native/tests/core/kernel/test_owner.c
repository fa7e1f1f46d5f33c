/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "kernel_fixture.h"

#include "../../../core/kernel/owner.h"

static struct kernel_fixture fixture;

static int
check(unsigned number)
{
	fixture.message[0] = '\0';
	return pciback_kernel_check_owner(&fixture.fake.backend, &kernel_cards[number].address,
	    fixture.fake.backend.allow, fixture.message);
}

static void
give(uint16_t domain, const char *state)
{
	fake_write(&fixture.fake, domain, "state", state);
	fake_write(&fixture.fake, domain, "num_devs", "1");
	fake_write(&fixture.fake, domain, "dev-0", "0000:00:04.0");
}

static void
test_owned(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	CHECK_NUMBER(check(0), 0);
	give(7, "4");
	CHECK_NUMBER(check(0), -EBUSY);
	CHECK_TEXT(fixture.message, "0000:00:04.0 is domain 7's still, whose backend is in state 4; shut that domain down, and "
	    "destroy it once it has closed");
	CHECK_NUMBER(check(1), 0);
	/* Gone, and the kernel has not noticed. */
	fixture.fake.xen.life[7] = PCIBACK_LIFE_GONE;
	CHECK_NUMBER(check(0), -EBUSY);
	fake_write(&fixture.fake, 7, "state", "6");
	CHECK_NUMBER(check(0), 0);
	/* A state that can't be read, or none. */
	fake_write(&fixture.fake, 7, "state", "closed");
	CHECK_NUMBER(check(0), -EBUSY);
	fake_remove(&fixture.fake, 7, "state");
	CHECK_NUMBER(check(0), -EBUSY);
}

/* A domain that lives keeps what it has mapped. */
static void
test_kept_mappings(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	give(7, "6");
	CHECK_NUMBER(check(0), -EBUSY);
	fixture.fake.xen.life[7] = PCIBACK_LIFE_STOPPED;
	CHECK_NUMBER(check(0), -EBUSY);
	fixture.fake.backend.allow = PCIBACK_ALLOW_KEPT_MAPPINGS;
	CHECK_NUMBER(check(0), 0);
	fake_write(&fixture.fake, 7, "state", "4");
	CHECK_NUMBER(check(0), -EBUSY);
	fixture.fake.backend.allow = 0;
	fake_write(&fixture.fake, 7, "state", "6");
	CHECK_NUMBER(pciback_kernel_check_owner(&fixture.fake.backend, &kernel_cards[0].address, PCIBACK_ALLOW_KEPT_MAPPINGS,
	    fixture.message), 0);
}

static void
test_stated_irq(struct harness *harness)
{
	uint8_t irq = 77;

	kernel_fixture_init(&fixture);
	give(7, "6");
	fake_write(&fixture.fake, 7, "opts-0", "irq=20");
	fixture.fake.xen.life[7] = PCIBACK_LIFE_GONE;
	give(8, "4");
	fake_write(&fixture.fake, 8, "opts-0", "permissive=0,irq=21");
	CHECK_NUMBER(pciback_kernel_find_owner(&fixture.fake.backend, &kernel_cards[0].address, 0, &irq, fixture.message), -EBUSY);
	CHECK_NUMBER(irq, 21);
	fake_remove(&fixture.fake, 8, "opts-0");
	CHECK_NUMBER(pciback_kernel_find_owner(&fixture.fake.backend, &kernel_cards[0].address, 0, &irq, fixture.message), -EBUSY);
	CHECK_NUMBER(irq, 0);
	CHECK_NUMBER(pciback_kernel_find_owner(&fixture.fake.backend, &kernel_cards[1].address, 0, &irq, fixture.message), 0);
}

static void
test_failures(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	give(7, "6");
	fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + 1;
	CHECK_NUMBER(check(0), -EIO);
	CHECK_TEXT(fixture.message, "xenstore does not tell which domains have devices: Input/output error");
	for (unsigned i = 2; i <= 4; i++) {
		fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + i;
		CHECK_NUMBER(check(0), -EIO);
		CHECK_TEXT(fixture.message, "what domain 7 has of the kernel's backend can't be read: Input/output error");
	}
	/* More than there can be is no reason to look at some of them only. */
	fixture.fake.backend.max_domains = 1;
	give(8, "6");
	CHECK_NUMBER(check(0), -E2BIG);
}

void
test_kernel_owner(struct harness *harness)
{
	test_owned(harness);
	test_kept_mappings(harness);
	test_stated_irq(harness);
	test_failures(harness);
}
