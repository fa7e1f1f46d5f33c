/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "harness.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../daemon/control.h"
#include "fake_xen.h"

#define PATH	"build/test-control.sock"

/* A client that has sent a text. */
static int
client_of(const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Does what is possible at once, a few times. */
static void
serve(struct control *control, uint64_t now)
{
	struct pollfd fds[1 + CONTROL_CLIENTS];

	for (unsigned i = 0; i < 4; i++) {
		size_t n = control_poll(control, fds);

		(void)poll(fds, (nfds_t)n, 0);
		control_run(control, fds, n, now);
	}
}

/* What the client was told by the end of its connection; "(open)" while there is neither. */
static const char *
answer_to(int fd)
{
	static char text[4096];
	size_t length = 0;
	ssize_t n;

	while ((n = recv(fd, text + length, sizeof(text) - 1 - length, MSG_DONTWAIT)) > 0)
		length += (size_t)n;
	if (length == 0 && n < 0)
		return "(open)";
	text[length] = '\0';
	(void)close(fd);
	return text;
}

static void
test_paths(struct harness *harness, struct fake *fake)
{
	static struct control control, second;
	char longest[200];
	struct stat status;
	FILE *file;

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	CHECK_NUMBER(control_open(&control, longest, &fake->backend), -ENAMETOOLONG);
	control_close(&control);
	file = fopen(PATH, "w");
	CHECK(file != NULL && fclose(file) == 0);
	CHECK_NUMBER(control_open(&control, PATH, &fake->backend), -EEXIST);
	CHECK_NUMBER(remove(PATH), 0);
	CHECK_NUMBER(control_open(&control, PATH, &fake->backend), 0);
	CHECK(stat(PATH, &status) == 0 && (status.st_mode & 0777) == 0600);
	CHECK_NUMBER(control_open(&second, PATH, &fake->backend), -EADDRINUSE);
	control_close(&second);
	CHECK_NUMBER(access(PATH, F_OK), 0);
	/* Of a process that was killed: nobody listens, and it is replaced. */
	(void)close(control.fd);
	CHECK_NUMBER(control_open(&second, PATH, &fake->backend), 0);
	control_close(&second);
	CHECK(access(PATH, F_OK) < 0);

	/* Another's socket, in the place of ours, stays. */
	CHECK_NUMBER(control_open(&control, PATH, &fake->backend), 0);
	CHECK_NUMBER(unlink(PATH), 0);
	CHECK_NUMBER(control_open(&second, PATH, &fake->backend), 0);
	control_close(&control);
	CHECK_NUMBER(access(PATH, F_OK), 0);
	control_close(&second);
	CHECK(access(PATH, F_OK) < 0);
	CHECK_NUMBER(control_open(&control, "build/nothing/socket", &fake->backend), -ENOENT);
	CHECK_NUMBER(control_open(&control, "/dev/null/socket", &fake->backend), -ENOTDIR);
}

/* Who hangs takes clients until its queue is full; it is alive all the same, and not waited for. */
static void
test_hung(struct harness *harness, struct fake *fake)
{
	static struct control control, second;
	int clients[64], n = 0;

	CHECK_NUMBER(control_open(&control, PATH, &fake->backend), 0);
	for (; n < 64; n++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = PATH };

		clients[n] = socket(AF_UNIX, SOCK_STREAM, 0);
		(void)fcntl(clients[n], F_SETFL, O_NONBLOCK);
		if (connect(clients[n], (const struct sockaddr *)&address, sizeof(address)) < 0)
			break;
	}
	CHECK(n < 64);
	CHECK_NUMBER(control_open(&second, PATH, &fake->backend), -EADDRINUSE);
	for (int i = 0; i <= n && i < 64; i++)
		(void)close(clients[i]);
	control_close(&control);
}

static void
test_clients(struct harness *harness, struct fake *fake)
{
	static struct control control;
	int fds[CONTROL_CLIENTS + 1], silent;

	CHECK_NUMBER(control_open(&control, PATH, &fake->backend), 0);
	CHECK_NUMBER(control_wait(&control, 0), -1);
	fds[0] = client_of("status text\n");
	fds[1] = client_of("status nonsense\n");
	silent = client_of("stat");
	serve(&control, 1000);
	CHECK_TEXT(answer_to(fds[0]), "0\nno guest has devices\n");
	CHECK_TEXT(answer_to(fds[1]), "2 no such request\n");
	CHECK_TEXT(answer_to(silent), "(open)");
	/* A client has 5 seconds to say what it wants. */
	CHECK_NUMBER(control_wait(&control, 1500), 4500);
	serve(&control, 6000);
	CHECK_TEXT(answer_to(silent), "");
	CHECK_NUMBER(control_wait(&control, 6000), -1);

	/* One more than there is room for. */
	for (size_t i = 0; i <= CONTROL_CLIENTS; i++) {
		fds[i] = client_of("");
		serve(&control, 7000);
	}
	CHECK_TEXT(answer_to(fds[CONTROL_CLIENTS]), "");
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		(void)close(fds[i]);
	serve(&control, 7000);
	CHECK_NUMBER(control_wait(&control, 7000), -1);
	control_close(&control);
}

/* A change takes its time, and its client waits for it, or does not. */
static void
test_changes(struct harness *harness, struct fake *fake)
{
	static struct control control;
	int fd, gone;

	CHECK_NUMBER(control_open(&control, PATH, &fake->backend), 0);
	fd = client_of("detach text 3 03:00.0\n");
	gone = client_of("attach text 9 03:01.0\n");
	serve(&control, fake->now);
	CHECK_TEXT(answer_to(fd), "(open)");
	(void)close(gone);
	serve(&control, fake->now);
	fake_run(fake);
	control_answer(&control);
	serve(&control, fake->now);
	CHECK_TEXT(answer_to(fd), "1 0000:03:00.0 is not attached to domain 3\n");
	/* There is room for two, and both have it again. */
	for (unsigned i = 0; i < 2; i++) {
		fd = client_of("detach text 3 03:00.0\n");
		serve(&control, fake->now);
		CHECK_TEXT(answer_to(fd), "(open)");
	}
	gone = client_of("detach text 3 03:00.0\n");
	serve(&control, fake->now);
	CHECK_TEXT(answer_to(gone), "1 too many changes at once; try again\n");
	control_close(&control);
	(void)close(fd);
}

void
test_daemon_control(struct harness *harness)
{
	static struct fake fake;

	fake_init(&fake);
	test_paths(harness, &fake);
	test_hung(harness, &fake);
	test_clients(harness, &fake);
	test_changes(harness, &fake);
	CHECK(fake_end(&fake));
}
