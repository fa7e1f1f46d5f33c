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

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../os/child.h"

/* A message comes as it went; what is none, and an end that is gone, are told. */
static void
test_messages(struct harness *harness)
{
	uint8_t sent[PCIBACK_MESSAGE_SIZE], received[PCIBACK_MESSAGE_SIZE];
	int sockets[2], file = 99;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	memset(sent, 7, sizeof(sent));
	CHECK_NUMBER(child_send(sockets[0], sent), 0);
	CHECK_NUMBER(child_receive(sockets[1], received, &file), 0);
	CHECK_NUMBER(file, -1);
	CHECK(memcmp(sent, received, sizeof(sent)) == 0);
	CHECK(send(sockets[0], sent, 5, 0) == 5);
	CHECK_NUMBER(child_receive(sockets[1], received, NULL), -EPIPE);
	(void)close(sockets[0]);
	CHECK_NUMBER(child_receive(sockets[1], received, NULL), -EPIPE);
	CHECK_NUMBER(child_send(sockets[1], sent), -EPIPE);
	(void)close(sockets[1]);
}

/* A file comes with a message to whom takes one, and to nobody else. */
static void
test_files(struct harness *harness)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE] = { 0 };
	struct iovec part = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	int sockets[2], file = -1, next;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	memcpy(CMSG_DATA(&control.header), &sockets[0], sizeof(int));
	CHECK(sendmsg(sockets[0], &message, 0) == (ssize_t)sizeof(bytes));
	CHECK(sendmsg(sockets[0], &message, 0) == (ssize_t)sizeof(bytes));
	CHECK_NUMBER(child_receive(sockets[1], bytes, &file), 0);
	CHECK(file > sockets[1]);
	/* The lowest number that is free is free still. */
	next = dup(sockets[1]);
	(void)close(next);
	CHECK_NUMBER(child_receive(sockets[1], bytes, NULL), 0);
	CHECK_NUMBER(dup(sockets[1]), next);
	(void)close(next);
	(void)close(file);
	(void)close(sockets[0]);
	(void)close(sockets[1]);
}

void
test_os_child_socket(struct harness *harness)
{
	test_messages(harness);
	test_files(harness);
}
