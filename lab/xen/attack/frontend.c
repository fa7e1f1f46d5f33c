/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define _GNU_SOURCE

#include "guest.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xenstore.h"

/* The frontend, from user space. */

#define ANSWER_WAIT	2000		/* milliseconds, as Linux's frontend */
#define STATE_WAIT	10000

/* What Linux's devices want; not each machine has the headers that say so. */
struct gntalloc_request {
	uint16_t domain, flags;
	uint32_t count;
	uint64_t index;
	uint32_t references[1];
};
#define GNTALLOC_ALLOC	_IOC(_IOC_NONE, 'G', 5, sizeof(struct gntalloc_request))
#define GNTALLOC_WRITABLE 1
#define EVTCHN_BIND	_IOC(_IOC_NONE, 'E', 2, sizeof(uint32_t))
#define EVTCHN_NOTIFY	_IOC(_IOC_NONE, 'E', 4, sizeof(uint32_t))

uint64_t
now(void)
{
	struct timespec clock;

	(void)clock_gettime(CLOCK_MONOTONIC, &clock);
	return (uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_nsec / 1000000;
}

/* xorshift: the same attack each time. */
uint32_t
any(uint32_t below)
{
	guest.seed ^= guest.seed << 13;
	guest.seed ^= guest.seed >> 7;
	guest.seed ^= guest.seed << 17;
	return (uint32_t)(guest.seed >> 16) % below;
}

void
rest(unsigned milliseconds)
{
	struct timespec time = { .tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000 };

	(void)nanosleep(&time, NULL);
}

static void
fail(const char *what)
{
	for (;;) {
		printf("hostile-guest {\"failed\":\"%s: %s\"}\n", what, strerror(errno));
		(void)fflush(stdout);
		sleep(5);
	}
}

void
say_state(unsigned state)
{
	char text[8];

	(void)snprintf(text, sizeof(text), "%u", state);
	count.states++;
	(void)xenstore_write("device/pci/0/state", text);
}

int
backend_state(void)
{
	char path[160], text[16];

	(void)snprintf(path, sizeof(path), "%s/state", guest.backend);
	return xenstore_read(path, text, sizeof(text)) < 0 ? -1 : atoi(text);
}

bool
wait_for_state(unsigned states)
{
	uint64_t end = now() + STATE_WAIT;

	do {
		int state = backend_state();

		if (state >= 0 && state < 9 && (states & STATE(state)) != 0)
			return true;
		rest(5);
	} while (now() < end);
	return false;
}

void
publish(uint32_t reference, uint32_t port)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", (unsigned)reference);
	(void)xenstore_write("device/pci/0/pci-op-ref", text);
	(void)snprintf(text, sizeof(text), "%u", (unsigned)port);
	(void)xenstore_write("device/pci/0/event-channel", text);
	(void)xenstore_write("device/pci/0/magic", PCIBACK_MAGIC);
}

void
notify(void)
{
	uint32_t port = guest.port;

	count.events++;
	(void)ioctl(guest.events, EVTCHN_NOTIFY, &port);
}

int
request(uint32_t command, uint32_t devfn, int32_t offset, int32_t size, uint32_t *value)
{
	struct pciback_page_request *asked = &guest.page->request;
	uint64_t end = now() + ANSWER_WAIT;

	atomic_store(&asked->command, command);
	atomic_store(&asked->domain, 0);
	atomic_store(&asked->bus, 0);
	atomic_store(&asked->devfn, devfn);
	atomic_store(&asked->offset, offset);
	atomic_store(&asked->size, size);
	atomic_store(&asked->value, *value);
	atomic_store(&guest.page->flags, PCIBACK_FLAG_REQUEST);
	count.requests++;
	notify();
	while ((atomic_load(&guest.page->flags) & PCIBACK_FLAG_REQUEST) != 0)
		if (now() >= end) {
			count.late++;
			return 1;
		}
	count.answers++;
	*value = atomic_load(&asked->value);
	return atomic_load(&asked->error);
}

static uint32_t
config(int32_t offset)
{
	uint32_t value = 0;

	return request(PCIBACK_CONFIG_READ, 0, offset, 4, &value) == PCIBACK_DONE ? value : 0;
}

void
learn(void)
{
	unsigned position = config(0x34) & 0xfc;

	for (int i = 0; i < BARS; i++) {
		uint32_t bar = config(0x10 + 4 * i);

		guest.bar[i] = 0;
		if ((bar & 1) == 0 && (bar & ~0xfU) != 0) {
			guest.bar[i] = bar & ~UINT64_C(0xf);
			if ((bar & 6) == 4 && i + 1 < BARS) {
				guest.bar[i] |= (uint64_t)config(0x10 + 4 * (i + 1)) << 32;
				guest.bar[++i] = 0;
			}
		}
	}
	for (int n = 0; n < 48 && position >= 0x40; n++) {
		uint32_t head = config((int32_t)position);

		if ((head & 0xff) == 0x11) {
			uint32_t table = config((int32_t)position + 4);

			if ((table & 7) < BARS && guest.bar[table & 7] != 0)
				guest.table = guest.bar[table & 7] + (table & ~7U);
			return;
		}
		position = head >> 8 & 0xfc;
	}
}

bool
frontend_connect(void)
{
	atomic_store(&guest.page->flags, any(2) != 0 ? PCIBACK_FLAG_AER_HANDLER : 0);
	say_state(6);
	/* At 2 there is nothing to be closed: it waits for a frontend since one has started anew. */
	(void)wait_for_state(STATE(2) | STATE(5) | STATE(6));
	say_state(1);
	publish(guest.reference, guest.port);
	say_state(3);
	if (!wait_for_state(STATE(4)))
		return false;
	say_state(4);
	return true;
}

void
frontend_open(void)
{
	struct gntalloc_request page = { .flags = GNTALLOC_WRITABLE, .count = 1 };
	uint32_t domain = 0;
	int allocator = open("/dev/xen/gntalloc", O_RDWR), port;

	if (xenstore_open() < 0)
		fail("xenbus");
	if (allocator < 0 || ioctl(allocator, GNTALLOC_ALLOC, &page) < 0)
		fail("gntalloc");
	guest.reference = page.references[0];
	guest.page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, allocator, (off_t)page.index);
	guest.window = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (guest.page == MAP_FAILED || guest.window == MAP_FAILED)
		fail("mmap");
	memset(guest.window, 1, PAGE);
	guest.scratch = memfd_create("word", 0);
	if (guest.scratch < 0)
		fail("memfd");
	guest.events = open("/dev/xen/evtchn", O_RDWR);
	port = guest.events < 0 ? -1 : ioctl(guest.events, EVTCHN_BIND, &domain);
	if (port < 0)
		fail("evtchn");
	guest.port = (uint32_t)port;
	guest.privcmd = open("/dev/xen/privcmd", O_RDWR);
	if (guest.privcmd < 0)
		fail("privcmd");
}
