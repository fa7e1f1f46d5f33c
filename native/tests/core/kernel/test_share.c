/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "kernel_fixture.h"

static struct kernel_fixture fixture;

/* Domain 2 has the second card, and domain 1 wants the first. */
static void
begin(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fake_put(&fixture.fake, "/local/domain/2/name", "gC");
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 2, kernel_cards + 1, 1, fixture.message), 0);
}

static void
test_line_of_another_guest(struct harness *harness)
{
	begin(harness);
	fixture.interrupts[0] = 21;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), -EBUSY);
	CHECK_TEXT(fixture.message, "0000:00:04.0 has its interrupt line in common with 0000:00:05.0, which another guest has; see "
	    "--allow");
	CHECK_NUMBER(fake_held(&fixture.fake, NULL, 1), 0);
	fixture.fake.backend.allow = PCIBACK_ALLOW_SHARED_PAGE;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), -EBUSY);
	fixture.fake.backend.allow = PCIBACK_ALLOW_SHARED_IRQ;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), 0);
	fixture.fake.backend.allow = 0;
	/* Once that guest is gone, and the kernel through with it, its card shares nothing. */
	begin(harness);
	fixture.interrupts[0] = 21;
	fake_write(&fixture.fake, 2, "state", "6");
	fixture.fake.xen.life[2] = PCIBACK_LIFE_GONE;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), 0);
}

/* What the kernel tells no more of the other card is what was stated when its guest got it, or may be any line. */
static void
test_untold_line_of_another_guest(struct harness *harness)
{
	struct pciback_wanted first = kernel_cards[0], second = kernel_cards[1];

	kernel_fixture_init(&fixture);
	fake_put(&fixture.fake, "/local/domain/2/name", "gC");
	fixture.interrupt_error = -ENOENT;
	first.irq = second.irq = 22;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 2, &second, 1, fixture.message), 0);
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &first, 1, fixture.message), -EBUSY);
	CHECK_TEXT(fixture.message, "0000:00:04.0 has its interrupt line in common with 0000:00:05.0, which another guest has; see "
	    "--allow");
	CHECK_NUMBER(fake_held(&fixture.fake, NULL, 1), 0);
	first.irq = 23;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &first, 1, fixture.message), 0);

	begin(harness);
	fixture.interrupt_error = -ENOENT;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &first, 1, fixture.message), -EBUSY);
	CHECK_TEXT(fixture.message, "0000:00:04.0 has perhaps its interrupt line (the other's is not told any more) in common with "
	    "0000:00:05.0, which another guest has; see --allow");
	first.allow = PCIBACK_ALLOW_SHARED_IRQ;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &first, 1, fixture.message), 0);
}

/* One that has no line can share none, and one that nobody has disturbs nobody. */
static void
test_no_line(struct harness *harness)
{
	struct pciback_wanted first = kernel_cards[0];

	kernel_fixture_init(&fixture);
	fake_put(&fixture.fake, "/local/domain/2/name", "gC");
	fixture.fake.xen.devices[1].config[0x3d] = 0;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 2, kernel_cards + 1, 1, fixture.message), 0);
	fixture.interrupt_error = -ENOENT;
	first.irq = 22;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &first, 1, fixture.message), 0);
	kernel_fixture_init(&fixture);
	fixture.interrupt_error = -ENOENT;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &first, 1, fixture.message), 0);
}

static void
test_page_of_another_guest(struct harness *harness)
{
	begin(harness);
	fixture.fake.xen.devices[0].bars[2] = (struct pciback_resource){ PCIBACK_RESOURCE_MEM32, false, 0xfea00000, 0x100 };
	fixture.fake.xen.devices[1].bars[2] = (struct pciback_resource){ PCIBACK_RESOURCE_MEM32, false, 0xfea00f00, 0x100 };
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), -EBUSY);
	CHECK_TEXT(fixture.message, "0000:00:04.0 has a page of its memory in common with 0000:00:05.0, which another guest has; see "
	    "--allow");
	fixture.fake.backend.allow = PCIBACK_ALLOW_SHARED_PAGE;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), 0);
	fixture.fake.backend.allow = 0;
}

/* It is allowed for a device, or for one that its guest trusts. */
static void
test_allowed_for_one(struct harness *harness)
{
	struct pciback_wanted device = kernel_cards[0];

	begin(harness);
	fixture.interrupts[0] = 21;
	device.allow = PCIBACK_ALLOW_SHARED_IRQ;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &device, 1, fixture.message), 0);
}

/* One guest may have both, and one that nobody has disturbs nobody. */
static void
test_of_the_same_guest(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fixture.interrupts[0] = 21;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
	kernel_fixture_init(&fixture);
	fixture.interrupts[0] = 21;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), 0);
}

static void
test_nobody_knows(struct harness *harness)
{
	begin(harness);
	fixture.visit_error = -EIO;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), -EIO);
	CHECK_TEXT(fixture.message, "0000:00:04.0 can't be compared with other hidden devices: Input/output error");
	CHECK(!fixture.fake.xen.devices[0].is_open);
}

void
test_kernel_share(struct harness *harness)
{
	test_line_of_another_guest(harness);
	test_untold_line_of_another_guest(harness);
	test_no_line(harness);
	test_page_of_another_guest(harness);
	test_allowed_for_one(harness);
	test_of_the_same_guest(harness);
	test_nobody_knows(harness);
}
