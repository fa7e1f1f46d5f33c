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

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../os/child.h"
#include "child_fixture.h"

static struct child_fixture fixture;

/* A proxy of the test, which is both its parent and its child. */
struct ends {
	int parent, child;
	pid_t pid;
};

static struct ends
start(void)
{
	struct child_setup setup = { .is_proxy = true, .machine = &fixture.machine, .uid = 65534, .gid = 65534 };
	int to_parent[2] = { -1, -1 }, to_child[2] = { -1, -1 };
	struct ends ends;

	child_fixture_use_proxy(&fixture);
	setup.root = open("/proc", O_RDONLY | O_DIRECTORY);
	(void)!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, to_parent);
	(void)!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, to_child);
	(void)fflush(NULL);
	ends = (struct ends){ .parent = to_parent[0], .child = to_child[0], .pid = fork() };
	if (ends.pid == 0) {
		setup.socket = to_parent[1];
		setup.beside = to_child[1];
		child_proxy_serve(&setup);
	}
	(void)close(to_parent[1]);
	(void)close(to_child[1]);
	(void)close(setup.root);
	return ends;
}

static void
give(const struct ends *ends, uint32_t number)
{
	struct pciback_message message = child_fixture_give(&fixture);
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];
	struct iovec part = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };

	message.number = number;
	/* As its parent has it: decoding is on. */
	message.state.kept = 3;
	pciback_message_write(&message, bytes);
	memcpy(CMSG_DATA(&control.header), &fixture.config, sizeof(int));
	(void)!sendmsg(ends->parent, &header, 0);
}

/* Its answer, of type 0 if it is gone. */
static struct pciback_message
ask(const struct ends *ends, enum pciback_ask what, uint32_t number, uint32_t offset, uint32_t size, uint32_t value)
{
	const struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .ask = what, .number = number,
		.offset = offset, .size = size, .value = value };
	struct pciback_message answer = { .number = 0 };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	pciback_message_write(&question, bytes);
	if (child_send(ends->child, bytes) == 0 && child_receive(ends->child, bytes, NULL) == 0)
		(void)pciback_message_read(bytes, false, &answer);
	return answer;
}

/* However: a sanitizer would look for leaks then, by calls that it has no more. */
static bool
has_ended(const struct ends *ends)
{
	(void)close(ends->parent);
	(void)close(ends->child);
	return waitpid(ends->pid, NULL, 0) == ends->pid;
}

/* It knows what it was given before anybody could have asked for it, and accesses that alone. */
static void
test_answers(struct harness *harness)
{
	struct ends ends = start();
	uint8_t command[2] = { 0, 0 };

	give(&ends, 5);
	CHECK_NUMBER(ask(&ends, PCIBACK_ASK_READ, 5, 0, 4, 0).value, fixture.settings.vendor |
	    (uint32_t)fixture.settings.device << 16);
	CHECK_NUMBER(ask(&ends, PCIBACK_ASK_READ, 4, 0, 4, 0).result, -EPERM);
	CHECK_NUMBER(ask(&ends, PCIBACK_ASK_WRITE, 5, 4, 2, 0).result, 0);
	CHECK(pread(fixture.config, command, 2, 4) == 2);
	CHECK_NUMBER(command[0] & 3, 3);
	CHECK_NUMBER(ask(&ends, PCIBACK_ASK_WRITE, 5, 0x10, 4, 0).result, -EPERM);
	/* The child is gone, and so is its proxy. */
	(void)close(ends.child);
	ends.child = -1;
	CHECK_NUMBER(waitpid(ends.pid, NULL, 0), ends.pid);
	(void)close(ends.parent);
}

/* Whoever of the two says what it would not say ends it, and its parent when it goes. */
static void
test_ends(struct harness *harness)
{
	struct ends ends = start();
	uint8_t bytes[PCIBACK_MESSAGE_SIZE] = { 200 };

	CHECK_NUMBER(ask(&ends, PCIBACK_ASK_MSI_ENABLE, 0, 0, 0, 0).type, 0);
	CHECK(has_ended(&ends));
	ends = start();
	CHECK_NUMBER(child_send(ends.parent, bytes), 0);
	CHECK_NUMBER(ask(&ends, PCIBACK_ASK_READ, 0, 0, 4, 0).type, 0);
	CHECK(has_ended(&ends));
	ends = start();
	CHECK_NUMBER(ask(&ends, PCIBACK_ASK_READ, 0, 0, 4, 0).result, -EPERM);
	CHECK(has_ended(&ends));
}

void
test_os_child_proxy(struct harness *harness)
{
	CHECK_NUMBER(child_fixture_start().type, PCIBACK_MESSAGE_START);
	if (!child_fixture_init(&fixture))
		return;
	test_answers(harness);
	test_ends(harness);
	child_fixture_free(&fixture);
}
