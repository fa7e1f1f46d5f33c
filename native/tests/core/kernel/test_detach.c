/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "kernel_fixture.h"

static struct kernel_fixture fixture;
static struct pciback_address had[PCIBACK_ENTRIES_MAX];
static size_t n_had;

static int
detach(uint16_t domain)
{
	fixture.message[0] = '\0';
	return pciback_kernel_detach(&fixture.fake.backend, &fixture.host, domain, had, &n_had, fixture.message);
}

/* Domain 1 has two cards, and its backend is in a state. */
static void
begin(struct harness *harness, const char *state, enum pciback_life life)
{
	kernel_fixture_init(&fixture);
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
	kernel_state(&fixture, state);
	fixture.fake.xen.life[1] = life;
}

static void
check_refused(struct harness *harness, int error, const char *message)
{
	CHECK_NUMBER(detach(1), error);
	CHECK_TEXT(fixture.message, message);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "2");
	CHECK_NUMBER(fixture.fake.xen.n_grants, 10);
}

/* Whatever would make the kernel panic, or take devices from under a guest. */
static void
test_refusals(struct harness *harness)
{
	static const char *const before[] = { "1", "2", "3", "x" };

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		begin(harness, before[i], PCIBACK_LIFE_RUNNING);
		check_refused(harness, -EBUSY, "domain 1 has not connected yet, and dom0's kernel would panic; let its kernel find "
		    "the devices, then shut it down");
		begin(harness, before[i], PCIBACK_LIFE_GONE);
		check_refused(harness, -EBUSY, "domain 1 is gone and had never connected: its nodes stay until the next boot, "
		    "because dom0's kernel panics when they go");
	}
	begin(harness, "4", PCIBACK_LIFE_RUNNING);
	check_refused(harness, -EBUSY, "domain 1 uses its devices, and the kernel's backend can't take them from it; shut the "
	    "domain down first");
	begin(harness, "5", PCIBACK_LIFE_STOPPED);
	check_refused(harness, -EBUSY, "domain 1 uses its devices, and the kernel's backend can't take them from it; shut the "
	    "domain down first");
	begin(harness, "6", PCIBACK_LIFE_RUNNING);
	check_refused(harness, -EPERM, "domain 1 lives, and may have its devices' memory mapped still; shut it down, or allow "
	    "kept-mappings if you trust it");
	begin(harness, "4", PCIBACK_LIFE_GONE);
	check_refused(harness, -ETIMEDOUT, "domain 1 is gone, and the kernel's backend has not let go of it within 15 seconds; try "
	    "once more");
	CHECK_NUMBER(detach(2), -ENOENT);
	CHECK_TEXT(fixture.message, "domain 2 has no devices of the kernel's backend");
}

/* What it had is Xen's to take back; its nodes go. */
static void
test_gone(struct harness *harness)
{
	size_t n_order;

	begin(harness, "6", PCIBACK_LIFE_GONE);
	n_order = fixture.fake.xen.n_order;
	CHECK_NUMBER(detach(1), 0);
	CHECK_NUMBER(n_had, 2);
	CHECK_NUMBER(had[1].device, 5);
	CHECK_NUMBER(fixture.fake.xen.n_order, n_order);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "(none)");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "/state"), "(none)");
	CHECK_NUMBER(detach(1), -ENOENT);
}

static void
close_at_last(void *world, unsigned milliseconds)
{
	static unsigned waited;

	(void)world;
	waited += milliseconds;
	if (waited == 12000)
		kernel_state(&fixture, "6");
}

/* As the kernel was seen to do it after 12 seconds. */
static void
test_wait(struct harness *harness)
{
	begin(harness, "4", PCIBACK_LIFE_GONE);
	fixture.fake.backend.hardware.pause = close_at_last;
	CHECK_NUMBER(detach(1), 0);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "(none)");
}

/* One that has shut down, and is kept. */
static void
test_stopped(struct harness *harness)
{
	begin(harness, "6", PCIBACK_LIFE_STOPPED);
	fixture.fake.xen.devices[0].config[4] |= 4;
	fixture.fake.xen.devices[0].config[0x3c] = 99;	/* whatever the guest has written there */
	fixture.fake.xen.n_order = 0;
	CHECK_NUMBER(detach(1), 0);
	CHECK_TEXT(fixture.message, "");
	/* Each in the reverse order of what it was granted. */
	CHECK_TEXT(fixture.fake.xen.order, "-r-p-o-o-d-r-p-o-o-d");
	CHECK_NUMBER(fixture.fake.xen.n_grants, 0);
	CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
	CHECK_NUMBER(fixture.fake.xen.devices[0].config[4], 3);
	CHECK(!fixture.fake.xen.devices[0].is_open);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "(none)");
}

