/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/trial_host.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pciback/platform.h>

#include "watchdog.h"

#define CONSOLE	"/dev/console"

/* A path of the host; false if it is too long. */
static bool
path_of(const struct pciback_trial_host *host, const char *path, char ret_path[PATH_MAX])
{
	int n = snprintf(ret_path, PATH_MAX, "%s%s", host->root, path);

	return n > 0 && n < PATH_MAX;
}

/* Opens the record, if it is a file that root alone can have written. */
static int
open_record(const struct pciback_trial_host *host, int flags)
{
	char path[PATH_MAX];
	struct stat status;
	int fd, r = 0;

	if (!path_of(host, PCIBACK_TRIAL_RECORD, path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || errno == EMLINK ? -EPERM : -errno;
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode) || (status.st_uid != 0 && status.st_uid != geteuid()) ||
	    (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		r = -EPERM;
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

static int
read_record(void *context, char *bytes, size_t size, size_t *ret_length)
{
	int fd = open_record(context, O_RDONLY), r = 0;
	size_t length = 0;

	if (fd < 0)
		return fd;
	while (r == 0 && length < size) {
		ssize_t n = read(fd, bytes + length, size - length);

		if (n == 0)
			break;
		if (n > 0)
			length += (size_t)n;
		else if (errno != EINTR)
			r = -errno;
	}
	(void)close(fd);
	*ret_length = length;
	return r;
}

static int
write_record(void *context, const char bytes[PCIBACK_TRIAL_SIZE])
{
	int fd = open_record(context, O_WRONLY), r = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = pwrite(fd, bytes, PCIBACK_TRIAL_SIZE, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		r = -errno;
	else if (n != PCIBACK_TRIAL_SIZE)
		r = -EIO;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

static int
is_linked(void *context, const char *link_name)
{
	char path[PATH_MAX];
	struct stat status;

	if (!path_of(context, link_name, path))
		return -ENAMETOOLONG;
	if (lstat(path, &status) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* The names of / are on the disk. A file system that can't do that for a directory alone does it for
 * everything. */
static int
sync_root(const struct pciback_trial_host *host)
{
	char path[PATH_MAX];
	int fd, r = 0;

	if (!path_of(host, "/", path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0 && errno != EINVAL && errno != EBADF)
		r = -errno;
	(void)close(fd);
	sync();
	return r;
}

static int
remove_link(void *context, const char *link_name)
{
	char path[PATH_MAX];

	if (!path_of(context, link_name, path))
		return -ENAMETOOLONG;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return sync_root(context);
}

static int
make_link(void *context, const char *xen, const char *link_name)
{
	char from[PATH_MAX], path[PATH_MAX];
	struct stat one, other;

	if (!path_of(context, xen, from) || !path_of(context, link_name, path))
		return -ENAMETOOLONG;
	if (link(from, path) < 0) {
		int error = errno;

		if (error != EEXIST || lstat(from, &one) < 0 || lstat(path, &other) < 0 ||
		    one.st_dev != other.st_dev || one.st_ino != other.st_ino)
			return -error;
	}
	return sync_root(context);
}

static int
identify(void *context, char ret_boot[PCIBACK_TRIAL_BOOT])
{
	(void)context;
	return watchdog_identify(ret_boot);
}

static uint32_t
seconds_since_boot(void *context)
{
	(void)context;
	return (uint32_t)(pciback_clock() / 1000);
}

static int
set_watchdog(void *context, uint32_t number, uint32_t seconds)
{
	(void)context;
	return watchdog_set(number, seconds);
}

/* A console that takes nothing does not hold up the boot. */
static void
say(void *context, const char *line)
{
	char path[PATH_MAX], text[320];
	int fd, n = snprintf(text, sizeof(text), "%s\n", line);
	ssize_t written;

	if (n < 0 || (size_t)n >= sizeof(text) || !path_of(context, CONSOLE, path))
		return;
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	written = write(fd, text, (size_t)n);
	(void)written;
	(void)close(fd);
}

void
pciback_trial_host_play(char **argv)
{
	watchdog_play(argv);
}

struct pciback_trial_world
pciback_trial_host_world(struct pciback_trial_host *host)
{
	return (struct pciback_trial_world){
		.context = host,
		.read = read_record,
		.write = write_record,
		.is_linked = is_linked,
		.remove = remove_link,
		.make = make_link,
		.identify = identify,
		.clock = seconds_since_boot,
		.watchdog = set_watchdog,
		.say = say,
	};
}
