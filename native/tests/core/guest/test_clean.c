/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "counted.h"
#include "harness.h"

#include <errno.h>
#include <string.h>

#include "../../../core/guest/clean.h"
#include "../../../core/guest/take.h"
#include "fake_xen.h"

static struct fake fake;
static const struct pciback_address first = { .bus = 3 };
static char message[PCIBACK_LOG_LINE];

static struct pciback_slot *
take(void)
{
	struct pciback_slot *slot = NULL;

	message[0] = '\0';
	(void)pciback_slot_take(&fake.backend, &first, 0, 0, 0, &slot, message);
	return slot;
}

/* Until a stage, or the end; what the last step returned. */
static int
go_to(struct pciback_slot *slot, enum pciback_clean_stage stage)
{
	int r = 1;

	while (r > 0 && slot->cleaning.stage != stage)
		r = pciback_clean_step(slot, message);
	return r;
}

/* Saved, reset, restored, decoded, its table protected, in this order; and no step takes long. */
static void
test_stages(struct harness *harness)
{
	static const enum pciback_clean_stage stages[] = { PCIBACK_CLEAN_FIRST, PCIBACK_CLEAN_WAKE_TO_SAVE, PCIBACK_CLEAN_SILENCE,
		PCIBACK_CLEAN_BEGIN_RESET, PCIBACK_CLEAN_WAKE, PCIBACK_CLEAN_RESTORE, PCIBACK_CLEAN_ENABLE };
	struct fake_device *device = &fake.xen.devices[0];
	struct pciback_slot *slot;
	size_t n_stages = 0;
	int r;

	fake_init(&fake);
	count(fake.backend.hardware.operations);
	fake.backend.hardware.operations = &counting;
	slot = take();
	device->config[0x90] = 0x5a;
	do {
		CHECK(n_stages == sizeof(stages) / sizeof(stages[0]) || slot->cleaning.stage == stages[n_stages]);
		CHECK(slot->cleaning.stage != PCIBACK_CLEAN_BEGIN_RESET || (device->config[4] & 7) == 0);
		/* What its reset would take from it, for example. */
		if (slot->cleaning.stage == PCIBACK_CLEAN_WAKE)
			device->config[0x90] = 0;
		CHECK(!slot->is_clean && !device->has_table);
		n_accesses = 0;
		r = pciback_clean_step(slot, message);
		CHECK(n_accesses <= PCIBACK_CLEAN_ACCESSES);
		n_stages += n_stages < sizeof(stages) / sizeof(stages[0]) && slot->cleaning.stage != stages[n_stages];
	} while (r > 0);
	CHECK_NUMBER(r, 0);
	CHECK_NUMBER(n_stages, 7);
	CHECK(slot->is_clean && slot->cleaning.stage == PCIBACK_CLEAN_NONE && device->has_table);
	CHECK_NUMBER(device->config[0x90], 0x5a);
	CHECK_NUMBER(device->config[4], 3);
	CHECK_NUMBER(device->n_resets, 1);
	CHECK(fake_end(&fake));
}

/* Wherever it fails it is not clean, and the reason is told. */
static void
test_failures(struct harness *harness)
{
	static const struct {
		enum pciback_clean_stage stage;
		const char *reason;
	} seen[] = {
		{ PCIBACK_CLEAN_FIRST, "0000:03:00.0 does not answer: " },
		{ PCIBACK_CLEAN_SILENCE, "0000:03:00.0 could not be reset: " },
		{ PCIBACK_CLEAN_RESTORE, "0000:03:00.0 could not be brought back to what it was when it was taken from dom0: " },
	};

	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		struct pciback_slot *slot;

		fake_init(&fake);
		slot = take();
		CHECK_NUMBER(go_to(slot, seen[i].stage), 1);
		fake.xen.devices[0].read_error = -ENXIO;
		CHECK_NUMBER(go_to(slot, PCIBACK_CLEAN_NONE), -ENXIO);
		CHECK(strncmp(message, seen[i].reason, strlen(seen[i].reason)) == 0);
		CHECK(!slot->is_clean && !pciback_slot_is_cleaned(slot));
		fake.xen.devices[0].read_error = 0;
		CHECK(fake_end(&fake));
	}
}

