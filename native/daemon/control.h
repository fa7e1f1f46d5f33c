/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_CONTROL_H
#define PCIBACK_DAEMON_CONTROL_H

#include <poll.h>
#include <sys/types.h>

#include <pciback/control.h>

#include "answer.h"

/* The control socket: a client sends one line (request.h) and gets an answer (answer.h) and the end
 * of the connection. */

#define CONTROL_CLIENTS	8

struct client {
	int fd;				/* -1: free */
	bool json;
	size_t n_in;
	uint64_t deadline;		/* for a request that is not whole */
	struct answer answer;		/* what is still to be sent */
	size_t n_sent;
	struct pciback_job *job;	/* NULL: none */
	char in[PCIBACK_CONTROL_LINE];
};

struct control {
	struct pciback_backend *backend;
	int fd;
	int directory;			/* of the socket */
	const char *name;		/* in there */
	dev_t device;			/* with the next: which file is ours */
	ino_t inode;
	struct client clients[CONTROL_CLIENTS];
};

/* Listens at a path that only the owner can use. A socket that nobody listens to is replaced;
 * anything else at that path is refused, without waiting for who listens there. Returns 0 or a negative
 * errno. */
int control_open(struct control *control, const char *path, struct pciback_backend *backend);
/* Removes the socket that was made, if it is still there, wherever the process is by now. */
void control_close(struct control *control);

/* Fills in what to poll; returns how many, at most 1 + CONTROL_CLIENTS. */
size_t control_poll(const struct control *control, struct pollfd *fds);

/* Does what poll(2) found to be possible, and answers jobs that are done. `n` as returned above. */
void control_run(struct control *control, const struct pollfd *fds, size_t n, uint64_t now);

/* Answers jobs that are done. */
void control_answer(struct control *control);

/* Milliseconds until a client has waited for too long, or -1. */
int control_wait(const struct control *control, uint64_t now);

#endif
