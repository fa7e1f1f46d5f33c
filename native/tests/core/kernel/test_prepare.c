/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "kernel_fixture.h"

static struct kernel_fixture fixture;
static struct pciback_kernel_files files[2];
static const struct pciback_address addresses[] = { { .device = 4 }, { .device = 5 } };

static int
prepare_as(const struct pciback_wanted *devices, size_t n)
{
	fixture.message[0] = '\0';
	return pciback_kernel_prepare(&fixture.fake.backend, &fixture.host, devices, n, files, fixture.message);
}

static int
prepare(size_t n)
{
	return prepare_as(kernel_cards, n);
}

#define ZEROS "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

/* The files that Xen 4.17's xl gave two cards of a NetBSD 11.0_RC6 dom0 with. */
static void
test_files(struct harness *harness)
{
	const struct fake_xen *xen = &fixture.fake.xen;

	kernel_fixture_init(&fixture);
	CHECK_NUMBER(prepare(2), 0);
	CHECK_TEXT(files[0].resource, "0x00000000feb80000 0x00000000feb9ffff 0x0000000000000200\n"
	    "0x000000000000c140 0x000000000000c17f 0x0000000000000101\n" ZEROS ZEROS ZEROS ZEROS ZEROS);
	CHECK_TEXT(files[0].irq, "20\n");
	CHECK_TEXT(files[1].resource, "0x00000000feba0000 0x00000000febbffff 0x0000000000000200\n"
	    "0x000000000000c180 0x000000000000c1bf 0x0000000000000101\n" ZEROS ZEROS ZEROS ZEROS ZEROS);
	CHECK_TEXT(files[1].irq, "21\n");
	/* dom0 may give the interrupts away, and a guest reads them; nobody has the cards. */
	CHECK_NUMBER(fake_held(&fixture.fake, "pirq", PCIBACK_DOMAIN_SELF), 2);
	CHECK_NUMBER(xen->n_grants, 2);
	CHECK_NUMBER(xen->devices[1].config[0x3c], 21);
	CHECK(xen->devices[0].is_in_quarantine && xen->devices[0].n_resets == 1 && !xen->devices[0].is_open);
	CHECK_NUMBER(xen->n_errors, 0);
}

/* 64 bits take two lines, and the ROM is the last (XSA-476). */
static void
test_wide(struct harness *harness)
{
	struct fake_device *device = &fixture.fake.xen.devices[0];

	kernel_fixture_init(&fixture);
	device->bars[1] = (struct pciback_resource){ .kind = PCIBACK_RESOURCE_NONE };
	device->bars[2] = (struct pciback_resource){ PCIBACK_RESOURCE_MEM64, true, UINT64_C(0x380000000000), UINT64_C(0x200000000) };
	device->rom = (struct pciback_resource){ PCIBACK_RESOURCE_MEM32, false, 0xfea00000, 0x10000 };
	device->config[0x3d] = 0;
	CHECK_NUMBER(prepare(1), 0);
	CHECK_TEXT(files[0].resource, "0x00000000feb80000 0x00000000feb9ffff 0x0000000000000200\n" ZEROS
	    "0x0000380000000000 0x00003801ffffffff 0x0000000000000200\n" ZEROS ZEROS ZEROS
	    "0x00000000fea00000 0x00000000fea0ffff 0x0000000000000200\n");
	CHECK_NUMBER(strlen(files[0].resource), PCIBACK_KERNEL_RESOURCE - 1);
	CHECK_TEXT(files[0].irq, "");
	CHECK_NUMBER(fixture.fake.xen.n_grants, 0);
}

/* What the kernel does not tell any more, the owner may state; and which device it is to be. */
static void
test_stated(struct harness *harness)
{
	struct pciback_wanted device = kernel_cards[0];

	kernel_fixture_init(&fixture);
	fixture.interrupt_error = -ENOENT;
	device.irq = 22;
	CHECK_NUMBER(prepare_as(&device, 1), 0);
	CHECK_TEXT(files[0].irq, "22\n");
	CHECK_NUMBER(fixture.fake.xen.devices[0].config[0x3c], 22);
	CHECK_NUMBER(fake_held(&fixture.fake, "pirq", PCIBACK_DOMAIN_SELF), 1);
	kernel_fixture_init(&fixture);
	device.has_id = true;
	device.identity.vendor = 0x1234;
	CHECK(prepare_as(&device, 1) < 0);
	CHECK_NUMBER(fixture.fake.xen.devices[0].n_resets, 0);
}

static void
test_failures(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fixture.fake.xen.refuses = "pirq";
	CHECK_NUMBER(prepare(2), -EPERM);
	CHECK_TEXT(fixture.message, "0000:00:04.0 has interrupt 20, which Xen does not map for dom0: Operation not permitted");
	CHECK(!fixture.fake.xen.devices[0].is_in_quarantine && !fixture.fake.xen.devices[1].is_open);
	for (size_t i = 1;; i++) {
		kernel_fixture_init(&fixture);
		fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + i;
		if (prepare(2) == 0) {
			CHECK(i > 10);
			break;
		}
		CHECK(fixture.message[0] != '\0');
		CHECK(!fixture.fake.xen.devices[0].is_open && !fixture.fake.xen.devices[1].is_open);
		CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
	}
}

static void
test_unused(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	CHECK_NUMBER(pciback_kernel_check_unused(&fixture.fake.backend, addresses, 2, fixture.message), 0);
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
	CHECK_NUMBER(pciback_kernel_check_unused(&fixture.fake.backend, addresses + 1, 1, fixture.message), -EBUSY);
	CHECK_NUMBER(prepare(2), -EBUSY);
}

void
test_kernel_prepare(struct harness *harness)
{
	test_files(harness);
	test_wide(harness);
	test_stated(harness);
	test_failures(harness);
	test_unused(harness);
}
