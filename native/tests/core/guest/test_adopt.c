/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/taken.h>
#include "../../../core/guest/remember.h"
#include "../../../core/guest/take.h"
#include "fake_xen.h"

static struct fake fake;
static const struct pciback_address first = { .bus = 3 };

static void
connect_recorded(unsigned n)
{
	fake_init_recorded(&fake);
	fake_create(&fake, 1, 0, n);
	fake_frontend(&fake, 1, true);
	fake_set(&fake, 1, "/state", "4");
}

/* What has to hold at each moment: who has memory or ports of a device has the device, and Xen knows its table. */
static bool
is_protected(void)
{
	for (size_t i = 0; i < FAKE_GRANTS; i++) {
		const struct fake_grant *grant = &fake.xen.grants[i];
		bool is_memory = grant->used && strcmp(grant->what, "iomem") == 0;

		if (!is_memory && (!grant->used || strcmp(grant->what, "ioport") != 0))
			continue;
		for (unsigned j = 0; j < 4; j++) {
			const struct fake_device *device = &fake.xen.devices[j];
			uint64_t begin = is_memory ? device->bars[0].address >> 12 : device->bars[2].address;
			bool has_device = false;

			if (begin != grant->first)
				continue;
			for (size_t k = 0; k < FAKE_GRANTS; k++)
				has_device = has_device || (fake.xen.grants[k].used &&
				    strcmp(fake.xen.grants[k].what, "device") == 0 &&
				    fake.xen.grants[k].domain == grant->domain &&
				    fake.xen.grants[k].first == (3u << 8 | j << 3));
			if (!has_device || !device->has_table)
				return false;
		}
	}
	return true;
}

/* Two guests, interrupts, a device that is plugged and one that goes. */
static void
live(void)
{
	fake_create(&fake, 1, 0, 2);
	fake_frontend(&fake, 1, true);
	fake_set(&fake, 1, "/state", "4");
	(void)fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, NULL);
	(void)fake_request(&fake, 1, PCIBACK_CONFIG_WRITE, 0, 4, 2, 7, NULL);
	atomic_store(&fake.xen.page[1].request.vectors[0].entry, 1);
	atomic_store(&fake.xen.page[1].request.vectors[1].entry, 2);
	(void)fake_request(&fake, 1, PCIBACK_ENABLE_MSIX, 1, 0, 0, 2, NULL);
	fake_write(&fake, 1, "dev-2", "0000:03:02.0");
	fake_write(&fake, 1, "state-2", "1");
	fake_write(&fake, 1, "num_devs", "3");
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	fake_set(&fake, 1, "/state", "4");
	fake_create(&fake, 2, 3, 1);
	fake_frontend(&fake, 2, false);
	(void)fake_request(&fake, 1, PCIBACK_DISABLE_MSI, 0, 0, 0, 0, NULL);
	fake_write(&fake, 1, "state-1", "5");
	fake_set(&fake, 1, "state", "7");
	fake_set(&fake, 1, "/state", "7");
	fake_set(&fake, 1, "/state", "4");
	fake_kill(&fake, 2, PCIBACK_LIFE_GONE);
	fake_set(&fake, 1, "/state", "5");
}

/* An MSI of which the process that was killed had not heard goes with its domain. */
static bool
is_left_with_domain(void)
{
	return fake.xen.n_grants == fake_held(&fake, "msi", 0) && fake.xen.n_grants <= 1;
}

/*
 * Killed by each call that it makes, before the call has an effect or after it; with its record, without one, with one that is
 * damaged. At no moment is a guest unprotected, and in the end nobody has anything.
 */
