/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/backend.h>

#include "log.h"

#define WAIT_STOP	(PCIBACK_WAIT_CLOSE + 1000)	/* milliseconds for all guests together */
#define WAIT_JOBS	25000	/* for a job that is under way when the guests are to be handed over */
#define TURNS_MAX	16	/* of the backend before others have theirs */

/* Written to by the handler of a signal, which has nothing but static variables. */
static int stop_pipe[2] = { -1, -1 };

static void
on_signal(int signal_number)
{
	int error = errno;
	char byte = (char)signal_number;

	/* Full means that it was said already. */
	if (write(stop_pipe[1], &byte, 1) < 0)
		errno = error;
	errno = error;
}

int
loop_catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

	if (pipe(stop_pipe) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		(void)fcntl(stop_pipe[i], F_SETFL, O_NONBLOCK);
		(void)fcntl(stop_pipe[i], F_SETFD, FD_CLOEXEC);
	}
	if (sigaction(SIGTERM, &stop, NULL) < 0 || sigaction(SIGHUP, &stop, NULL) < 0 || sigaction(SIGINT, &stop, NULL) < 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) < 0)
		return -errno;
	return 0;
}

struct loop {
	struct pciback_backend *backend;
	struct pciback_xen_link *link;
	const struct pciback_children *children;
	struct pollfd *fds;		/* the pipe, Xen's, the clients', the children's */
	struct pciback_child_fd *child_fds;
	struct control *control;
	bool is_stopping;
	uint64_t stop_at;
	bool hands_over;		/* at `stop_at`, or as soon as no job is under way */
};

static uint64_t
now_of(const struct loop *loop)
{
	return loop->link->clock(loop->link->xen.world);
}

/* Lets the backend do all that is due; returns for how long there is nothing more. */
static int
turn(struct loop *loop)
{
	int wait = 0;

	for (unsigned i = 0; i < TURNS_MAX && wait == 0; i++) {
		wait = pciback_backend_run(loop->backend, now_of(loop));
		/* Whoever has come meanwhile waits for a part of a hand-over, and not for the next one too. */
		if (pciback_backend_has_stepped(loop->backend))
			break;
	}
	control_answer(loop->control);
	if (wait != 0 && loop->link->at_rest != NULL)
		loop->link->at_rest(loop->link->xen.world);
	return wait;
}

static void
begin_hand_over(struct loop *loop, uint64_t now)
{
	if (loop->is_stopping || loop->hands_over)
		return;
	if (!pciback_backend_can_hand_over(loop->backend)) {
		log_line(NULL, PCIBACK_LOG_ERROR, "goes on: without a record nobody could go on with the guests' devices");
		return;
	}
	log_line(NULL, PCIBACK_LOG_INFO, "guests are left to the next process");
	loop->hands_over = true;
	loop->stop_at = now + WAIT_JOBS;
}

/* A first signal asks the guests to let go, a second does not wait for them; one that hands over asks nobody. */
static void
take_signal(struct loop *loop)
{
	char bytes[16];
	uint64_t now = now_of(loop);
	ssize_t n = read(stop_pipe[0], bytes, sizeof(bytes));
	bool ends = false;

	for (ssize_t i = 0; i < n; i++)
		ends = ends || bytes[i] != SIGHUP;
	if (n > 0 && !ends)
		begin_hand_over(loop, now);
	if (!ends)
		return;
	loop->hands_over = false;
	if (loop->is_stopping) {
		loop->stop_at = now;
		return;
	}
	log_line(NULL, PCIBACK_LOG_INFO, "stopping");
	loop->is_stopping = true;
	loop->stop_at = now + WAIT_STOP;
	pciback_backend_stop(loop->backend, now);
}

static int
sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Takes what has happened, after waiting for it, `wait` milliseconds at most. */
static int
take_news(struct loop *loop, int wait, char message[LOOP_MESSAGE])
{
	struct pollfd *fds = loop->fds, *of_children;
	size_t n = 0, n_control, n_children = 0;
	int r = 0;

	fds[n++] = (struct pollfd){ .fd = stop_pipe[0], .events = POLLIN };
	for (size_t i = 0; i < loop->link->n_fds; i++)
		fds[n++] = (struct pollfd){ .fd = loop->link->fds[i], .events = POLLIN };
	n_control = control_poll(loop->control, &fds[n]);
	of_children = &fds[n + n_control];
	if (loop->children->operations != NULL && loop->children->operations->fds != NULL)
		n_children = loop->children->operations->fds(loop->children->world, loop->child_fds);
	for (size_t i = 0; i < n_children; i++)
		of_children[i] = (struct pollfd){ .fd = loop->child_fds[i].fd, .events = POLLIN };
	if (poll(fds, (nfds_t)(n + n_control + n_children), wait) < 0 && errno != EINTR) {
		r = -errno;
		(void)snprintf(message, LOOP_MESSAGE, "poll: %s", strerror(-r));
		return r;
	}
	if (fds[0].revents != 0)
		take_signal(loop);
	for (size_t i = 1; i < n && r == 0; i++)
		if (fds[i].revents != 0)
			r = loop->link->receive(loop->link->xen.world);
	for (size_t i = 0; i < n_children; i++)
		if (of_children[i].revents != 0)
			pciback_backend_child(loop->backend, loop->child_fds[i].number);
	if (r < 0) {
		(void)snprintf(message, LOOP_MESSAGE, "Xen is lost: %s", strerror(-r));
		return r;
	}
	control_run(loop->control, &fds[n], n_control, now_of(loop));
	return 0;
}

/* Until a signal ends it, or it can't go on; 1 if the guests are to be handed over. */
static int
run(struct loop *loop, char message[LOOP_MESSAGE])
{
	struct pciback_xen_link *link = loop->link;

	for (;;) {
		int wait = turn(loop), r;
		uint64_t now = now_of(loop);

		if (loop->is_stopping) {
			if (pciback_backend_idle(loop->backend) || now >= loop->stop_at)
				return 0;
			wait = sooner(wait, (int)(loop->stop_at - now));
		}
		if (loop->hands_over) {
			if (!pciback_backend_has_jobs(loop->backend) || now >= loop->stop_at)
				return 1;
			wait = sooner(wait, (int)(loop->stop_at - now));
		}
		wait = sooner(wait, control_wait(loop->control, now));
		r = link->flush != NULL ? link->flush(link->xen.world) : 0;
		if (r < 0) {
			(void)snprintf(message, LOOP_MESSAGE, "Xen is lost");
			return r;
		}
		r = take_news(loop, wait, message);
		if (r < 0)
			return r;
	}
}

int
loop_run(struct pciback_backend *backend, struct world *world, struct control *control, size_t n_guests,
    char message[LOOP_MESSAGE])
{
	struct loop loop = { .backend = backend, .link = &world->link, .children = &world->children,
		.control = control };
	int r = -ENOMEM;

	loop.fds = calloc(3 + 1 + CONTROL_CLIENTS + n_guests, sizeof(*loop.fds));
	loop.child_fds = calloc(n_guests, sizeof(*loop.child_fds));
	if (loop.fds != NULL && loop.child_fds != NULL)
		r = run(&loop, message);
	else
		(void)snprintf(message, LOOP_MESSAGE, "%s", strerror(ENOMEM));
	free(loop.fds);
	free(loop.child_fds);
	return r;
}
