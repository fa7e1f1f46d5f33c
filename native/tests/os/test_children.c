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

#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child_fixture.h"

#define WAIT 20000			/* milliseconds, on however busy a machine */

static struct child_fixture fixture;
static struct pciback_children children;
static char why[PCIBACK_PLATFORM_MESSAGE];

static int
say(const struct pciback_message *message, void *device)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	pciback_message_write(message, bytes);
	return children.operations->send(children.world, 0, bytes, device);
}

/* What it says next; of type 0 if nothing. */
static struct pciback_message
hear(void)
{
	struct pciback_message message = { .number = 0 };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	if (children.operations->receive(children.world, 0, bytes, WAIT) == 1)
		(void)pciback_message_read(bytes, true, &message);
	return message;
}

/* A process that serves the card to the test, by itself or through a proxy. */
static bool
start(struct harness *harness, bool is_proxied)
{
	struct pciback_message start_message = child_fixture_start(), give, answer;

	if (!child_fixture_init(&fixture))
		return false;
	if (is_proxied)
		child_fixture_use_proxy(&fixture);
	CHECK_NUMBER(pciback_children_open(&children, &fixture.machine, 2, why), 0);
	CHECK_NUMBER(children.operations->start(children.world, 0), 0);
	CHECK_NUMBER(say(&start_message, NULL), 0);
	answer = hear();
	CHECK_NUMBER(answer.type, PCIBACK_MESSAGE_STARTED);
	CHECK_NUMBER(answer.result, 0);
	give = child_fixture_give(&fixture);
	CHECK_NUMBER(say(&give, &fixture.config), 0);
	answer = hear();
	CHECK_NUMBER(answer.type, PCIBACK_MESSAGE_GIVEN);
	CHECK_NUMBER(answer.result, 0);
	return true;
}

static void
stop(void)
{
	pciback_children_close(&children);
	child_fixture_free(&fixture);
}

/* Requests are answered by another process, from the file and by what is asked of this one. */
static void
test_serves(struct harness *harness, bool is_proxied)
{
	struct pciback_message message, answer = { .type = PCIBACK_MESSAGE_ANSWER, .value = 41 };
	struct pciback_child_fd fds[2];
	uint8_t cache_line = 0;

	if (!start(harness, is_proxied))
		return;
	CHECK_NUMBER(children.operations->fds(children.world, fds), 1);
	CHECK_NUMBER(child_fixture_request(&fixture, PCIBACK_CONFIG_READ, 0, 4, 0), PCIBACK_DONE);
	CHECK_NUMBER(atomic_load(&fixture.page->request.value), fixture.settings.vendor |
	    (uint32_t)fixture.settings.device << 16);
	CHECK_NUMBER(child_fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0x0c, 1, 8), PCIBACK_DONE);
	CHECK_NUMBER(pread(fixture.config, &cache_line, 1, 0x0c), 1);
	CHECK_NUMBER(cache_line, 8);
	message = hear();
	CHECK_NUMBER(message.type, PCIBACK_MESSAGE_COUNTS);
	child_fixture_put(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0);
	do
		message = hear();
	while (message.type == PCIBACK_MESSAGE_COUNTS);
	CHECK_NUMBER(message.ask, PCIBACK_ASK_MSI_ENABLE);
	CHECK_NUMBER(say(&answer, NULL), 0);
	CHECK_NUMBER(child_fixture_wait(&fixture), PCIBACK_DONE);
	CHECK_NUMBER(atomic_load(&fixture.page->request.value), 41);
	CHECK(children.operations->work(children.world, 0) > 0);
	message = (struct pciback_message){ .type = PCIBACK_MESSAGE_STOP };
	CHECK_NUMBER(say(&message, NULL), 0);
	do
		message = hear();
	while (message.type != 0 && message.type != PCIBACK_MESSAGE_STATE);
	CHECK_NUMBER(message.state.interrupt, PCIBACK_MSI);
	do
		message = hear();
	while (message.type == PCIBACK_MESSAGE_COUNTS || message.type == PCIBACK_MESSAGE_STATE);
	CHECK_NUMBER(message.type, PCIBACK_MESSAGE_ENDED);
	stop();
}

