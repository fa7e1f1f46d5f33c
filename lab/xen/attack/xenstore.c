/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _GNU_SOURCE

#include "xenstore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Of Xen's public header io/xs_wire.h. */
enum {
	MESSAGE_READ = 2,
	MESSAGE_WRITE = 11,
	MESSAGE_ERROR = 16,
};

struct message {
	uint32_t type, request, transaction, length;
	char body[4096];
};

#define HEAD offsetof(struct message, body)

static int xenbus = -1;

int
xenstore_open(void)
{
	xenbus = open("/dev/xen/xenbus", O_RDWR);
	return xenbus < 0 ? -errno : 0;
}

static int
take(void *into, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = read(xenbus, (char *)into + done, n - done);

		if (r <= 0)
			return -1;
		done += (size_t)r;
	}
	return 0;
}

/* Sends a message and takes its answer in its place. */
static int
ask(struct message *message)
{
	if (write(xenbus, message, HEAD + message->length) != (ssize_t)(HEAD + message->length))
		return -1;
	if (take(message, HEAD) < 0 || message->length > sizeof(message->body) || take(message->body, message->length) < 0)
		return -1;
	return message->type == MESSAGE_ERROR ? -1 : 0;
}

/* `path`, its end, and `text`, if there is one. */
static int
send_path(struct message *message, uint32_t type, const char *path, const char *text)
{
	size_t n = strlen(path) + 1, m = text != NULL ? strlen(text) : 0;

	if (n + m > sizeof(message->body))
		return -1;
	message->type = type;
	message->request = message->transaction = 0;
	memcpy(message->body, path, n);
	if (m > 0)
		memcpy(message->body + n, text, m);
	message->length = (uint32_t)(n + m);
	return ask(message);
}

int
xenstore_read(const char *path, char *ret_text, size_t size)
{
	struct message message;
	size_t n;

	if (size == 0 || send_path(&message, MESSAGE_READ, path, NULL) < 0)
		return -1;
	n = message.length < size - 1 ? message.length : size - 1;
	memcpy(ret_text, message.body, n);
	ret_text[n] = '\0';
	return 0;
}

int
xenstore_write(const char *path, const char *text)
{
	struct message message;

	return send_path(&message, MESSAGE_WRITE, path, text);
}
