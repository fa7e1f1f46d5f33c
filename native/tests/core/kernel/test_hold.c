/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "kernel_fixture.h"

#include "../../../core/kernel/hold.h"

static struct kernel_fixture fixture;

static int
hold(unsigned number)
{
	return pciback_kernel_hold(&fixture.fake.backend, &fixture.host, &kernel_cards[number], fixture.message);
}

static const struct pciback_slot *
slot_of(unsigned number)
{
	return pciback_backend_taken(&fixture.fake.backend, &kernel_cards[number].address);
}

/* The firmware's number is nobody's: the kernel's counts, and is written when it is asked for. */
static void
test_own_line(struct harness *harness)
{
	const struct fake_device *device = &fixture.fake.xen.devices[0];

	kernel_fixture_init(&fixture);
	CHECK_NUMBER(hold(0), 0);
	CHECK_NUMBER(slot_of(0)->settings.interrupt_line, 20);
	CHECK_NUMBER(device->config[0x3c], 10);
	CHECK(device->is_in_quarantine && device->n_resets == 1);
	CHECK_NUMBER(pciback_kernel_write_line(slot_of(0), fixture.message), 0);
	CHECK_NUMBER(device->config[0x3c], 20);
	CHECK_NUMBER(device->config[0x3d], 1);
	pciback_kernel_let_go(&fixture.fake.backend);
	CHECK(slot_of(0) == NULL && !device->is_in_quarantine && !device->is_open);
	CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
}

/* What the kernel has said is right; the word can only agree with it. */
static void
test_stated_line(struct harness *harness)
{
	struct pciback_wanted wanted = kernel_cards[0];

	kernel_fixture_init(&fixture);
	wanted.irq = 10;
	CHECK_NUMBER(pciback_kernel_hold(&fixture.fake.backend, &fixture.host, &wanted, fixture.message), -EINVAL);
	CHECK_TEXT(fixture.message, "0000:00:04.0 has interrupt 20, as the system itself says, which irq=10 contradicts: leave irq out");
	CHECK(slot_of(0) == NULL && !fixture.fake.xen.devices[0].is_open);
	wanted.irq = 20;
	CHECK_NUMBER(pciback_kernel_hold(&fixture.fake.backend, &fixture.host, &wanted, fixture.message), 0);
	CHECK_NUMBER(slot_of(0)->settings.interrupt_line, 20);
	pciback_kernel_let_go(&fixture.fake.backend);
	CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
}

/* Where the kernel tells none any more, the owner's word counts, of a device that has a line. */
static void
test_untold_line(struct harness *harness)
{
	struct pciback_wanted wanted = kernel_cards[0];

	kernel_fixture_init(&fixture);
	fixture.interrupt_error = -ENOENT;
	CHECK_NUMBER(hold(0), -ENOENT);
	CHECK_TEXT(fixture.message, "0000:00:04.0 has an interrupt that the kernel's messages of this boot don't tell any more; boot "
	    "once more, and keep /var/run/dmesg.boot, or state it with irq=");
	CHECK(slot_of(0) == NULL && !fixture.fake.xen.devices[0].is_open);
	wanted.irq = 22;
	CHECK_NUMBER(pciback_kernel_hold(&fixture.fake.backend, &fixture.host, &wanted, fixture.message), 0);
	CHECK_NUMBER(slot_of(0)->settings.interrupt_line, 22);
	CHECK_NUMBER(pciback_kernel_write_line(slot_of(0), fixture.message), 0);
	CHECK_NUMBER(fixture.fake.xen.devices[0].config[0x3c], 22);
	pciback_kernel_let_go(&fixture.fake.backend);
	/* That it can't be asked is no silence. */
	fixture.interrupt_error = -EIO;
	CHECK_NUMBER(pciback_kernel_hold(&fixture.fake.backend, &fixture.host, &wanted, fixture.message), -EIO);
	fixture.interrupt_error = -ENOENT;
	fixture.fake.xen.devices[0].config[0x3d] = 0;
	CHECK_NUMBER(pciback_kernel_hold(&fixture.fake.backend, &fixture.host, &wanted, fixture.message), -EINVAL);
	CHECK_TEXT(fixture.message, "0000:00:04.0 has no interrupt line that irq=22 could be: leave irq out");
	CHECK(slot_of(0) == NULL && !fixture.fake.xen.devices[0].is_open);
	CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
}

static void
test_dead(struct harness *harness)
{
	struct pciback_device_settings settings = { .address = kernel_cards[0].address };

	kernel_fixture_init(&fixture);
	settings.handle = &fixture.fake.xen.devices[0];
	fixture.fake.xen.devices[0].read_error = -ENXIO;
	CHECK_NUMBER(pciback_kernel_find_line(&fixture.fake.backend, &fixture.host, &settings, 0, fixture.message), -ENXIO);
	CHECK_TEXT(fixture.message, "0000:00:04.0 doesn't tell its interrupt pin: No such device or address");
}

static int
refuse_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	(void)world;
	(void)handle;
	(void)offset;
	(void)size;
	(void)value;
	return -EIO;
}

static void
test_write_fails(struct harness *harness)
{
	struct pciback_operations operations;

	kernel_fixture_init(&fixture);
	CHECK_NUMBER(hold(1), 0);
	operations = *fixture.fake.backend.hardware.operations;
	operations.config_write = refuse_write;
	fixture.fake.backend.hardware.operations = &operations;
	CHECK_NUMBER(pciback_kernel_write_line(slot_of(1), fixture.message), -EIO);
	CHECK_TEXT(fixture.message, "0000:00:05.0 doesn't take its interrupt's number: Input/output error");
}

void
test_kernel_hold(struct harness *harness)
{
	test_own_line(harness);
	test_stated_line(harness);
	test_untold_line(harness);
	test_dead(harness);
	test_write_fails(harness);
}