static void
test_killed_anywhere(struct harness *harness)
{
	enum { RECORD, NO_RECORD, DAMAGED, N_KINDS };
	size_t n_calls, n_wrong = 0, n_unprotected = 0, n_left = 0;

	fake_init_recorded(&fake);
	live();
	n_calls = fake.xen.n_calls;
	CHECK(n_calls > 150);
	CHECK(fake_end(&fake));
	for (size_t i = 1; i <= n_calls * 2 * N_KINDS; i++) {
		size_t call = (i + 2 * N_KINDS - 1) / (2 * N_KINDS), kind = i % N_KINDS;

		fake_init_recorded(&fake);
		if (i / N_KINDS % 2 == 0)
			fake.xen.kill_at = call;
		else
			fake.xen.kill_after = call;
		live();
		n_unprotected += !is_protected();
		if (kind == NO_RECORD)
			memset(fake.xen.record, 0, sizeof(fake.xen.record));
		for (size_t at = 0; kind == DAMAGED && at < sizeof(fake.xen.record); at += PCIBACK_RECORD_SIZE)
			fake.xen.record[at + 16 + call % 300] ^= 1;
		fake_restart(&fake);
		n_unprotected += !is_protected();
		n_wrong += fake.xen.n_errors;
		fake_set(&fake, 1, "/state", "3");
		fake_set(&fake, 1, "/state", "4");
		n_unprotected += !is_protected();
		fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
		fake_kill(&fake, 2, PCIBACK_LIFE_GONE);
		if (kind != RECORD)
			continue;
		pciback_backend_end(&fake.backend, fake.now);
		n_wrong += fake.xen.n_errors;
		n_left += fake.xen.n_grants > 0 && !is_left_with_domain();
		for (unsigned j = 0; j < 4; j++)
			n_left += (fake.xen.devices[j].config[4] & 4) != 0;
	}
	CHECK_NUMBER(n_wrong, 0);
	CHECK_NUMBER(n_unprotected, 0);
	CHECK_NUMBER(n_left, 0);
}

/* What a guest has read of its interrupt stays, also if its owner states another one for the next guest. */
static void
test_irq(struct harness *harness)
{
	struct pciback_wanted wanted = { .address = first, .irq = 20 };
	char message[PCIBACK_LOG_LINE];
	struct pciback_slot *slot;

	fake_init_recorded(&fake);
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_set(&fake, 1, "/state", "4");
	wanted.irq = 21;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	fake_restart(&fake);
	slot = pciback_backend_taken(&fake.backend, &first);
	CHECK(slot != NULL && slot->guest != NULL);
	CHECK_NUMBER(slot->device.settings.interrupt_line, 20);
	CHECK_NUMBER(slot->irq, 21);
	CHECK(fake_end(&fake));
}

/* A device that nobody has stays clean, with what dom0 had in it; one that is held back stays so. */
static void
test_taken_and_held_back(struct harness *harness)
{
	const struct pciback_wanted wanted = { .address = first, .allow = PCIBACK_ALLOW_NO_RESET, .irq = 20 };
	char message[PCIBACK_LOG_LINE];
	struct pciback_slot *slot;

	fake_init_recorded(&fake);
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	fake_restart(&fake);
	slot = pciback_backend_taken(&fake.backend, &first);
	CHECK(slot != NULL && slot->is_clean && slot->has_table && slot->is_in_quarantine);
	CHECK_NUMBER(slot->consent, PCIBACK_ALLOW_NO_RESET);
	CHECK_NUMBER(slot->irq, 20);
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 1);
	CHECK_NUMBER(pciback_backend_return(&fake.backend, &wanted, 1, message), 0);
	CHECK(fake.xen.devices[0].is_dom0s && !fake.xen.devices[0].has_table);
	fake_restart(&fake);
	CHECK(pciback_backend_taken(&fake.backend, &first) == NULL);

	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_set(&fake, 1, "/state", "5");
	fake_restart(&fake);
	slot = pciback_backend_taken(&fake.backend, &first);
	CHECK(slot != NULL && pciback_slot_is_held_back(slot));
	fake_create(&fake, 2, 0, 1);
	CHECK(strstr(fake_read(&fake, 2, "state-0"), "3") == NULL);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_write(&fake, 2, "state-0", "1");
	fake_set(&fake, 2, "state", "1");
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK(fake_end(&fake));

	/* What Xen refuses to take stays counted. */
	connect_recorded(1);
	fake.xen.keeps = "iomem";
	fake.xen.keeps_of = 1;
	fake_set(&fake, 1, "/state", "5");
	fake_restart(&fake);
	CHECK_NUMBER(fake.backend.n_not_revoked, 2);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake.xen.keeps = NULL;
	fake_pass(&fake, PCIBACK_WAIT_HELD_BACK);
	CHECK_NUMBER(fake.xen.n_grants, 0);
	CHECK(fake_end(&fake));
}

