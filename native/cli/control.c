/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "commands.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/control.h>
#include <pciback/platform.h>

#include "output.h"

/* The commands that pcibackd carries out. The protocol is in <pciback/control.h>. */

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define RETRY_CONNECT	100	/* milliseconds, while too many others wait */

/* Waits until something can be read or written; the deadline is of pciback_clock(). Returns 0, -ETIMEDOUT or another negative errno value. */
static int
wait_for(int fd, short events, uint64_t deadline)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = events };
		uint64_t now = pciback_clock();
		int n = now >= deadline ? 0 : poll(&poll_fd, 1, (int)(deadline - now));

		if (n == 0)
			return -ETIMEDOUT;
		if (n > 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* Connects; returns a descriptor or a negative errno value. */
static int
connect_to(const char *path, uint64_t deadline)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		if (error == EINTR)
			continue;
		/* So many clients wait that one more can't. */
		if (error == EAGAIN && pciback_clock() < deadline) {
			pciback_pause(NULL, RETRY_CONNECT);
			continue;
		}
		(void)close(fd);
		return error == EAGAIN ? -ETIMEDOUT : -error;
	}
	return fd;
}

/* Sends the request; what can't be sent any more is seen when the answer is read. */
static void
tell(int fd, const char *request, size_t length, uint64_t deadline)
{
	while (length > 0) {
		ssize_t sent = send(fd, request, length, MSG_NOSIGNAL);

		if (sent > 0) {
			request += sent;
			length -= (size_t)sent;
		} else if (sent < 0 && errno == EAGAIN) {
			if (wait_for(fd, POLLOUT, deadline) < 0)
				return;
		} else if (errno != EINTR) {
			return;
		}
	}
}

/* Reads the answer to its end; the caller frees it. Returns 0 or a negative errno value. */
static int
hear(int fd, uint64_t deadline, char **ret_answer)
{
	size_t size = 4096, n = 0;
	char *answer = malloc(size);

	while (answer != NULL) {
		ssize_t got = recv(fd, answer + n, size - n - 1, 0);
		int r = got < 0 ? -errno : 0;

		if (r == -EAGAIN)
			r = wait_for(fd, POLLIN, deadline);
		if (r < 0 && r != -EINTR) {
			free(answer);
			return r;
		}
		if (got < 0)
			continue;
		if (got == 0)
			break;
		n += (size_t)got;
		if (n + 1 == size) {
			char *larger = realloc(answer, size * 2);

			if (larger == NULL)
				free(answer);
			answer = larger;
			size *= 2;
		}
	}
	if (answer == NULL)
		return -ENOMEM;
	if (n == 0) {
		free(answer);
		return -ECONNRESET;
	}
	answer[n] = '\0';
	*ret_answer = answer;
	return 0;
}

/* The answer's first line is the exit status and why; the rest is for standard output. */
static int
print_answer(const struct cli_options *options, char *answer)
{
	char *rest = strchr(answer, '\n'), *why;
	int status;

	if (rest == NULL || answer[0] < '0' || answer[0] > '9')
		return cli_fail(options, CLI_FAILED, "pcibackd gave no answer");
	*rest++ = '\0';
	status = (int)strtol(answer, &why, 10);
	if (status != CLI_OK)
		return cli_fail(options, status, "%s", *why == ' ' ? why + 1 : "it failed");
	(void)fputs(rest, stdout);
	return cli_flush();
}

static int
request(const struct cli_options *options, const char *verb, const char *flag)
{
	const char *path = options->control != NULL ? options->control : PCIBACK_CONTROL_PATH;
	char line[PCIBACK_CONTROL_LINE], *answer = NULL;
	unsigned seconds = options->wait != 0 ? (unsigned)options->wait : PCIBACK_CONTROL_WAIT;
	uint64_t deadline;
	size_t length;
	int fd, status, r;

	length = (size_t)snprintf(line, sizeof(line), "%s %s", verb, options->json ? "json" : "text");
	if (options->domain != NULL)
		length += (size_t)snprintf(line + length, sizeof(line) - length, " %.20s%s",
		    options->domain, flag);
	for (size_t i = 0; i < options->n_words && length < sizeof(line); i++)
		length += (size_t)snprintf(line + length, sizeof(line) - length, " %.100s",
		    options->words[i]);
	if (length >= sizeof(line) - 1)
		return cli_fail(options, CLI_USAGE, "that many devices are on no bus");
	/* A line is a line. */
	for (size_t i = 0; i < length; i++)
		if (line[i] == '\n')
			line[i] = '?';
	line[length++] = '\n';
	deadline = pciback_clock() + (uint64_t)seconds * 1000;
	fd = connect_to(path, deadline);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return cli_fail(options, CLI_FAILED, "pcibackd is not running: nobody listens at %s", path);
	if (fd < 0 && fd != -ETIMEDOUT)
		return cli_fail(options, CLI_FAILED, "%s can't be reached: %s", path, strerror(-fd));
	r = fd;
	if (fd >= 0) {
		tell(fd, line, length, deadline);
		r = hear(fd, deadline, &answer);
		(void)close(fd);
	}
	if (r == -ETIMEDOUT)
		return cli_fail(options, CLI_FAILED, "pcibackd has not answered within %u s: it hangs, or "
		    "xenstored does; what was asked may still be done", seconds);
	if (r < 0)
		return cli_fail(options, CLI_FAILED, "pcibackd gave no answer: %s", strerror(-r));
	status = print_answer(options, answer);
	free(answer);
	return status;
}

int
cli_status(const struct cli_options *options)
{
	if (options->is_kernel)
		return cli_kernel_status(options);
	return request(options, "status", "");
}

int
cli_take(const struct cli_options *options)
{
	return request(options, options->check ? "check" : "take", "");
}

int
cli_return(const struct cli_options *options)
{
	return request(options, "return", "");
}

int
cli_attach(const struct cli_options *options)
{
	static const char *const flags[] = { "", " permissive", " rdm-relaxed", " permissive rdm-relaxed" };

	if (options->is_kernel)
		return cli_kernel_attach(options);
	return request(options, "attach", flags[options->permissive + 2 * options->rdm_relaxed]);
}

int
cli_detach(const struct cli_options *options)
{
	if (options->is_kernel)
		return cli_kernel_detach(options);
	return request(options, "detach", options->force ? " force" : "");
}
