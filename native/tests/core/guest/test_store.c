/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include "../../../core/guest/store.h"
#include "fake_xen.h"

static struct fake fake;

static void
test_items(struct harness *harness)
{
	struct pciback_store_item items[3];
	struct pciback_change change = { .items = items, .domain = 5 };
	char text[PCIBACK_STORE_VALUE * 2];

	items[0].result = -1;
	memset(items[0].value, 'x', sizeof(items[0].value));
	pciback_item_set(&items[0], PCIBACK_STORE_READ, PCIBACK_DIRECTORY_FRONTEND, 5, "dev-%u", 3u);
	CHECK_NUMBER(items[0].action, PCIBACK_STORE_READ);
	CHECK_NUMBER(items[0].result, 0);
	CHECK_TEXT(items[0].path, "/local/domain/5/device/pci/0/dev-3");
	CHECK_TEXT(items[0].value, "");
	pciback_item_value(&items[0], "%d", 4);
	CHECK_TEXT(items[0].value, "4");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pciback_item_value(&items[0], "%s", text);
	CHECK_NUMBER(strlen(items[0].value), PCIBACK_STORE_VALUE - 1);

	CHECK(pciback_change_add(&change, PCIBACK_STORE_WRITE, "state-%zu", (size_t)2) == &items[0]);
	CHECK_TEXT(items[0].path, "/local/domain/0/backend/pci/5/0/state-2");
	CHECK(pciback_change_add_in(&change, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_DOMAIN, "") ==
	    &items[1]);
	CHECK_TEXT(items[1].path, "/local/domain/0/backend/pci/5");
	CHECK_NUMBER(items[1].action, PCIBACK_STORE_REMOVE);
	CHECK_NUMBER(change.n, 2);
}

/* All of a change, or nothing. */
static void
test_transactions(struct harness *harness)
{
	struct pciback_store_item items[2];
	struct pciback_change change = { .items = items, .domain = 1 };

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_EXPECT, "num_devs"), "2");
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "note"), "x");
	CHECK_NUMBER(pciback_store_change(&fake.backend, items, change.n), -ESTALE);
	CHECK_TEXT(fake_read(&fake, 1, "note"), "(none)");
	pciback_item_value(&items[0], "1");
	CHECK_NUMBER(pciback_store_change(&fake.backend, items, change.n), 0);
	CHECK_TEXT(fake_read(&fake, 1, "note"), "x");
	pciback_item_set(&items[0], PCIBACK_STORE_READ, PCIBACK_DIRECTORY_BACKEND, 1, "note");
	pciback_item_set(&items[1], PCIBACK_STORE_READ, PCIBACK_DIRECTORY_BACKEND, 1, "nothing");
	CHECK_NUMBER(pciback_store_read(&fake.backend, items, 2), 0);
	CHECK_TEXT(items[0].value, "x");
	CHECK_NUMBER(items[1].result, -ENOENT);
	CHECK(fake_end(&fake));
}

static void
test_watch(struct harness *harness)
{
	size_t n = 0;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	pciback_store_unwatch_frontend(&fake.guests[0]);
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		n += fake.xen.watches[i].used;
	CHECK_NUMBER(n, 2);
	CHECK_NUMBER(pciback_store_watch_frontend(&fake.guests[0]), 0);
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		if (fake.xen.watches[i].used && fake.xen.watches[i].token == PCIBACK_WATCH_FRONTEND)
			CHECK_TEXT(fake.xen.watches[i].path, "/local/domain/1/device/pci/0/state");
	CHECK(fake_end(&fake));
}

void
test_guest_store(struct harness *harness)
{
	test_items(harness);
	test_transactions(harness);
	test_watch(harness);
}