/* Another domain of the same number has nothing of the one before, and gets a device that was reset. */
static void
test_another_domain(struct harness *harness)
{
	for (unsigned i = 0; i < 2; i++) {
		connect_recorded(1);
		fake.xen.devices[0].config[4] |= 4;
		fake.xen.identity[1] = i == 0 ? 0x77 : 0;
		for (size_t j = 0; j < FAKE_GRANTS; j++) {
			fake.xen.n_grants -= fake.xen.grants[j].used;
			fake.xen.grants[j].used = false;
		}
		fake.xen.n_order = 0;
		fake_remove(&fake, 1, "");
		fake_restart(&fake);
		/* Xen knows its table still. */
		CHECK_TEXT(fake.xen.order, "+q");
		CHECK_NUMBER(fake.xen.devices[0].n_resets, 2);
		CHECK_NUMBER(fake.xen.devices[0].config[4] & 4, 0);
		CHECK(fake.slots[0].is_clean);
		CHECK_NUMBER(fake.slots[0].domain, 0);
		CHECK(fake_end(&fake));
	}
	/* One that was dying, and may have something still, is asked for it. */
	connect_recorded(1);
	fake.xen.life[1] = PCIBACK_LIFE_GONE;
	fake.xen.n_order = 0;
	fake_restart(&fake);
	CHECK(strstr(fake.xen.order, "-r-p-o-o") != NULL);
	CHECK(fake.slots[0].is_clean);
	CHECK_NUMBER(fake.slots[0].domain, 0);
	CHECK(fake_end(&fake));
}

/* Killed while something was done to a device, or what is there says otherwise: all is taken back, and given anew. */
static void
test_taken_back(struct harness *harness)
{
	for (unsigned i = 0; i < 5; i++) {
		connect_recorded(1);
		CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_ENABLE_MSI, 0, 0, 0, 0, NULL), PCIBACK_DONE);
		/* In the middle; half written; MSI off; both on; Xen has it elsewhere. */
		if (i == 0)
			fake.xen.kill_at = fake.xen.n_calls + 1;
		else if (i == 1)
			fake.xen.record[(fake.slots[0].sequence & 1) * PCIBACK_RECORD_SIZE + 50] ^= 1;
		else if (i == 2)
			fake.xen.devices[0].config[0x52] &= 0xfe;
		else if (i == 3)
			fake.xen.devices[0].config[0x63] |= 0x80;
		if (i == 0)
			(void)fake_request(&fake, 1, PCIBACK_DISABLE_MSI, 0, 0, 0, 0, NULL);
		for (size_t j = 0; i == 4 && j < FAKE_GRANTS; j++) {
			if (!fake.xen.grants[j].used || strcmp(fake.xen.grants[j].what, "device") != 0)
				continue;
			fake.xen.grants[j].used = false;
			fake.xen.n_grants--;
		}
		fake_restart(&fake);
		CHECK(fake_said(&fake, "domain 1: the process before this one was ended while it gave or took 0000:03:00.0, or "
		    "something has changed since; the device is taken back and reset"));
		CHECK_NUMBER(fake.xen.devices[0].n_resets, 2);
		CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
		/* Its domain may have it again. */
		CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
		CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
		CHECK(fake_end(&fake));
	}
}

/* INTx is on again where MSI was switched off, and that was not said any more. */
static void
test_line_is_on_again(struct harness *harness)
{
	connect_recorded(1);
	fake.xen.devices[0].config[5] |= 4;
	fake_restart(&fake);
	CHECK_NUMBER(fake.xen.devices[0].config[5] & 4, 0);
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 1);
	CHECK(fake_end(&fake));
}

