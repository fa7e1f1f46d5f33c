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

#include "harness.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "../../os/child.h"
#include "child_fixture.h"

static struct child_fixture fixture;

/* It ends when its parent is gone, and by itself in no other way: not when whoever runs this is told to stop. */
static void
test_parent_gone(struct harness *harness)
{
	struct pciback_message start = child_fixture_start();
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];
	struct child_setup setup = { .beside = -1, .uid = 65534, .gid = 65534 };
	int sockets[2], status = -1;
	pid_t child;

	CHECK_NUMBER(child_fixture_start().type, PCIBACK_MESSAGE_START);
	if (!child_fixture_init(&fixture))
		return;
	setup.machine = &fixture.machine;
	setup.root = open("/proc", O_RDONLY | O_DIRECTORY);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)close(sockets[0]);
		setup.socket = sockets[1];
		child_serve(&setup);
	}
	(void)close(sockets[1]);
	pciback_message_write(&start, bytes);
	CHECK(send(sockets[0], bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
	CHECK(recv(sockets[0], bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
	CHECK_NUMBER(bytes[0], PCIBACK_MESSAGE_STARTED);
	CHECK_NUMBER(kill(child, SIGTERM), 0);
	CHECK_NUMBER(kill(child, SIGINT), 0);
	CHECK_NUMBER(child_fixture_request(&fixture, PCIBACK_CONFIG_READ, 0, 4, 0), PCIBACK_NO_DEVICE);
	(void)close(sockets[0]);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	(void)close(setup.root);
	child_fixture_free(&fixture);
}

void
test_os_child(struct harness *harness)
{
	test_parent_gone(harness);
}
