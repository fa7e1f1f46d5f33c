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
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <pciback/config_proxy.h>

/* A device of the parent's, with its file. One that can't be had is missed by the child. */
static int
take_device(const struct child_setup *setup, struct pciback_config_proxy *proxy)
{
	const struct pciback_child_machine *machine = setup->machine;
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];
	struct pciback_message message;
	void *handle;
	int file;

	if (child_receive(setup->socket, bytes, &file) < 0 || file < 0 || pciback_message_read(bytes, false, &message) < 0)
		return -EPROTO;
	if (machine->adopt(machine->devices, file, &message.settings.address, &handle) == 0)
		(void)pciback_config_proxy_give(proxy, bytes, handle);
	return 0;
}

static int
answer(const struct child_setup *setup, struct pciback_config_proxy *proxy)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE], answer_bytes[PCIBACK_MESSAGE_SIZE];
	int r = child_receive(setup->beside, bytes, NULL);

	if (r == 0)
		r = pciback_config_proxy_answer(proxy, bytes, answer_bytes);
	return r < 0 ? r : child_send(setup->beside, answer_bytes);
}

/* The parent comes first: what it has said before it spoke to the child is known before the child asks. */
static int
turn(const struct child_setup *setup, struct pciback_config_proxy *proxy)
{
	struct pollfd fds[2] = {
		{ .fd = setup->socket, .events = POLLIN },
		{ .fd = setup->beside, .events = POLLIN },
	};

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[0].revents != 0)
		return take_device(setup, proxy);
	return answer(setup, proxy);
}

void
child_proxy_serve(const struct child_setup *setup)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct pciback_config_proxy *proxy = calloc(1, sizeof(*proxy));

	/* The parent ends it, whoever is told to stop. No domain has the number 0. */
	(void)sigaction(SIGTERM, &ignore, NULL);
	(void)sigaction(SIGINT, &ignore, NULL);
	child_forget(setup);
	if (proxy == NULL || child_leave_shared_memory() < 0 || child_confine(setup, 0, -1) < 0)
		_exit(EXIT_FAILURE);
	pciback_config_proxy_init(proxy, setup->machine->operations, setup->machine->devices);
	while (turn(setup, proxy) == 0)
		continue;
	_exit(EXIT_SUCCESS);
}
