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

/* More guests than the table has room for wait until one has gone. */
static void
test_table(struct harness *harness)
{
	fake_init(&fake);
	for (uint16_t domain = 1; domain <= 5; domain++)
		fake_create(&fake, domain, domain - 1u, domain < 5 ? 1 : 0);
	CHECK(pciback_backend_find(&fake.backend, 5) == NULL);
	CHECK(strstr(fake.xen.line, "one guest too many: 4 are handled") != NULL);
	fake_remove(&fake, 2, "");
	fake_run(&fake);
	CHECK(pciback_backend_find(&fake.backend, 5) != NULL);
	CHECK_TEXT(fake_read(&fake, 5, "state"), "3");
	CHECK(fake_end(&fake));
}

/* Events that nobody asked for. */
static void
test_unasked(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	pciback_backend_watch(&fake.backend, "", PCIBACK_WATCH_BACKENDS);
	pciback_backend_watch(&fake.backend, "/local/domain/0/backend/pci/", PCIBACK_WATCH_BACKENDS);
	pciback_backend_watch(&fake.backend, "/local/domain/0/backend/pci/x/0", PCIBACK_WATCH_BACKENDS);
	pciback_backend_watch(&fake.backend, "/local/domain/0/backend/pci/99999/0",
	    PCIBACK_WATCH_BACKENDS);
	pciback_backend_watch(&fake.backend, "/local/domain/0/backend/pci/999999999999/0",
	    PCIBACK_WATCH_BACKENDS);
	pciback_backend_watch(&fake.backend, "/local/domain/0/backend/pci/7/0", PCIBACK_WATCH_BACKENDS);
	pciback_backend_watch(&fake.backend, "x", PCIBACK_WATCH_FRONTEND + 3);
	pciback_backend_watch(&fake.backend, "x", PCIBACK_WATCH_FRONTEND + 4);
	pciback_backend_watch(&fake.backend, "x", UINT32_MAX);
	pciback_backend_event(&fake.backend, 0);
	pciback_backend_event(&fake.backend, UINT32_MAX);
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK(fake_end(&fake));

	/* A directory that has no state is no guest. */
	fake_init(&fake);
	fake_write(&fake, 3, "online", "1");
	fake_run(&fake);
	CHECK(pciback_backend_find(&fake.backend, 3) == NULL);
	CHECK(fake_end(&fake));
}

/* A process that ends leaves no permission, and asks first. */
static void
test_stop(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_create(&fake, 2, 1, 1);
	fake_create(&fake, 3, 2, 1);
	fake_frontend(&fake, 3, false);
	CHECK(!pciback_backend_idle(&fake.backend));
	pciback_backend_stop(&fake.backend, fake.now);
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
	CHECK_TEXT(fake_read(&fake, 2, "state"), "5");
	CHECK_NUMBER(fake_held(&fake, "device", 0), 2);
	fake_write(&fake, 1, "/state", "6");
	fake_run(&fake);
	CHECK_NUMBER(fake_held(&fake, "device", 0), 1);
	CHECK(!pciback_backend_idle(&fake.backend));
	/* No new ones. */
	fake_create(&fake, 4, 3, 1);
	CHECK_TEXT(fake_read(&fake, 4, "state"), "1");
	fake_pass(&fake, PCIBACK_WAIT_CLOSE);
	CHECK(pciback_backend_idle(&fake.backend));
	CHECK_TEXT(fake_read(&fake, 3, "state"), "5");
	CHECK(fake_end(&fake));

	/* At once, if it must be. */
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	CHECK(fake_end(&fake));
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
}

/* One that was killed is followed by another, which finds all as it was and makes it its own. */
static void
test_restart(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "/state", "4");
	fake_run(&fake);
	memset(fake.guests, 0, sizeof(fake.guests));
	memset(fake.slots, 0, sizeof(fake.slots));
	memset(fake.xen.watches, 0, sizeof(fake.xen.watches));
	memset(fake.xen.grants, 0, sizeof(fake.xen.grants));
	fake.xen.n_grants = 0;
	fake.xen.devices[0].is_open = false;
	pciback_backend_init(&fake.backend);
	CHECK_NUMBER(pciback_backend_start(&fake.backend, fake.now), 0);
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
	CHECK(fake_end(&fake));
}

/* The operations of the fake, but for a read of the store during which a guest sends a request. */
static int (*store_read)(void *world, struct pciback_store_item *items, size_t n);
static unsigned n_reads_until_event;

static int
read_and_hear(void *world, struct pciback_store_item *items, size_t n)
{
	if (n_reads_until_event > 0 && --n_reads_until_event == 0) {
		atomic_fetch_or(&fake.xen.page[1].flags, (uint32_t)PCIBACK_FLAG_REQUEST);
		pciback_backend_event(&fake.backend, pciback_backend_find(&fake.backend, 1)->port);
	}
	return store_read(world, items, n);
}

