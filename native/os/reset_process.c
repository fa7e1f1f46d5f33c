/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700

#include "reset_process.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "child.h"

#define LOOK 10			/* milliseconds */

/* In the process: the file becomes number 0, the pipe number 1, and all others are closed, above all those of Xen, whose
 * pages and event channels would outlive pcibackd with it. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
static void
reset(int file, int pipe_end)
{
	int error = 0;

	if (dup2(file, 0) < 0 || dup2(pipe_end, 1) < 0)
		_exit(1);
	child_close_between(2, INT_MAX);
	/* What can't be left goes with this process, a minute later at most. */
	(void)child_leave_shared_memory();
	if (write(0, "1", 1) < 0)
		error = errno;
	/* Nobody may look any more. */
	_exit(write(1, &error, sizeof(error)) == (ssize_t)sizeof(error) ? 0 : 1);
}

/* A process that ends at once makes the one that resets: nobody has to wait for that one. */
static int
start(int file, int pipe_end)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			reset(file, pipe_end);
		_exit(pid < 0 ? 1 : 0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}

static int
begin(struct reset_process *process, const char *path)
{
	int ends[2], file = open(path, O_WRONLY | O_CLOEXEC), r;

	if (file < 0)
		return -errno;
	if (pipe(ends) < 0) {
		r = -errno;
		(void)close(file);
		return r;
	}
	(void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	r = start(file, ends[1]);
	(void)close(file);
	(void)close(ends[1]);
	if (r < 0) {
		(void)close(ends[0]);
		return r;
	}
	*process = (struct reset_process){ .is_running = true, .result = ends[0] };
	return LOOK;
}

int
reset_process_run(struct reset_process *process, const char *path)
{
	int error = 0;
	ssize_t n;

	if (!process->is_running)
		return begin(process, path);
	n = read(process->result, &error, sizeof(error));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return LOOK;
	reset_process_leave(process);
	/* It was ended, or could not be made. */
	return n == (ssize_t)sizeof(error) ? -error : -ECHILD;
}

void
reset_process_leave(struct reset_process *process)
{
	if (process->is_running)
		(void)close(process->result);
	process->is_running = false;
}

#else

/* This file is for Linux; C has no empty translation unit. */
typedef int pciback_reset_process_not_linux;

#endif
