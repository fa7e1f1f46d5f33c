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

#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

int
child_send(int socket, const uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	ssize_t n;

	do
		n = send(socket, bytes, PCIBACK_MESSAGE_SIZE, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == PCIBACK_MESSAGE_SIZE ? 0 : -EPIPE;
}

int
child_receive(int socket, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE], int *ret_file)
{
	struct iovec part = { .iov_base = ret_bytes, .iov_len = PCIBACK_MESSAGE_SIZE };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	const struct cmsghdr *header;
	ssize_t n;

	if (ret_file != NULL) {
		*ret_file = -1;
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
	}
	do
		n = recvmsg(socket, &message, 0);
	while (n < 0 && errno == EINTR);
	if (n != PCIBACK_MESSAGE_SIZE)
		return -EPIPE;
	header = ret_file == NULL ? NULL : CMSG_FIRSTHDR(&message);
	if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(ret_file, CMSG_DATA(header), sizeof(int));
	return 0;
}
