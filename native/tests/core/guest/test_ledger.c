/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/status.h>

#include "../../../core/guest/devices.h"
#include "../../../core/guest/ledger.h"
#include "fake_xen.h"

static struct fake fake;

/* The device is put into quarantine and its MSI-X table protected when it is taken from dom0, once. A guest
 * has it assigned first, then memory, ports, pirq, irq. All is taken back in the reverse order. */
static void
test_order(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake.xen.order, "+q+t+d+o+o+p+r");
	CHECK_NUMBER(fake_held(&fake, "iomem", 1), 1);
	fake_write(&fake, 1, "online", "0");
	fake_run(&fake);
	CHECK_TEXT(fake.xen.order, "+q+t+d+o+o+p+r-r-p-o-o-d");
	CHECK_NUMBER(fake.backend.n_granted, 5);
	CHECK_NUMBER(fake.backend.n_revoked, 5);
	CHECK(fake_end(&fake));
}

/* Xen crashes when it is asked for the MSI-X table of a device that has none. */
static void
test_no_msix_table(struct harness *harness)
{
	fake_init(&fake);
	fake.xen.devices[0].config[0x51] = 0;
	fake.xen.devices[0].config[0x60] = 0;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake.xen.order, "+q+d+o+o+p+r");
	CHECK(fake_end(&fake));
}

/*
 * What a guest did with its own nodes of the store alone: 6, 1, 3, as often as it liked. While BARs were
 * given first and the table protected anew for each owner, there was a moment in each round in which it
 * could map the table that Xen did not know, and keep the mapping.
 */
static void
test_closes_and_opens_again(struct harness *harness)
{
	char order[sizeof(fake.xen.order)] = "+q+t+d+o+o+p+r+p+e";

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	for (unsigned round = 0; round < 3; round++) {
		CHECK_TEXT(fake.xen.order, order);
		fake_write(&fake, 1, "/state", "6");
		fake_run(&fake);
		fake_write(&fake, 1, "/state", "1");
		fake_run(&fake);
		fake_frontend(&fake, 1, true);
		(void)strcat(order, "-e-p-r-p-o-o-d+d+o+o+p+r+p+e");
	}
	CHECK_NUMBER(fake.xen.n_errors, 0);
	CHECK(fake_end(&fake));
}

/* A guest gets no device whose table Xen can't protect from it, whichever call fails. */
static void
test_unprotected_msix_table(struct harness *harness)
{
	const struct pciback_guest *guest;
	unsigned n_refused = 0;

	for (size_t call = 1; call < 60; call++) {
		fake_init(&fake);
		fake.xen.fail_at = call;
		fake_create(&fake, 1, 0, 1);
		guest = pciback_backend_find(&fake.backend, 1);
		CHECK(fake_held(&fake, "iomem", 1) == 0 || fake.xen.devices[0].has_table);
		n_refused += guest != NULL &&
		    strstr(guest->message, "has an MSI-X table that Xen can't protect") != NULL;
		CHECK(fake_end(&fake));
	}
	CHECK_NUMBER(n_refused, 1);
}

/* XSA-476: a BAR above 4 GiB is given and taken back with all of its bits. */
static void
test_xsa_476(struct harness *harness)
{
	bool found = false;

	fake_init(&fake);
	fake_create(&fake, 1, 1, 1);
	for (size_t i = 0; i < FAKE_GRANTS; i++) {
		const struct fake_grant *grant = &fake.xen.grants[i];

		if (grant->used && strcmp(grant->what, "iomem") == 0)
			found = grant->first == UINT64_C(0x380000020) && grant->n == 0x20;
	}
	CHECK(found);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	CHECK(fake_end(&fake));
}

