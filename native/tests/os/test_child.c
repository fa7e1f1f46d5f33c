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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../os/child.h"
#include "child_fixture.h"

static struct child_fixture fixture;

/* A child of this process that was told to start; what it has answered, and the parent's end of its socket. */
static pid_t
start_child(struct harness *harness, struct child_setup *setup, int *ret_socket, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE])
{
	struct pciback_message start = child_fixture_start();
	int sockets[2];
	pid_t child;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)close(sockets[0]);
		setup->socket = sockets[1];
		child_serve(setup);
	}
	(void)close(sockets[1]);
	pciback_message_write(&start, ret_bytes);
	CHECK(send(sockets[0], ret_bytes, PCIBACK_MESSAGE_SIZE, 0) == (ssize_t)PCIBACK_MESSAGE_SIZE);
	CHECK(recv(sockets[0], ret_bytes, PCIBACK_MESSAGE_SIZE, 0) == (ssize_t)PCIBACK_MESSAGE_SIZE);
	*ret_socket = sockets[0];
	return child;
}

/* It ends when its parent is gone, and by itself in no other way: not when whoever runs this is told to stop. */
static void
test_parent_gone(struct harness *harness)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];
	struct child_setup setup = { .beside = -1, .uid = 65534, .gid = 65534 };
	int end, status = -1;
	pid_t child;

	CHECK_NUMBER(child_fixture_start().type, PCIBACK_MESSAGE_START);
	if (!child_fixture_init(&fixture))
		return;
	setup.machine = &fixture.machine;
	setup.root = open("/proc", O_RDONLY | O_DIRECTORY);
	child = start_child(harness, &setup, &end, bytes);
	CHECK_NUMBER(bytes[0], PCIBACK_MESSAGE_STARTED);
	CHECK_NUMBER(kill(child, SIGTERM), 0);
	CHECK_NUMBER(kill(child, SIGINT), 0);
	CHECK_NUMBER(child_fixture_request(&fixture, PCIBACK_CONFIG_READ, 0, 4, 0), PCIBACK_NO_DEVICE);
	(void)close(end);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	(void)close(setup.root);
	child_fixture_free(&fixture);
}

/* What no source of this program spells: the words of another guest. */
#define SECRET 32

/* Bytes of memory in one piece that are looked through. */
#define LARGEST (1U << 26)

static void
spell(char secret[SECRET])
{
	for (unsigned i = 0; i < SECRET; i++)
		secret[i] = (char)('a' + (i * 11 + 5) % 23);
}

static void
forget(void *known)
{
	memset(known, 0, SECRET);
}

/* How often it stands in the private memory of a process; -1 if that can't be read. */
static int
count_in_memory(pid_t pid)
{
	static char part[1 << 16], secret[SECRET];
	char path[64], line[512];
	int memory, n = 0;
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%ld/maps", (long)pid);
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof(path), "/proc/%ld/mem", (long)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (maps == NULL || memory < 0) {
		if (maps != NULL)
			(void)fclose(maps);
		return -1;
	}
	spell(secret);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long long start, end;

		/* A sanitizer has notes on all memory there could be. */
		if (sscanf(line, "%llx-%llx", &start, &end) != 2 || strstr(line, " rw-p ") == NULL ||
		    end - start > LARGEST)
			continue;
		/* What lies across two parts is in memory that is larger than any here. */
		for (unsigned long long at = start; at < end; at += sizeof(part)) {
			ssize_t size = pread(memory, part, end - at < sizeof(part) ? end - at : sizeof(part), (off_t)at);

			for (ssize_t i = 0; i + SECRET <= size; i++)
				n += memcmp(part + i, secret, SECRET) == 0;
		}
	}
	/* The next copy of this process does not have it from here. */
	memset(part, 0, sizeof(part));
	memset(secret, 0, sizeof(secret));
	(void)fclose(maps);
	(void)close(memory);
	return n;
}

/* A copy of its parent that has nothing of what the parent knows of others. */
static void
test_forgets(struct harness *harness)
{
	struct child_setup setup = { .beside = -1, .uid = 65534, .gid = 65534 };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];
	char *secret;

	if (!child_fixture_init(&fixture))
		return;
	secret = malloc(SECRET);
	CHECK(secret != NULL);
	setup.machine = &fixture.machine;
	setup.root = open("/proc", O_RDONLY | O_DIRECTORY);
	for (unsigned i = 0; i < 2; i++) {
		int end, n;
		pid_t child;

		spell(secret);
		fixture.machine.forget = i == 0 ? NULL : forget;
		fixture.machine.known = secret;
		child = start_child(harness, &setup, &end, bytes);
		n = count_in_memory(child);
		/* Who is not root may not look. */
		CHECK(n == -1 || (i == 0 ? n >= 1 : n == 0));
		(void)close(end);
		CHECK(waitpid(child, NULL, 0) == child);
	}
	free(secret);
	(void)close(setup.root);
	child_fixture_free(&fixture);
}

void
test_os_child(struct harness *harness)
{
	test_parent_gone(harness);
	test_forgets(harness);
}
