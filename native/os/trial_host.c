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
#include <pciback/trial_block.h>

#include "watchdog.h"

#define CONSOLE		"/dev/console"
#define COMMAND_LINE	"/proc/cmdline"

/* A path of the host; false if it is too long. */
static bool
path_of(const struct pciback_trial_host *host, const char *path, char ret_path[PATH_MAX])
{
	int n = snprintf(ret_path, PATH_MAX, "%s%s", host->root, path);

	return n > 0 && n < PATH_MAX;
}

/* Opens a file, if root alone can have written it. */
static int
open_owned(const struct pciback_trial_host *host, const char *name, int flags)
{
	char path[PATH_MAX];
	struct stat status;
	int fd, r = 0;

	if (!path_of(host, name, path))
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

/* Up to `size` bytes from the beginning of an open file. */
static int
read_bytes(int fd, char *bytes, size_t size, size_t *ret_length)
{
	size_t length = 0;
	int r = 0;

	while (r == 0 && length < size) {
		ssize_t n = read(fd, bytes + length, size - length);

		if (n == 0)
			break;
		if (n > 0)
			length += (size_t)n;
		else if (errno != EINTR)
			r = -errno;
	}
	*ret_length = length;
	return r;
}

/* Writes over an open file where it lies on the disk. */
static int
write_bytes(int fd, const char *bytes, size_t length)
{
	ssize_t n;

	do
		n = pwrite(fd, bytes, length, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n != length)
		return -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

static int
read_record(void *context, char *bytes, size_t size, size_t *ret_length)
{
	int fd = open_owned(context, PCIBACK_TRIAL_RECORD, O_RDONLY), r;

	if (fd < 0)
		return fd;
	r = read_bytes(fd, bytes, size, ret_length);
	(void)close(fd);
	return r;
}

static int
write_record(void *context, const char bytes[PCIBACK_TRIAL_SIZE])
{
	int fd = open_owned(context, PCIBACK_TRIAL_RECORD, O_WRONLY), r;

	if (fd < 0)
		return fd;
	r = write_bytes(fd, bytes, PCIBACK_TRIAL_SIZE);
	(void)close(fd);
	return r;
}

static int
is_linked(const struct pciback_trial_host *host, const char *link_name)
{
	char path[PATH_MAX];
	struct stat status;

	if (!path_of(host, link_name, path))
		return -ENAMETOOLONG;
	if (lstat(path, &status) == 0)
		return PCIBACK_TRIAL_ON;
	return errno == ENOENT ? PCIBACK_TRIAL_OFF : -errno;
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
remove_link(const struct pciback_trial_host *host, const char *link_name)
{
	char path[PATH_MAX];

	if (!path_of(host, link_name, path))
		return -ENAMETOOLONG;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return sync_root(host);
}

static int
make_link(const struct pciback_trial_host *host, const char *xen, const char *link_name)
{
	char from[PATH_MAX], path[PATH_MAX];
	struct stat one, other;

	if (!path_of(host, xen, from) || !path_of(host, link_name, path))
		return -ENAMETOOLONG;
	if (link(from, path) < 0) {
		int error = errno;

		if (error != EEXIST || lstat(from, &one) < 0 || lstat(path, &other) < 0 ||
		    one.st_dev != other.st_dev || one.st_ino != other.st_ino)
			return -error;
	}
	return sync_root(host);
}

/* Whether this kernel was told that it tries a list; not, if that can't be read. */
static bool
is_marked(const struct pciback_trial_host *host)
{
	char path[PATH_MAX], line[4097];
	size_t length = 0;
	int fd, r;

	if (!path_of(host, COMMAND_LINE, path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	r = read_bytes(fd, line, sizeof(line) - 1, &length);
	(void)close(fd);
	line[length] = '\0';
	return r == 0 && pciback_trial_is_marked(line);
}

/*
 * What GRUB boots next. A block that is not there, as on a file system that is not mounted yet, arms
 * nothing that anybody could change.
 */
static int
read_variable(const struct pciback_trial_host *host, const char *block, enum pciback_trial_variable *ret_variable)
{
	char bytes[PCIBACK_TRIAL_BLOCK_SIZE + 1];
	size_t length = 0;
	int fd = open_owned(host, block, O_RDONLY), r;

	if (fd < 0)
		return fd;
	r = read_bytes(fd, bytes, sizeof(bytes), &length);
	(void)close(fd);
	return r < 0 ? r : pciback_trial_block_read(bytes, length, ret_variable);
}

static int
write_variable(const struct pciback_trial_host *host, const char *block, enum pciback_trial_variable variable)
{
	char bytes[PCIBACK_TRIAL_BLOCK_SIZE + 1];
	size_t length = 0;
	int fd = open_owned(host, block, O_RDWR), r;

	if (fd < 0)
		return fd;
	r = read_bytes(fd, bytes, sizeof(bytes), &length);
	if (r == 0)
		r = pciback_trial_block_write(bytes, length, variable);
	if (r == 0)
		r = write_bytes(fd, bytes, length);
	(void)close(fd);
	return r;
}

static int
find_arming(void *context, const struct pciback_trial *trial)
{
	enum pciback_trial_variable variable = PCIBACK_TRIAL_VARIABLE_TRIED;
	int r;

	if (!pciback_trial_has_grub(trial))
		return is_linked(context, trial->link);
	if (is_marked(context))
		return PCIBACK_TRIAL_THIS_BOOT;
	r = read_variable(context, trial->xen, &variable);
	if (r < 0 && r != -ENOENT)
		return r;
	return r == 0 && variable != PCIBACK_TRIAL_VARIABLE_TRIED ? PCIBACK_TRIAL_NEXT_BOOT : PCIBACK_TRIAL_OFF;
}

static int
disarm(void *context, const struct pciback_trial *trial)
{
	enum pciback_trial_variable variable = PCIBACK_TRIAL_VARIABLE_TRIED;
	int r;

	if (!pciback_trial_has_grub(trial))
		return remove_link(context, trial->link);
	r = read_variable(context, trial->xen, &variable);
	if (r == 0 && variable != PCIBACK_TRIAL_VARIABLE_TRIED)
		r = write_variable(context, trial->xen, PCIBACK_TRIAL_VARIABLE_TRIED);
	return r == -ENOENT ? 0 : r;
}

static int
keep(void *context, const struct pciback_trial *trial)
{
	if (!pciback_trial_has_grub(trial))
		return make_link(context, trial->xen, trial->link);
	return write_variable(context, trial->xen, PCIBACK_TRIAL_VARIABLE_KEPT);
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
		.arming = find_arming,
		.disarm = disarm,
		.keep = keep,
		.identify = identify,
		.clock = seconds_since_boot,
		.watchdog = set_watchdog,
		.say = say,
	};
}