/* XSA-458, XSA-460: whichever call fails, what was given before is taken back, once, in reverse. */
static void
test_xsa_458_460(struct harness *harness)
{
	size_t n_calls, held = 0;
	bool clean = true;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	n_calls = fake.xen.n_calls;
	CHECK(fake_end(&fake));
	CHECK(n_calls > 15);
	for (size_t i = 1; i <= n_calls + 2; i++) {
		fake_init(&fake);
		fake.xen.n_calls = 2;	/* the watches that start it */
		fake.xen.fail_at = i + 2;
		fake_create(&fake, 1, 0, 2);
		fake_frontend(&fake, 1, true);
		/* A store that failed is asked again. */
		fake_pass(&fake, 1100);
		held += fake_held(&fake, NULL, 1);
		clean = fake_end(&fake) && clean;
	}
	CHECK(clean);
	CHECK(held > 5 * n_calls);

	/* From one call on, all of them fail, those that take back too. */
	for (size_t i = 1; i <= n_calls + 2; i++) {
		fake_init(&fake);
		fake.xen.fail_from = fake.xen.n_calls + i;
		fake_create(&fake, 1, 0, 2);
		fake_pass(&fake, 1100);
		clean = fake_end(&fake) && clean;
	}
	CHECK(clean);
	CHECK(fake.backend.n_granted == fake.backend.n_revoked + fake.backend.n_not_revoked);

	/* Xen takes a dead guest's permissions itself, and then knows none. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake.xen.fail_from = fake.xen.n_calls + 1;
	fake.xen.fail_with = -ESRCH;
	CHECK(fake_end(&fake));
	CHECK_NUMBER(fake.backend.n_not_revoked, 0);
}

/*
 * Xen refuses to take one permission back, each of them in turn. The device stays in the IOMMU and its
 * MSI-X table protected as long as the domain has memory or ports of it. Nobody gets the device, and it
 * is not dom0's, until Xen takes all of it back or the domain is gone.
 */
static void
test_held_back(struct harness *harness)
{
	for (size_t refused = 1; refused <= 5; refused++) {
		struct pciback_held_back held_back;
		size_t position = 0;

		fake_init(&fake);
		fake_create(&fake, 1, 0, 1);
		fake.xen.fail_at = fake.xen.n_calls + refused;
		pciback_devices_take_back_all(pciback_backend_find(&fake.backend, 1));
		CHECK(fake_held(&fake, "iomem", 1) + fake_held(&fake, "ioport", 1) == 0 ||
		    (fake_held(&fake, "device", 1) == 1 && fake.xen.devices[0].has_table));
		CHECK(fake.xen.devices[0].is_open);
		CHECK(pciback_status_held_back(&fake.backend, &position, &held_back));
		CHECK_NUMBER(held_back.domain, 1);
		CHECK_NUMBER(held_back.n_permissions, fake.backend.n_not_revoked);
		CHECK(!pciback_status_held_back(&fake.backend, &position, &held_back));
		CHECK(fake_end(&fake));
		CHECK_NUMBER(fake.backend.n_not_revoked, 0);
	}
}

/* Two devices of one guest on one interrupt line: it is given once, and goes with the last. */
static void
test_shared(struct harness *harness)
{
	fake_init(&fake);
	fake.xen.devices[1].config[0x3c] = fake.xen.devices[0].config[0x3c];
	/* And on one page. */
	fake.xen.devices[0].bars[0].size = fake.xen.devices[1].bars[0].size = 256;
	fake.xen.devices[1].bars[0].address = fake.xen.devices[0].bars[0].address + 256;
	fake_create(&fake, 1, 0, 2);
	CHECK_NUMBER(fake_held(&fake, "pirq", 1), 1);
	CHECK_NUMBER(fake_held(&fake, "irq", 1), 1);
	CHECK_NUMBER(fake_held(&fake, "iomem", 1), 1);
	CHECK_NUMBER(fake_held(&fake, "ioport", 1), 2);
	/* The one that has it goes, the other one stays. */
	fake_write(&fake, 1, "state-0", "5");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, "pirq", 1), 1);
	CHECK_NUMBER(fake_held(&fake, "irq", 1), 1);
	CHECK_NUMBER(fake_held(&fake, "iomem", 1), 1);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake_write(&fake, 1, "state-1", "5");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(fake_end(&fake));
}