/* What comes in while a later guest has its turn is not left until something else happens. */
static void
test_event_meanwhile(struct harness *harness)
{
	struct pciback_xen_operations operations;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	fake_write(&fake, 1, "/state", "4");
	fake_create(&fake, 2, 1, 1);
	fake_run(&fake);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0, 4, 0, NULL), PCIBACK_DONE);
	operations = *fake.backend.xen.operations;
	store_read = operations.store_read;
	operations.store_read = read_and_hear;
	fake.backend.xen.operations = &operations;
	n_reads_until_event = 1;
	fake_write(&fake, 2, "/state", "3");
	fake_run(&fake);
	CHECK_NUMBER(n_reads_until_event, 0);
	CHECK_NUMBER(atomic_load(&fake.xen.page[1].flags) & PCIBACK_FLAG_REQUEST, 0);
	CHECK(fake_end(&fake));
}

static int (*deassign)(void *world, uint16_t domain, const struct pciback_address *address);

static int
deassign_and_make(void *world, uint16_t domain, const struct pciback_address *address)
{
	fake_write(&fake, 1, "frontend", "/local/domain/1/device/pci/0");
	fake_write(&fake, 1, "frontend-id", "1");
	fake_write(&fake, 1, "online", "1");
	fake_write(&fake, 1, "num_devs", "0");
	fake_write(&fake, 1, "/state", "1");
	fake_write(&fake, 1, "state", "1");
	return deassign(world, domain, address);
}

/* A directory that is made again while what its guest had is taken back is not overlooked. */
static void
test_made_anew_meanwhile(struct harness *harness)
{
	struct pciback_xen_operations operations;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	operations = *fake.backend.xen.operations;
	deassign = operations.deassign;
	operations.deassign = deassign_and_make;
	fake.backend.xen.operations = &operations;
	fake_remove(&fake, 1, "");
	fake_run(&fake);
	CHECK(pciback_backend_find(&fake.backend, 1) != NULL);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK(fake_end(&fake));
}

static int (*event_bind)(void *world, uint16_t domain, uint32_t remote_port, uint32_t *ret_port);
static int (*event_unbind)(void *world, uint32_t port);
static int reported[2];

static int
report_error(void)
{
	const struct pciback_address first = { .bus = 3 };

	return pciback_backend_report(&fake.backend, &first, PCIBACK_AER_DETECTED, 2, fake.now);
}

static int
bind_and_report(void *world, uint16_t domain, uint32_t remote_port, uint32_t *ret_port)
{
	reported[0] = report_error();
	return event_bind(world, domain, remote_port, ret_port);
}

static int
unbind_and_report(void *world, uint32_t port)
{
	reported[1] = report_error();
	return event_unbind(world, port);
}

/* Nobody is told of an error while the channel comes and goes. */
static void
test_report_meanwhile(struct harness *harness)
{
	struct pciback_xen_operations operations;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	operations = *fake.backend.xen.operations;
	event_bind = operations.event_bind;
	event_unbind = operations.event_unbind;
	operations.event_bind = bind_and_report;
	operations.event_unbind = unbind_and_report;
	fake.backend.xen.operations = &operations;
	fake_frontend(&fake, 1, true);
	CHECK_NUMBER(reported[0], -ENOENT);
	CHECK_NUMBER(report_error(), 0);
	fake_remove(&fake, 1, "");
	fake_run(&fake);
	CHECK_NUMBER(reported[1], -ENOENT);
	CHECK(fake_end(&fake));
}

/* No order of states at either end leaves anything behind, and none makes the backend write 6 or 8 to a
 * frontend that might not survive it. */
static void
test_any_order(struct harness *harness)
{
	uint32_t random = 7;
	size_t n_forbidden = 0;
	bool clean = true;

	for (unsigned life = 0; life < 300; life++) {
		bool knows = false;

		fake_init(&fake);
		fake_create(&fake, 1, 0, 2);
		for (unsigned i = 0; i < 30; i++) {
			char state[2] = "0", key[8] = "state-0";
			const char *before = fake_read(&fake, 1, "state"), *after;

			random = random * 1664525 + 1013904223;
			state[0] = (char)('0' + (random >> 8) % 9);
			key[6] = (char)('0' + (random >> 12) % 2);
			switch (random >> 28) {
			case 0:
				fake_write(&fake, 1, key, state);
				break;
			case 1:
				fake_write(&fake, 1, "online", (random & 0x100) != 0 ? "1" : "0");
				break;
			case 2:
			case 3:
				if (state[0] != '6' && state[0] != '8')
					fake_write(&fake, 1, "state", state);
				break;
			case 4:
				fake.xen.fail_at = fake.xen.n_calls + 1 + (random >> 8) % 4;
				break;
			case 5:
				fake_frontend(&fake, 1, false);
				break;
			case 6:
				fake.now += (random >> 8) % 9000;
				break;
			default:
				knows = knows || state[0] == '7';
				if (state[0] != '0')
					fake_write(&fake, 1, "/state", state);
				break;
			}
			fake_run(&fake);
			after = fake_read(&fake, 1, "state");
			n_forbidden += strcmp(before, after) != 0 && !knows &&
			    (strcmp(after, "6") == 0 || strcmp(after, "8") == 0);
		}
		clean = fake_end(&fake) && clean;
	}
	CHECK(clean);
	CHECK_NUMBER(n_forbidden, 0);
}

void
test_guest_backend(struct harness *harness)
{
	test_table(harness);
	test_unasked(harness);
	test_stop(harness);
	test_restart(harness);
	test_event_meanwhile(harness);
	test_made_anew_meanwhile(harness);
	test_report_meanwhile(harness);
	test_any_order(harness);
}
