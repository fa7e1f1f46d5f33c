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

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/server.h>

struct child {
	const struct child_setup *setup;
	struct pciback_server server;
	int event_fd;
	int arrived;			/* a file with the message that was received last, or -1 */
	bool is_alone;			/* its proxy is gone */
	int files[PCIBACK_ENTRIES_MAX];	/* of configuration spaces, or -1 */
};

static int
start(void *world, const struct pciback_message *message, struct pciback_page **ret_page,
    enum pciback_start_step *ret_step)
{
	struct child *child = world;
	const struct pciback_child_machine *machine = child->setup->machine;
	int r = child_leave_shared_memory();

	*ret_step = PCIBACK_START_CONFINE;
	if (r == 0)
		r = machine->connect(machine->world, message, ret_page, &child->event_fd, ret_step);
	if (r < 0)
		return r;
	r = child_confine(child->setup, message->domain, child->event_fd);
	*ret_step = r < 0 ? PCIBACK_START_CONFINE : PCIBACK_START_DONE;
	return r;
}

static void
adopt(void *world, uint32_t number)
{
	struct child *child = world;

	child->files[number] = child->arrived;
	child->arrived = -1;
}

/* The proxy does nothing else than to answer. Without it there is nothing to serve. */
static int
ask_proxy(struct child *child, const struct pciback_message *question, uint32_t *ret_value)
{
	int socket = child->setup->beside;
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];
	struct pciback_message answer;

	pciback_message_write(question, bytes);
	if (child_send(socket, bytes) < 0 || child_receive(socket, bytes, NULL) < 0 ||
	    pciback_message_read(bytes, false, &answer) < 0 || answer.type != PCIBACK_MESSAGE_ANSWER) {
		child->is_alone = true;
		return -EPIPE;
	}
	*ret_value = answer.value;
	return answer.result;
}

static int
config_read(void *world, uint32_t number, unsigned offset, unsigned size, uint32_t *ret_value)
{
	struct child *child = world;
	const struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_READ, .number = number,
		.offset = offset, .size = size };
	uint8_t bytes[4];
	ssize_t n;

	if (child->setup->beside >= 0)
		return ask_proxy(child, &question, ret_value);
	n = pread(child->files[number], bytes, size, (off_t)offset);
	if (n != (ssize_t)size)
		return n < 0 ? -errno : -EIO;
	*ret_value = 0;
	for (unsigned i = 0; i < size; i++)
		*ret_value |= (uint32_t)bytes[i] << 8 * i;
	return 0;
}

static int
config_write(void *world, uint32_t number, unsigned offset, unsigned size, uint32_t value)
{
	struct child *child = world;
	const struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_WRITE, .number = number,
		.offset = offset, .size = size, .value = value };
	uint32_t nothing;
	uint8_t bytes[4];
	ssize_t n;

	if (child->setup->beside >= 0)
		return ask_proxy(child, &question, &nothing);
	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	n = pwrite(child->files[number], bytes, size, (off_t)offset);
	if (n == (ssize_t)size)
		return 0;
	return n < 0 ? -errno : -EIO;
}

static void
notify(void *world)
{
	const struct child *child = world;

	child->setup->machine->notify(child->setup->machine->world);
}

static void
unmask(void *world)
{
	const struct child *child = world;

	child->setup->machine->unmask(child->setup->machine->world);
}

static uint64_t
work(void *world)
{
	(void)world;
	return pciback_work();
}

static int
send_message(void *world, const uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	const struct child *child = world;

	return child_send(child->setup->socket, bytes);
}

/* The next message of the parent, with its file. */
static int
receive(void *world, uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	struct child *child = world;

	return child_receive(child->setup->socket, bytes, &child->arrived);
}

/* One turn: what the parent says comes before what the guest asks, so that a device is there once the guest knows. */
static int
turn(struct child *child, int wait)
{
	struct pollfd fds[2] = {
		{ .fd = child->setup->socket, .events = POLLIN },
		{ .fd = child->event_fd, .events = POLLIN },
	};
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	if (poll(fds, 2, wait) < 0 && errno != EINTR)
		return -errno;
	if (fds[0].revents != 0) {
		if (receive(child, bytes) < 0)
			return -EPIPE;
		pciback_server_take(&child->server, bytes, pciback_clock());
	}
	if (child->event_fd >= 0 && fds[1].revents != 0 &&
	    child->setup->machine->take_event(child->setup->machine->world))
		pciback_server_event(&child->server);
	return 0;
}

void
child_serve(const struct child_setup *setup)
{
	struct pciback_server_operations operations = {
		.start = start,
		.adopt = adopt,
		.config_read = config_read,
		.config_write = config_write,
		.notify = notify,
		.unmask = unmask,
		.work = work,
		.send = send_message,
		.receive = receive,
	};
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct child *child = calloc(1, sizeof(*child));
	int wait = -1;

	if (child == NULL)
		_exit(EXIT_FAILURE);
	/* The parent ends it, whoever is told to stop. */
	(void)sigaction(SIGTERM, &ignore, NULL);
	(void)sigaction(SIGINT, &ignore, NULL);
	child_forget(setup);
	child->setup = setup;
	child->event_fd = child->arrived = -1;
	for (size_t i = 0; i < PCIBACK_ENTRIES_MAX; i++)
		child->files[i] = -1;
	pciback_server_init(&child->server, &operations, child, pciback_clock());
	while (child->server.ended == 0 && !child->is_alone && turn(child, wait) == 0)
		wait = pciback_server_run(&child->server, pciback_clock());
	_exit(child->server.ended == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}
