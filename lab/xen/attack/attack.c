/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A guest that attacks its PCI backend, in the lab. It is its own frontend, from user space: a page by gntalloc, an event
 * channel by evtchn, xenstore by xenbus, and mappings by calls of the hypervisor. It waits until dom0 has given it a device
 * and has written for how many seconds to attack; then it loops the states, scribbles over the page while it is served,
 * floods the event channel, and maps the device's MSI-X table, its other registers and those of others. At the end it
 * closes, and says on standard output what it has tried and what it has reached: JSON after "hostile-guest ".
 */

#define _GNU_SOURCE

#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "xenstore.h"

#define CLOSE_WAIT	60000		/* milliseconds */
#define TRY_WAIT	120000

struct count count;
struct guest guest = { .seed = UINT64_C(0x9e3779b97f4a7c15) };

/* Changes what stands in the page while it is served. */
static void
scribble(void)
{
	_Atomic uint32_t *words = (_Atomic uint32_t *)guest.page;
	uint64_t end = now() + 100;

	do {
		uint32_t value = any(16);

		atomic_store(&guest.page->request.command, any(12));
		atomic_store(&guest.page->request.size, any(2) != 0 ? (int32_t)(1U << any(4)) : (int32_t)any(UINT32_MAX));
		atomic_store(&guest.page->request.offset, any(2) != 0 ? (int32_t)any(4096) : (int32_t)any(UINT32_MAX));
		atomic_store(&guest.page->request.devfn, any(4) != 0 ? 0 : any(300));
		atomic_store(&guest.page->request.value, any(UINT32_MAX));
		atomic_store(&guest.page->flags, PCIBACK_FLAG_REQUEST | value);
		notify();
		for (int i = 0; i < 200; i++) {
			/* Small numbers more often than others: they mean something. */
			atomic_store(&words[any(sizeof(*guest.page) / 4)], any(4) != 0 ? any(256) : any(UINT32_MAX));
			count.scribbles++;
		}
	} while (now() < end);
	atomic_store(&guest.page->flags, 0);
}

/* Asks for functions that it was not given. */
static void
ask_for_others(void)
{
	for (uint32_t devfn = 1; devfn < 256; devfn += 1 + any(16)) {
		uint32_t value = 0;

		if (request(PCIBACK_CONFIG_READ, devfn, 0, 4, &value) == PCIBACK_DONE && value != UINT32_MAX && value != 0)
			count.foreign_served++;
	}
}

static void
flood(void)
{
	for (int i = 0; i < 5000; i++)
		notify();
}

static void
loop_states(void)
{
	static const unsigned order[] = { 6, 1, 3 };
	bool is_patient = any(2) != 0;

	for (int i = 0; i < 30; i++) {
		say_state(any(8) != 0 ? order[i % 3] : any(9));
		if (is_patient)
			rest(any(30));
		else
			map_own(false);
	}
}

static void
write_garbage(void)
{
	publish(any(UINT32_MAX), any(2) != 0 ? any(4096) : any(UINT32_MAX));
	(void)xenstore_write("device/pci/0/magic", any(2) != 0 ? "" : "65536");
	(void)xenstore_write("device/pci/0/state", any(2) != 0 ? "-1" : "44444444444444444444");
	say_state(3);
	count.garbage++;
	rest(50);
}

/*
 * A connected frontend closes, and tries then to map what was taken back. A backend that was at 4 comes to 5 or 6 once it
 * has taken everything back: to 6 only for a frontend that is known to survive that. False where it does not follow.
 */
static bool
close_and_try(void)
{
	say_state(6);
	if (!wait_for_state(STATE(5) | STATE(6)))
		return false;
	map_own(true);
	return true;
}

/* Waits for a device and for the word to begin; for how many seconds. */
static unsigned
wait_for_order(void)
{
	char text[128];

	while (xenstore_read("data/attack", text, sizeof(text)) < 0 ||
	    xenstore_read("device/pci/0/backend", guest.backend, sizeof(guest.backend)) < 0)
		rest(200);
	return (unsigned)strtoul(text, NULL, 10);
}

static void
attack(unsigned seconds)
{
	uint64_t end = now() + UINT64_C(1000) * seconds;

	/* A slow machine may need longer for everything to be tried once. */
	while (now() < end || ((count.table_tried == 0 || count.closed_tried == 0) && now() < end + TRY_WAIT)) {
		bool is_connected = frontend_connect();

		count.cycles++;
		if (is_connected) {
			if (guest.table == 0)
				learn();
			map_own(false);
			scribble();
			ask_for_others();
			flood();
			scribble();
		}
		map_foreign();
		if (is_connected)
			(void)close_and_try();
		loop_states();
		if (any(4) == 0)
			write_garbage();
	}
	/* What is compared afterwards is a guest that has closed, however slow the machine is. It is let in first: by then
	 * the backend may be at a state that does not tell whether it has seen the last of the frontend's. */
	do
		count.ended_closed = frontend_connect() && close_and_try();
	while (count.ended_closed == 0 && now() < end + CLOSE_WAIT);
}

static void
report(const char *word)
{
	printf("hostile-guest {\"said\":\"%s\",\"table\":%llu,\"cycles\":%lu,\"states\":%lu,\"requests\":%lu,\"answers\":%lu,"
	    "\"late\":%lu,\"scribbles\":%lu,\"events\":%lu,\"garbage\":%lu,\"foreign_served\":%lu,\"mapped_open\":%lu,"
	    "\"mapped_closed\":%lu,\"closed_tried\":%lu,\"refused\":%lu,\"foreign_tried\":%lu,\"foreign_mapped\":%lu,"
	    "\"table_tried\":%lu,\"table_written\":%lu,\"ended_closed\":%lu}\n",
	    word, (unsigned long long)guest.table, count.cycles, count.states, count.requests, count.answers, count.late,
	    count.scribbles, count.events, count.garbage, count.foreign_served, count.mapped_open, count.mapped_closed,
	    count.closed_tried, count.refused, count.foreign_tried, count.foreign_mapped, count.table_tried,
	    count.table_written, count.ended_closed);
	(void)fflush(stdout);
}

int
main(void)
{
	unsigned seconds;

	frontend_open();
	report("ready");
	seconds = wait_for_order();
	attack(seconds);
	/* Lines of the kernel may stand in the middle of one. */
	for (;;) {
		report("done");
		sleep(2);
	}
}