/* Where nobody is served meanwhile it is done in one go, and time passes within. */
static void
test_in_one_go(struct harness *harness)
{
	struct pciback_slot *slot;

	fake_init(&fake);
	fake.backend.waits_for_resets = true;
	fake.xen.devices[0].slow = 3;
	slot = take();
	CHECK(slot != NULL && slot->is_clean && !pciback_slot_is_cleaned(slot) && !slot->is_new);
	CHECK_NUMBER(fake.xen.paused, 3 * FAKE_RESET_LOOK);
	fake.xen.devices[0].slow = 1000;
	CHECK_NUMBER(pciback_clean_begin(slot, PCIBACK_CLEAN_SILENCE, message), -ETIMEDOUT);
	CHECK_TEXT(message, "0000:03:00.0 did not end its reset within 65 seconds");
	CHECK(!slot->is_clean && slot->is_stuck);
	/* It comes to its end after all, with an error. */
	fake.xen.devices[0].slow = 0;
	fake.xen.devices[0].reset_error = -ENOTSUP;
	CHECK(!pciback_clean_is_stuck(slot) && !slot->is_clean && !pciback_slot_is_cleaned(slot));
	slot->is_stuck = true;
	fake.xen.devices[0].reset_error = 0;
	CHECK(!pciback_clean_is_stuck(slot) && slot->is_clean);
	CHECK(fake_end(&fake));
}

/* A guest asks for the first register of its device. */
static void
ask(uint16_t domain)
{
	struct pciback_page *page = &fake.xen.page[domain];

	atomic_store(&page->request.command, PCIBACK_CONFIG_READ);
	atomic_store(&page->request.size, 4);
	(void)atomic_fetch_or(&page->flags, PCIBACK_FLAG_REQUEST);
	pciback_backend_event(&fake.backend, pciback_backend_find(&fake.backend, domain)->port);
}

/* Two hand-overs go on side by side, a step of one of them in each run, and a third guest is answered between any two. */
static void
test_side_by_side(struct harness *harness)
{
	const struct pciback_slot *slots = &fake.slots[1];
	unsigned n_changes[2] = { 0, 0 }, n_runs = 0;

	fake_init(&fake);
	fake_create(&fake, 3, 2, 1);
	fake_frontend(&fake, 3, true);
	fake_name(&fake, 1, 0, 1);
	fake_name(&fake, 2, 1, 1);
	count(fake.backend.hardware.operations);
	fake.backend.hardware.operations = &counting;
	do {
		enum pciback_clean_stage before[2] = { slots[0].cleaning.stage, slots[1].cleaning.stage };

		ask(3);
		n_accesses = 0;
		(void)pciback_backend_run(&fake.backend, fake.now);
		CHECK_NUMBER(atomic_load(&fake.xen.page[3].flags) & PCIBACK_FLAG_REQUEST, 0);
		CHECK_NUMBER(atomic_load(&fake.xen.page[3].request.value), 0x10d38086);
		/* A step, an answer, and in the first run the three accesses by which each is silenced. */
		CHECK(n_accesses <= PCIBACK_CLEAN_ACCESSES + 1 + (n_runs == 0 ? 6 : 0));
		CHECK(pciback_backend_has_stepped(&fake.backend));
		for (unsigned i = 0; i < 2; i++)
			n_changes[i] += slots[i].cleaning.stage != before[i];
		/* Neither is ahead of the other. */
		CHECK(n_changes[0] <= n_changes[1] + 1 && n_changes[1] <= n_changes[0] + 1);
		n_runs++;
	} while (pciback_slot_is_cleaned(&slots[0]) || pciback_slot_is_cleaned(&slots[1]));
	CHECK(n_runs >= 14);
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK(fake_end(&fake));
}

/* One that can't be given is not waited for by who could not have it, and goes back to dom0. */
static void
test_refused(struct harness *harness)
{
	for (unsigned slow = 0; slow <= 5; slow += 5) {
		fake_init(&fake);
		fake.xen.refuses = "device";
		fake.xen.devices[0].slow = slow;
		fake_create(&fake, 1, 0, 1);
		/* It does not go on so for ever. */
		for (unsigned i = 0; i < 100; i++)
			fake_pass(&fake, FAKE_RESET_LOOK);
		CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
		CHECK(fake.xen.devices[0].is_dom0s);
		CHECK(fake.xen.devices[0].n_resets <= 4);
		fake.xen.refuses = NULL;
		fake.xen.devices[0].slow = 0;
		fake_set(&fake, 1, "num_devs", "1");
		CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
		CHECK(fake_end(&fake));
	}
}

void
test_guest_clean(struct harness *harness)
{
	test_stages(harness);
	test_failures(harness);
	test_in_one_go(harness);
	test_side_by_side(harness);
	test_refused(harness);
}