/* What was stated when it was given is what is taken back, whatever the kernel tells by then. */
static void
test_stated(struct harness *harness)
{
	static const int errors[] = { -ENOENT, 0 };
	struct pciback_wanted device = kernel_cards[0];

	device.irq = 22;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		kernel_fixture_init(&fixture);
		fixture.interrupt_error = -ENOENT;
		CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &device, 1, fixture.message), 0);
		CHECK_NUMBER(fake_held(&fixture.fake, "irq", 1), 1);
		CHECK_NUMBER(fixture.fake.xen.devices[0].config[0x3c], 22);
		kernel_state(&fixture, "6");
		fixture.fake.xen.life[1] = PCIBACK_LIFE_STOPPED;
		fixture.interrupt_error = errors[i];
		CHECK_NUMBER(detach(1), 0);
		CHECK_NUMBER(fake_held(&fixture.fake, NULL, 1), 0);
		CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
	}
}

/* The next guest gets what a live one gave back, if the owner trusts it. */
static void
test_live(struct harness *harness)
{
	begin(harness, "6", PCIBACK_LIFE_RUNNING);
	fixture.fake.backend.allow = PCIBACK_ALLOW_KEPT_MAPPINGS;
	CHECK_NUMBER(detach(1), 0);
	CHECK_NUMBER(fixture.fake.xen.n_grants, 0);
	CHECK_NUMBER(kernel_attach(&fixture, 1, 1), 0);
	fixture.fake.backend.allow = 0;
}

/* 64 bits of an address are taken back as they were given (XSA-476), and what two cards share goes with the last. */
static void
test_wide_and_shared(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fixture.interrupts[1] = 20;
	for (unsigned i = 0; i < 2; i++)
		fixture.fake.xen.devices[i].bars[2] = (struct pciback_resource){ PCIBACK_RESOURCE_MEM64, true,
		    UINT64_C(0x380000000000) + i * 0x100u, 0x100 };
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
	CHECK_NUMBER(fixture.fake.xen.n_grants, 9);
	kernel_state(&fixture, "6");
	fixture.fake.xen.life[1] = PCIBACK_LIFE_STOPPED;
	CHECK_NUMBER(detach(1), 0);
	CHECK_NUMBER(fixture.fake.xen.n_grants, 0);
	CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
}

static void
test_failures(struct harness *harness)
{
	begin(harness, "6", PCIBACK_LIFE_STOPPED);
	fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + 1;
	check_refused(harness, -EIO, "whether domain 1 has closed can't be seen: Input/output error");
	begin(harness, "6", PCIBACK_LIFE_STOPPED);
	fixture.fake.xen.cant_open = -EBUSY;
	check_refused(harness, -EBUSY, "0000:00:04.0 can't be opened to take it back: Device or resource busy");
	begin(harness, "6", PCIBACK_LIFE_STOPPED);
	fixture.fake.xen.devices[1].read_error = -EIO;
	check_refused(harness, -EIO, "0000:00:05.0 can't be kept from writing to memory: Input/output error");
	begin(harness, "6", PCIBACK_LIFE_STOPPED);
	fixture.interrupt_error = -ENOENT;
	check_refused(harness, -ENOENT, "0000:00:04.0 can't be taken back: the kernel's messages of this boot don't tell its "
	    "interrupt any more; destroy the domain, then detach");
	fixture.fake.xen.life[1] = PCIBACK_LIFE_GONE;
	CHECK_NUMBER(detach(1), 0);
	begin(harness, "6", PCIBACK_LIFE_STOPPED);
	fixture.fake.backend.n_slots = 1;
	check_refused(harness, -ENOSPC, "domain 1 has more devices than there is room for");
	begin(harness, "6", PCIBACK_LIFE_STOPPED);
	fixture.fake.xen.keeps = "iomem";
	fixture.fake.xen.keeps_of = 1;
	CHECK_NUMBER(detach(1), -EPERM);
	CHECK_TEXT(fixture.message, "domain 1 keeps some of what it has of its devices: Xen does not take it back; destroy the "
	    "domain");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "2");
	CHECK(!fixture.fake.xen.devices[0].is_open && !fixture.fake.xen.devices[1].is_open);
	begin(harness, "6", PCIBACK_LIFE_GONE);
	fixture.fake.xen.was_stale = true;
	CHECK_NUMBER(detach(1), -ESTALE);
	CHECK_TEXT(fixture.message, "the nodes of domain 1 can't be removed: somebody else has just written to them");
	for (size_t i = 1;; i++) {
		begin(harness, "6", PCIBACK_LIFE_STOPPED);
		fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + i;
		if (detach(1) == 0) {
			CHECK(i > 10);
			break;
		}
		CHECK(fixture.message[0] != '\0');
		CHECK_TEXT(fake_read(&fixture.fake, 1, "state"), "6");
		CHECK(!fixture.fake.xen.devices[0].is_open && !fixture.fake.xen.devices[1].is_open);
	}
}

void
test_kernel_detach(struct harness *harness)
{
	test_refusals(harness);
	test_gone(harness);
	test_wait(harness);
	test_stopped(harness);
	test_stated(harness);
	test_live(harness);
	test_wide_and_shared(harness);
	test_failures(harness);
}