#define REQUESTS	1000

/* In a process of its own, as a guest that reads a register without a pause: 0 if each was answered. */
static int
read_meanwhile(void)
{
	for (unsigned i = 0; i < REQUESTS; i++)
		if (child_fixture_request(&fixture, PCIBACK_CONFIG_READ, 0, 4, 0) != PCIBACK_DONE)
			return 1;
	return 0;
}

/* While pcibackd waits for a call for another guest, it does not even hear what its children say; and they serve, those
 * with a proxy, too. Here it waits until the last request is answered, which a child that needed it would never do. */
static void
test_serves_beside_a_slow_call(struct harness *harness, bool is_proxied)
{
	int status = -1;
	pid_t guest;

	if (!start(harness, is_proxied))
		return;
	(void)fflush(NULL);
	guest = fork();
	if (guest == 0)
		_exit(read_meanwhile());
	CHECK(waitpid(guest, &status, 0) == guest && WIFEXITED(status));
	CHECK_NUMBER(WEXITSTATUS(status), 0);
	stop();
}

/* One that is ended, or was never told what its page is, is gone at once; and so is what it had open. */
static void
test_ends(struct harness *harness, bool is_proxied)
{
	struct pciback_message message = { .type = PCIBACK_MESSAGE_START, .domain = 8 };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	if (!start(harness, is_proxied))
		return;
	children.operations->end(children.world, 0);
	CHECK_NUMBER(child_fixture_request(&fixture, PCIBACK_CONFIG_READ, 0, 4, 0), 99);
	CHECK_NUMBER(children.operations->fds(children.world, NULL), 0);
	children.operations->end(children.world, 0);
	/* A page that can't be had. */
	CHECK_NUMBER(children.operations->start(children.world, 0), 0);
	CHECK_NUMBER(say(&message, NULL), 0);
	message = hear();
	CHECK_NUMBER(message.step, PCIBACK_START_PAGE);
	CHECK_NUMBER(message.result, -ENOENT);
	CHECK(children.operations->receive(children.world, 0, bytes, WAIT) < 0);
	CHECK(say(&message, NULL) < 0);
	stop();
}

/* Without its proxy a process is of no use: it ends, which its parent notices. */
static void
test_proxy_ends(struct harness *harness)
{
	struct pciback_message give;
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	if (!start(harness, true))
		return;
	give = child_fixture_give(&fixture);
	give.type = PCIBACK_MESSAGE_STOP;
	/* What is no device ends a proxy. */
	CHECK_NUMBER(say(&give, &fixture.config), 0);
	for (int i = 0; i < 4 && hear().type != 0; i++)
		continue;
	CHECK(children.operations->receive(children.world, 0, bytes, WAIT) < 0);
	stop();
}

/* Where they can't be had, it is said, and nobody serves a page without being held. */
static void
test_not_had(struct harness *harness)
{
	struct rlimit none = { 0, 0 };
	int status = -1;
	pid_t child;

	if (!child_fixture_init(&fixture)) {
		/* Nor is there a file that could be given. */
		memset(&fixture, 0, sizeof(fixture));
		CHECK_NUMBER(pciback_children_open(&children, &fixture.machine, 2, why), -ENOSYS);
		return;
	}
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		(void)setrlimit(RLIMIT_NOFILE, &none);
		_exit(pciback_children_open(&children, &fixture.machine, 2, why) == -EMFILE &&
		    strstr(why, "processes that serve one guest each can't be made: ") == why ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_NUMBER(status, 0);
	fixture.machine.config_file = NULL;
	CHECK_NUMBER(pciback_children_open(&children, &fixture.machine, 2, why), -ENOSYS);
	CHECK_TEXT(why, "--children yes: this system has no process that could serve one guest and reach nothing else");
	child_fixture_free(&fixture);
}

void
test_os_children(struct harness *harness)
{
	for (int is_proxied = 0; is_proxied <= 1; is_proxied++) {
		test_serves(harness, is_proxied != 0);
		test_serves_beside_a_slow_call(harness, is_proxied != 0);
		test_ends(harness, is_proxied != 0);
	}
	test_proxy_ends(harness);
	test_not_had(harness);
}