/* A device that is not there, or is another one, or does not answer. */
static void
test_hardware_differs(struct harness *harness)
{
	static const struct pciback_wanted wanted = { .address = { .bus = 3 } };
	char message[PCIBACK_LOG_LINE];

	fake_init_recorded(&fake);
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	fake.xen.cant_open = -EBUSY;
	fake_restart(&fake);
	CHECK(pciback_backend_taken(&fake.backend, &first) == NULL);
	CHECK(fake_said(&fake, "0000:03:00.0 was taken by the process before this one, and can't be gone on with: "));
	fake.xen.cant_open = 0;
	/* It is forgotten. */
	fake_restart(&fake);
	CHECK(pciback_backend_taken(&fake.backend, &first) == NULL);
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	fake.xen.devices[0].bars[0].address += 0x20000;
	fake_restart(&fake);
	CHECK(pciback_backend_taken(&fake.backend, &first) == NULL);

	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	fake.xen.refuses = "quarantine";
	fake_restart(&fake);
	CHECK(pciback_backend_taken(&fake.backend, &first) == NULL);
	CHECK(fake_said(&fake, "; it is not taken any more"));
	/* Nor keeps it what a guest has left in it. */
	fake.xen.refuses = NULL;
	fake_restart(&fake);
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	fake.slots[0].is_clean = false;
	pciback_remember(&fake.slots[0], PCIBACK_UNDER_WAY);
	fake.xen.devices[0].config[0x90] ^= 0xff;
	fake.xen.refuses = "quarantine";
	fake_restart(&fake);
	CHECK(pciback_backend_taken(&fake.backend, &first) == NULL);
	CHECK_NUMBER(fake.xen.devices[0].config[0x90], 0);
	fake.xen.refuses = NULL;
	CHECK(fake_end(&fake));

	connect_recorded(1);
	fake.xen.devices[0].read_error = -EIO;
	fake_restart(&fake);
	CHECK(fake_said(&fake, "domain 1: 0000:03:00.0 does not answer, and may still write to memory"));
	fake.xen.devices[0].read_error = 0;
	CHECK_NUMBER(fake_held(&fake, "iomem", 1), 0);
}

/* One device of two on one line went, and its process was killed before the other one was written down as the line's owner. */
static void
test_line_of_two(struct harness *harness)
{
	fake_init_recorded(&fake);
	fake.xen.devices[1].config[0x3c] = fake.xen.devices[0].config[0x3c];
	fake_create(&fake, 1, 0, 2);
	fake_write(&fake, 1, "state-0", "5");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, "pirq", 1), 1);
	fake_restart(&fake);
	fake_write(&fake, 1, "state-1", "5");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	CHECK(fake_end(&fake));
}

/* What stands there of a device in both copies is garbage. */
static void
test_damaged(struct harness *harness)
{
	connect_recorded(1);
	fake.xen.record[60] ^= 1;
	fake.xen.record[PCIBACK_RECORD_SIZE + 60] ^= 1;
	fake_restart(&fake);
	CHECK(fake_said(&fake, "what the process before this one has recorded of a device is damaged; whoever has that device "
	    "starts anew with it"));
}

/* One that ends on purpose tells all. */
static void
test_handed_over(struct harness *harness)
{
	uint32_t value = 0;

	connect_recorded(2);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_WRITE, 0, 4, 2, 6, NULL), PCIBACK_DONE);
	/* In the middle of finding the size of a BAR. */
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_WRITE, 0, 0x10, 4, UINT32_MAX, NULL), PCIBACK_DONE);
	CHECK(!pciback_backend_has_jobs(&fake.backend));
	pciback_backend_hand_over(&fake.backend, fake.now);
	CHECK_NUMBER(fake_held(&fake, "page", 0) + fake_held(&fake, "event", 0), 0);
	fake_restart(&fake);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0x10, 4, 0, &value), PCIBACK_DONE);
	CHECK_NUMBER(value, 0xfffe0004);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 4, 2, 0, &value), PCIBACK_DONE);
	CHECK_NUMBER(value, 6);
	CHECK_NUMBER(fake.xen.devices[0].n_resets, 1);
	CHECK(fake_end(&fake));
}

void
test_guest_adopt(struct harness *harness)
{
	test_killed_anywhere(harness);
	test_irq(harness);
	test_taken_and_held_back(harness);
	test_another_domain(harness);
	test_taken_back(harness);
	test_line_is_on_again(harness);
	test_hardware_differs(harness);
	test_line_of_two(harness);
	test_damaged(harness);
	test_handed_over(harness);
}
