/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "detach.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The exit status of the command: 0 once a byte comes, else that of the child. */
static int
wait_for(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	int status;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return EXIT_SUCCESS;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	(void)fprintf(stderr, "pcibackd: it was ended by signal %d while it started\n",
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return EXIT_FAILURE;
}

int
detach_begin(void)
{
	int fds[2];
	pid_t child;

	if (pipe(fds) < 0)
		return -errno;
	child = fork();
	if (child < 0) {
		int error = errno;

		(void)close(fds[0]);
		(void)close(fds[1]);
		return -error;
	}
	if (child > 0) {
		(void)close(fds[1]);
		_exit(wait_for(child, fds[0]));
	}
	(void)close(fds[0]);
	/* A program that takes this one's place leaves the terminal itself. */
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	(void)setsid();
	return fds[1];
}

int
detach_end(int fd)
{
	char byte = 0;
	int null;

	if (chdir("/") < 0)
		return -errno;
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		return -errno;
	for (int i = 0; i <= 2; i++)
		(void)dup2(null, i);
	if (null > 2)
		(void)close(null);
	/* Nobody may wait any more; that is no reason not to go on. */
	(void)!write(fd, &byte, 1);
	(void)close(fd);
	return 0;
}
