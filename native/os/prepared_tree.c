/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "prepared_tree.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARKER_MAX ((size_t)16 << 10)

const char *const prepared_levels[PREPARED_LEVELS] = { "bus", "pci", "devices" };

int
prepared_tree_fail(const struct prepared_tree *tree, int error, const char *format, ...)
{
	int n = snprintf(tree->message, PCIBACK_PLATFORM_MESSAGE, "%s/sys ", strcmp(tree->root, "/") == 0 ? "" : tree->root);
	va_list arguments;

	va_start(arguments, format);
	if (n >= 0 && n < PCIBACK_PLATFORM_MESSAGE)
		(void)vsnprintf(tree->message + n, PCIBACK_PLATFORM_MESSAGE - (size_t)n, format, arguments);
	va_end(arguments);
	return error;
}

int
prepared_tree_fail_with_errno(const struct prepared_tree *tree, const char *what)
{
	int error = errno > 0 ? errno : EIO;

	return prepared_tree_fail(tree, -error, "can't be %s: %s", what, strerror(error));
}

void
prepared_tree_close(struct prepared_tree *tree)
{
	const int fds[] = { tree->devices_fd, tree->fd, tree->root_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	tree->root_fd = tree->fd = tree->devices_fd = -1;
}

bool
prepared_tree_has(const struct prepared_tree *tree, const struct pciback_address *address)
{
	for (size_t i = 0; i < tree->n; i++)
		if (pciback_address_compare(&tree->addresses[i], address) == 0)
			return true;
	return false;
}

/* Whether a name is one that is made in a directory at that depth: that of /sys is 0. */
static bool
is_ours(const struct prepared_tree *tree, size_t depth, const char *name)
{
	struct pciback_address address;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	if (depth == 0 && (strcmp(name, PREPARED_MARKER) == 0 || strcmp(name, PREPARED_MARKER PREPARED_NEW) == 0))
		return true;
	if (depth < PREPARED_LEVELS)
		return strcmp(name, prepared_levels[depth]) == 0;
	if (depth == PREPARED_LEVELS)
		return pciback_address_parse(name, strlen(name), &address) == 0 && prepared_tree_has(tree, &address);
	return strcmp(name, "resource") == 0 || strcmp(name, "irq") == 0 || strcmp(name, "resource" PREPARED_NEW) == 0 ||
	    strcmp(name, "irq" PREPARED_NEW) == 0;
}

/* Everything in a directory, and below it. */
static int
check_directory(const struct prepared_tree *tree, int fd, size_t depth)
{
	int copy = dup(fd), r = 0;
	DIR *directory = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	if (directory == NULL) {
		r = prepared_tree_fail_with_errno(tree, "looked through");
		if (copy >= 0)
			(void)close(copy);
		return r;
	}
	rewinddir(directory);
	while (r == 0 && (entry = readdir(directory)) != NULL) {
		struct stat status;
		int below;

		if (!is_ours(tree, depth, entry->d_name) || (entry->d_name[0] != '.' && (fstatat(fd, entry->d_name, &status,
		    AT_SYMLINK_NOFOLLOW) < 0 || status.st_dev != tree->device ||
		    !(depth > PREPARED_LEVELS ? S_ISREG(status.st_mode) : S_ISDIR(status.st_mode)))))
			r = prepared_tree_fail(tree, -EEXIST, "is left alone: it holds '%.40s', which pcibackctl prepare has not made",
			    entry->d_name);
		if (r < 0 || depth > PREPARED_LEVELS || entry->d_name[0] == '.')
			continue;
		below = openat(fd, entry->d_name, PREPARED_DIRECTORY);
		r = below < 0 ? prepared_tree_fail_with_errno(tree, "looked through") : check_directory(tree, below, depth + 1);
		if (below >= 0)
			(void)close(below);
	}
	(void)closedir(directory);
	return r;
}

/* The lines of the marker: comments, and a device each. */
static int
read_devices(struct prepared_tree *tree, const char *text, size_t length)
{
	for (size_t begin = 0; begin < length;) {
		const char *end = memchr(text + begin, '\n', length - begin);
		size_t size = end != NULL ? (size_t)(end - text) - begin : length - begin;

		if (text[begin] != '#' && (tree->n == PCIBACK_PREPARED_MAX ||
		    pciback_address_parse(text + begin, size, &tree->addresses[tree->n++]) < 0))
			return -EINVAL;
		begin += size + 1;
	}
	return 0;
}

static int
read_marker(struct prepared_tree *tree)
{
	int fd = openat(tree->fd, PREPARED_MARKER, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[MARKER_MAX];
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0 && errno == ENOENT)
		return prepared_tree_fail(tree, -EEXIST, "is somebody else's: it has no file " PREPARED_MARKER);
	while (fd >= 0 && n > 0 && length < sizeof(text)) {
		n = read(fd, text + length, sizeof(text) - length);
		length += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		(void)close(fd);
	if (fd < 0 || n != 0 || read_devices(tree, text, length) < 0)
		return prepared_tree_fail(tree, -EEXIST,
		    "is left alone: " PREPARED_MARKER " in it is not as pcibackctl prepare writes it");
	return 0;
}

int
prepared_tree_open(const char *root, struct prepared_tree *tree, char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct stat status;
	int r;

	*tree = (struct prepared_tree){ .root = root, .message = message, .fd = -1, .devices_fd = -1 };
	tree->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree->root_fd < 0 || fstat(tree->root_fd, &status) < 0)
		return prepared_tree_fail_with_errno(tree, "found, because there is no directory that it could be in");
	tree->device = status.st_dev;
	if (fstatat(tree->root_fd, "sys", &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : prepared_tree_fail_with_errno(tree, "looked at");
	if (!S_ISDIR(status.st_mode))
		return prepared_tree_fail(tree, -EEXIST, "is somebody else's: it is a link or a file");
	if (status.st_dev != tree->device)
		return prepared_tree_fail(tree, -EEXIST, "is somebody else's: a file system is mounted there");
	tree->fd = openat(tree->root_fd, "sys", PREPARED_DIRECTORY);
	if (tree->fd < 0)
		return prepared_tree_fail_with_errno(tree, "opened");
	r = read_marker(tree);
	return r < 0 ? r : check_directory(tree, tree->fd, 0);
}
