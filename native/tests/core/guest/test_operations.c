/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>

#include "../../../core/guest/operations.h"
#include "fake_xen.h"

static struct fake fake;

static void
connect_linux(unsigned first, unsigned n)
{
	fake_init(&fake);
	fake_create(&fake, 1, first, n);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "/state", "4");
	fake_run(&fake);
}

/* XSA-157, XSA-237, XSA-356: MSIs in any order, each mapped and unmapped once, also when one of
 * many fails; and all of them go with the device, which is silent before. */
static void
test_msi(struct harness *harness)
{
	static const uint32_t commands[] = { PCIBACK_ENABLE_MSI, PCIBACK_DISABLE_MSI,
		PCIBACK_ENABLE_MSIX, PCIBACK_DISABLE_MSIX };
	uint32_t value, random = 1;
	size_t n_calls;

	connect_linux(0, 1);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, &value), PCIBACK_DONE);
	CHECK_NUMBER(value, 1000);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 1);
	CHECK_NUMBER(fake.xen.devices[0].config[0x52] & 1, 1);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, &value), PCIBACK_FAILED);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_DISABLE_MSI, 0, 0, 0, 0, &value), PCIBACK_DONE);
	/* The pirq of INTx. */
	CHECK_NUMBER(value, 116);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
	CHECK_NUMBER(fake.xen.devices[0].config[0x52] & 1, 0);

	for (uint16_t i = 0; i < 3; i++)
		atomic_store(&fake.xen.page[1].request.vectors[i].entry, i);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSIX, 0, 0, 0, 3, NULL), PCIBACK_DONE);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 3);
	CHECK_NUMBER(atomic_load(&fake.xen.page[1].request.vectors[2].vector), 1003);
	CHECK_NUMBER(fake.xen.devices[0].config[0x63] & 0xc0, 0x80);
	/* Bus mastering is off, and then the MSIs go before all else does. */
	fake.xen.devices[0].config[4] |= 4;
	fake.xen.n_order = 0;
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	CHECK_TEXT(fake.xen.order, "-e-p-m-m-m-r-p-o-o-d");
	CHECK_NUMBER(fake.xen.devices[0].config[0x63] & 0x80, 0);
	CHECK(fake_end(&fake));

	/* Each of the calls for three vectors fails once. */
	for (size_t i = 1; i <= 3; i++) {
		connect_linux(0, 1);
		n_calls = fake.xen.n_calls;
		for (uint16_t j = 0; j < 3; j++)
			atomic_store(&fake.xen.page[1].request.vectors[j].entry, j);
		fake.xen.fail_at = n_calls + i;
		CHECK(fake_request(&fake, 1, PCIBACK_ENABLE_MSIX, 0, 0, 0, 3, NULL) != PCIBACK_DONE);
		CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
		CHECK(fake_end(&fake));
	}

	/* A table that is not in the BAR, or in none (XSA-164). */
	for (unsigned i = 0; i < 3; i++) {
		connect_linux(0, 1);
		fake.xen.devices[0].config[0x64] = (const uint8_t[]){ 0x00, 0x02, 0x07 }[i];
		fake.xen.devices[0].config[0x66] = (const uint8_t[]){ 0x02, 0x00, 0x00 }[i];
		atomic_store(&fake.xen.page[1].request.vectors[0].entry, 0);
		CHECK(fake_request(&fake, 1, PCIBACK_ENABLE_MSIX, 0, 0, 0, 1, NULL) != PCIBACK_DONE);
		CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
		CHECK(fake_end(&fake));
	}

	/* A pirq that the guest could not be told. */
	connect_linux(0, 1);
	fake.xen.next_pirq = 0x10000;
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, &value), PCIBACK_FAILED);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
	CHECK(fake_end(&fake));

	connect_linux(0, 2);
	for (unsigned i = 0; i < 400; i++) {
		random = random * 1103515245 + 12345;
		for (uint16_t j = 0; j < 4; j++)
			atomic_store(&fake.xen.page[1].request.vectors[j].entry, j);
		(void)fake_request(&fake, 1, commands[random >> 16 & 3], random >> 20 & 1, 0, 0,
		    1 + (random >> 24 & 3), NULL);
		if ((random >> 28 & 3) == 0)
			fake.xen.fail_at = fake.xen.n_calls + 1;
	}
	CHECK(fake_held(&fake, "msi", 1) <= 8);
	CHECK(fake_end(&fake));
}

/* Results are untouched on failure, also when Xen gave a pirq that is of no use. */
static void
test_untouched(struct harness *harness)
{
	struct pciback_operations operations;
	struct pciback_slot *slot;
	uint32_t pirq = 7;

	pciback_operations_init(&operations);
	connect_linux(0, 1);
	slot = &fake.slots[0];
	fake.xen.next_pirq = 0x10000;
	CHECK_NUMBER(operations.msi_enable(&fake.backend, slot, &pirq), -EIO);
	CHECK_NUMBER(pirq, 7);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
	fake.xen.fail_at = fake.xen.n_calls + 1;
	CHECK_NUMBER(operations.msi_enable(&fake.backend, slot, &pirq), -EIO);
	CHECK_NUMBER(pirq, 7);
	fake.xen.next_pirq = 0;
	CHECK_NUMBER(operations.msi_enable(&fake.backend, slot, &pirq), 0);
	CHECK_NUMBER(pirq, 1000);
	CHECK_NUMBER(operations.msi_disable(&fake.backend, slot), 0);
	/* A device that can't be switched stays in D0. */
	CHECK_NUMBER(operations.power_set(&fake.backend, slot, 0), 0);
	CHECK_NUMBER(operations.power_set(&fake.backend, slot, 3), -ENOTSUP);
	CHECK(fake_end(&fake));
}

void
test_guest_operations(struct harness *harness)
{
	test_msi(harness);
	test_untouched(harness);
}