/* XSA-461: what two guests would share is refused, unless the owner says otherwise. */
static void
test_xsa_461(struct harness *harness)
{
	for (unsigned allow = 0; allow <= PCIBACK_ALLOW_SHARED_IRQ; allow += PCIBACK_ALLOW_SHARED_IRQ) {
		fake_init(&fake);
		fake.backend.allow = allow;
		fake.xen.devices[1].config[0x3c] = fake.xen.devices[0].config[0x3c];
		fake_create(&fake, 1, 0, 1);
		fake_create(&fake, 2, 1, 1);
		CHECK_TEXT(fake_read(&fake, 2, "state-0"), allow == 0 ? "6" : "3");
		CHECK_NUMBER(fake_held(&fake, NULL, 2), allow == 0 ? 0 : 5);
		if (allow == 0)
			CHECK(strstr(fake.xen.line, "shares interrupt line 16") != NULL);
		CHECK(fake_end(&fake));
	}
	for (unsigned allow = 0; allow <= PCIBACK_ALLOW_SHARED_PAGE;
	    allow += PCIBACK_ALLOW_SHARED_PAGE) {
		fake_init(&fake);
		fake.backend.allow = allow;
		fake.xen.devices[0].bars[0].size = fake.xen.devices[1].bars[0].size = 256;
		fake.xen.devices[1].bars[0].address = fake.xen.devices[0].bars[0].address + 256;
		fake_create(&fake, 1, 0, 1);
		fake_create(&fake, 2, 1, 1);
		CHECK_TEXT(fake_read(&fake, 2, "state-0"), allow == 0 ? "6" : "3");
		if (allow == 0)
			CHECK(strstr(fake.xen.line, "shares a page of BAR 0") != NULL);
		CHECK(fake_end(&fake));
	}
}

/* A pirq is told only if it was granted. */
static void
test_pirq(struct harness *harness)
{
	struct pciback_slot *slot = &fake.slots[0];
	uint32_t pirq = 77;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake.xen.fail_at = fake.xen.n_calls + 1;
	CHECK_NUMBER(pciback_ledger_grant(slot, PCIBACK_PERMISSION_PIRQ, 40, 0, &pirq), -EIO);
	CHECK_NUMBER(pirq, 77);
	CHECK_NUMBER(pciback_ledger_grant(slot, PCIBACK_PERMISSION_PIRQ, 40, 0, &pirq), 0);
	CHECK_NUMBER(pirq, 140);
	CHECK(pciback_ledger_revoke(slot, slot->ledger.n - 1));
	CHECK(fake_end(&fake));
}

/* What an earlier process granted is revoked once, also if two entries are one permission. */
static void
test_granted_before(struct harness *harness)
{
	struct pciback_slot *slot = &fake.slots[0];

	fake_init(&fake);
	slot->backend = &fake.backend;
	slot->domain = 1;
	CHECK_NUMBER(fake.backend.xen.operations->iomem(&fake.xen, 1, 0x380000, 2, true), 0);
	CHECK_NUMBER(pciback_ledger_add_granted(slot, PCIBACK_PERMISSION_IOMEM, 0x380000, 2), 0);
	CHECK_NUMBER(pciback_ledger_add_granted(slot, PCIBACK_PERMISSION_IOMEM, 0x380000, 2), 0);
	CHECK_NUMBER(slot->ledger.n, 2);
	CHECK(pciback_ledger_revoke(slot, 0));
	CHECK_TEXT(fake.xen.order, "+o-o");
	slot->ledger.n = PCIBACK_PERMISSIONS_MAX;
	CHECK_NUMBER(pciback_ledger_add_granted(slot, PCIBACK_PERMISSION_IRQ, 20, 1), -ENOSPC);
	memset(slot, 0, sizeof(*slot));
	CHECK(fake_end(&fake));
}

void
test_guest_ledger(struct harness *harness)
{
	test_pirq(harness);
	test_granted_before(harness);
	test_order(harness);
	test_no_msix_table(harness);
	test_unprotected_msix_table(harness);
	test_closes_and_opens_again(harness);
	test_xsa_476(harness);
	test_xsa_458_460(harness);
	test_held_back(harness);
	test_shared(harness);
	test_xsa_461(harness);
}
