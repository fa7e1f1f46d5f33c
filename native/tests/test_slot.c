/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

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

/* XSA-61: without an IOMMU a device writes to any memory. */
static void
test_xsa_61(struct harness *harness)
{
	fake_init(&fake);
	fake.xen.no_iommu = true;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(strstr(fake.xen.line, "no IOMMU") != NULL);
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.xen.no_iommu = true;
	fake.backend.allow = PCIBACK_ALLOW_NO_IOMMU;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 4);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 0);
	CHECK(fake_end(&fake));
}

/* Guests that wait for a device take nothing in vain, and don't keep each other awake. */
static void
test_waiting(struct harness *harness)
{
	static const char path[] = PCIBACK_BACKENDS_PATH "/2/0/online";
	size_t n_order, n_lines;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "online", "0");
	fake_write(&fake, 1, "state", "5");
	fake_run(&fake);
	n_order = fake.xen.n_order;
	fake_create(&fake, 2, 0, 2);
	fake_create(&fake, 3, 0, 3);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "2");
	CHECK_TEXT(fake_read(&fake, 3, "state"), "2");
	CHECK_NUMBER(fake.xen.n_order, n_order);
	fake_write(&fake, 1, "/state", "6");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_TEXT(fake_read(&fake, 3, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, "device", 2), 2);
	CHECK_NUMBER(fake_held(&fake, "device", 3), 1);
	CHECK(fake_end(&fake));

	/* The owner had news, and keeps the device: there is nothing to wait for. */
	fake_init(&fake);
	fake_create(&fake, 1, 3, 1);
	fake_create(&fake, 2, 0, 1);
	fake_write(&fake, 1, "dev-0", "0000:03:00.0");
	fake_write(&fake, 1, "state-0", "1");
	pciback_backend_watch(&fake.backend, path, PCIBACK_WATCH_BACKENDS);
	fake_run(&fake);
	CHECK_TEXT(pciback_backend_find(&fake.backend, 1)->message, "0000:03:00.0 belongs to domain 2");
	CHECK(fake_end(&fake));

	/* A frontend that starts anew does not fill the log with devices that can't be had (XSA-43). */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 0, 2);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "2");
	n_lines = fake.xen.n_lines;
	for (unsigned i = 0; i < 20; i++) {
		fake_write(&fake, 2, "/state", "1");
		fake_run(&fake);
	}
	CHECK(fake.xen.n_lines <= n_lines + PCIBACK_ERRORS_BURST);
	n_lines = fake.xen.n_lines;
	fake_pass(&fake, 1000);
	fake_write(&fake, 2, "/state", "1");
	fake_run(&fake);
	CHECK_NUMBER(fake.xen.n_lines, n_lines + 1);
	CHECK(fake_end(&fake));
}

/* One device never belongs to two guests. */
static void
test_ownership(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 1, 2);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
	CHECK_TEXT(fake_read(&fake, 2, "state-1"), "3");
	CHECK_TEXT(fake_read(&fake, 2, "vdev-0"), "(none)");
	CHECK(strstr(pciback_backend_find(&fake.backend, 2)->message, "0000:03:01.0 belongs to domain 1")
	    != NULL);
	CHECK_NUMBER(fake_held(&fake, "device", 2), 1);
	/* The second guest sees what is its own, and nothing else. */
	fake_frontend(&fake, 2, true);
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
	CHECK_NUMBER(fake_request(&fake, 2, PCIBACK_CONFIG_READ, 1, 0, 4, 0, NULL),
	    PCIBACK_NO_DEVICE);
	CHECK(fake_end(&fake));

	/* A guest that is made anew gets the device once the old one has let it go. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "online", "0");
	fake_write(&fake, 1, "state", "5");
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 2), 0);
	fake_write(&fake, 1, "/state", "6");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK_NUMBER(fake_held(&fake, "device", 2), 1);
	CHECK(fake_end(&fake));
}

static void
test_refusals(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 9, 1);
	CHECK(strstr(fake.xen.line, "0000:03:09.0 is no device of this machine") != NULL);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.backend.n_slots = 1;
	fake_create(&fake, 1, 0, 2);
	CHECK(strstr(pciback_backend_find(&fake.backend, 1)->message,
	    "one device too many: 1 are handled") != NULL);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.xen.devices[0].bars[0].address = UINT64_MAX - 0xfff;
	fake_create(&fake, 1, 0, 1);
	CHECK(strstr(fake.xen.line, "impossible BAR 0") != NULL);
	CHECK(fake_end(&fake));

	/* What the policy refuses, such as a CardBus bridge. */
	fake_init(&fake);
	fake.xen.devices[0].config[0x0e] = 2;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "2");
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(fake.xen.devices[0].n_released > 0);
	CHECK(fake_end(&fake));
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
	CHECK_TEXT(fake.xen.order, "-e-p-m-m-m-d-t-r-p-o-o");
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

void
test_slot(struct harness *harness)
{
	test_xsa_61(harness);
	test_waiting(harness);
	test_ownership(harness);
	test_refusals(harness);
	test_msi(harness);
}
