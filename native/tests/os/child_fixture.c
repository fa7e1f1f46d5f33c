/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#endif

#include "child_fixture.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

static int
connect_child(void *world, const struct pciback_message *start, struct pciback_page **ret_page, int *ret_fd,
    enum pciback_start_step *ret_step)
{
	struct child_fixture *fixture = world;

	*ret_step = PCIBACK_START_PAGE;
	/* Of another domain there is none. */
	if (start->domain != 7)
		return -2;
	/* What is shared with the test by now is gone, as what is shared with pcibackd. */
	*ret_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->memory, 0);
	if (*ret_page == MAP_FAILED)
		return -3;
	*ret_fd = fixture->events[1];
	return 0;
}

static bool
take_event(void *world)
{
	struct child_fixture *fixture = world;
	char byte;

	return read(fixture->events[1], &byte, 1) == 1;
}

static void
notify(void *world)
{
	struct child_fixture *fixture = world;

	(void)!write(fixture->events[1], "n", 1);
}

static void
unmask(void *world)
{
	(void)world;
}

static int
config_file(void *world, void *device)
{
	(void)world;
	return *(const int *)device;
}

static int
adopt(void *world, int file, const struct pciback_address *address, void **ret_handle)
{
	static int adopted;

	(void)world;
	(void)address;
	adopted = file;
	*ret_handle = &adopted;
	return 0;
}

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	uint8_t bytes[4] = { 0 };

	(void)world;
	if (pread(*(const int *)handle, bytes, size, (off_t)offset) != (ssize_t)size)
		return -EIO;
	*ret_value = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	return 0;
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24) };

	(void)world;
	return pwrite(*(const int *)handle, bytes, size, (off_t)offset) == (ssize_t)size ? 0 : -EIO;
}

void
child_fixture_use_proxy(struct child_fixture *fixture)
{
	static const struct pciback_operations operations = { .config_read = config_read, .config_write = config_write };

	fixture->machine.adopt = adopt;
	fixture->machine.operations = &operations;
}

bool
child_fixture_is_watched(void)
{
	const char *loaded = getenv("LD_PRELOAD");

	return loaded != NULL && strstr(loaded, "vgpreload") != NULL;
}

bool
child_fixture_init(struct child_fixture *fixture)
{
	char path[] = "/tmp/test-child.XXXXXX", path_of_page[] = "/tmp/test-child.XXXXXX";
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	struct fixture card;

#if !defined(__linux__)
	return false;
#endif
	if (child_fixture_is_watched())
		return false;
	memset(fixture, 0, sizeof(*fixture));
	fixture_card(config);
	fixture_init(&card, config, sizeof(config));
	fixture->settings = card.settings;
	if (fixture_hand_out(&card) < 0)
		abort();
	for (unsigned i = 0; i < sizeof(config); i++)
		config[i] = (uint8_t)fixture_real(&card, i, 1);
	fixture_free(&card);
	fixture->memory = mkstemp(path_of_page);
	if (fixture->memory < 0 || unlink(path_of_page) < 0 || ftruncate(fixture->memory, 4096) < 0)
		abort();
	fixture->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->memory, 0);
	fixture->config = mkstemp(path);
	if (fixture->page == MAP_FAILED || fixture->config < 0 || unlink(path) < 0 ||
	    pwrite(fixture->config, config, sizeof(config), 0) != (ssize_t)sizeof(config) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fixture->events) < 0)
		abort();
	(void)fcntl(fixture->events[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(fixture->events[1], F_SETFL, O_NONBLOCK);
	fixture->machine = (struct pciback_child_machine){
		.connect = connect_child,
		.take_event = take_event,
		.notify = notify,
		.unmask = unmask,
		.world = fixture,
		.config_file = config_file,
	};
	return true;
}

void
child_fixture_free(struct child_fixture *fixture)
{
	(void)munmap(fixture->page, 4096);
	(void)close(fixture->memory);
	(void)close(fixture->config);
	(void)close(fixture->events[0]);
	(void)close(fixture->events[1]);
}

struct pciback_message
child_fixture_start(void)
{
	return (struct pciback_message){ .type = PCIBACK_MESSAGE_START, .domain = 7 };
}

struct pciback_message
child_fixture_give(const struct child_fixture *fixture)
{
	return (struct pciback_message){ .type = PCIBACK_MESSAGE_GIVE, .settings = fixture->settings };
}

void
child_fixture_put(struct child_fixture *fixture, uint32_t command, int32_t offset, int32_t size, uint32_t value)
{
	struct pciback_page *page = fixture->page;

	atomic_store(&page->request.command, command);
	atomic_store(&page->request.offset, offset);
	atomic_store(&page->request.size, size);
	atomic_store(&page->request.value, value);
	atomic_store(&page->request.error, 99);
	atomic_fetch_or(&page->flags, (uint32_t)PCIBACK_FLAG_REQUEST);
	(void)!write(fixture->events[0], "e", 1);
}

int32_t
child_fixture_wait(struct child_fixture *fixture)
{
	struct pciback_page *page = fixture->page;
	struct pollfd answer = { .fd = fixture->events[0], .events = POLLIN };
	char bytes[16];

	while ((atomic_load(&page->flags) & PCIBACK_FLAG_REQUEST) != 0)
		if (poll(&answer, 1, 5000) <= 0)
			return 99;
	(void)!read(fixture->events[0], bytes, sizeof(bytes));
	return atomic_load(&page->request.error);
}

int32_t
child_fixture_request(struct child_fixture *fixture, uint32_t command, int32_t offset, int32_t size,
    uint32_t value)
{
	child_fixture_put(fixture, command, offset, size, value);
	return child_fixture_wait(fixture);
}
