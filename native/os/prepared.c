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

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UNFINISHED "sys.xen-pciback"	/* /sys while it is made or removed */

/* Replaces a file in one step. */
static int
write_file(const struct prepared_tree *tree, int directory, const char *name, const char *text)
{
	char temporary[32];
	size_t length = strlen(text);
	int fd, failed;

	(void)snprintf(temporary, sizeof(temporary), "%s" PREPARED_NEW, name);
	(void)unlinkat(directory, temporary, 0);
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return prepared_tree_fail_with_errno(tree, "written to");
	errno = 0;
	failed = write(fd, text, length) != (ssize_t)length;
	if (close(fd) < 0 || failed || renameat(directory, temporary, directory, name) < 0)
		return prepared_tree_fail_with_errno(tree, "written to");
	return 0;
}

static int
write_marker(const struct prepared_tree *tree, int directory)
{
	static const char head[] = "# pcibackctl prepare has made all of this directory; pcibackctl unprepare removes it.\n";
	char text[sizeof(head) + PCIBACK_PREPARED_MAX * PCIBACK_ADDRESS_SIZE];
	size_t length = sizeof(head) - 1;

	memcpy(text, head, sizeof(head));
	for (size_t i = 0; i < tree->n; i++) {
		pciback_address_format(&tree->addresses[i], text + length);
		length += PCIBACK_ADDRESS_SIZE - 1;
		text[length++] = '\n';
		text[length] = '\0';
	}
	return write_file(tree, directory, PREPARED_MARKER, text);
}

static int
open_or_make(const struct prepared_tree *tree, int directory, const char *name)
{
	int fd;

	if (mkdirat(directory, name, 0755) < 0 && errno != EEXIST)
		return prepared_tree_fail_with_errno(tree, "written to");
	fd = openat(directory, name, PREPARED_DIRECTORY);
	return fd < 0 ? prepared_tree_fail_with_errno(tree, "written to") : fd;
}

/* Makes /sys under another name, which it gives up once it says whose it is. */
static int
make_sys(struct prepared_tree *tree)
{
	int fd = open_or_make(tree, tree->root_fd, UNFINISHED);
	int r = fd < 0 ? fd : write_marker(tree, fd);

	if (r == 0 && renameat(tree->root_fd, UNFINISHED, tree->root_fd, "sys") < 0)
		r = prepared_tree_fail_with_errno(tree, "made");
	if (r == 0)
		tree->fd = fd;
	else if (fd >= 0)
		(void)close(fd);
	return r;
}

/* The directory of the devices; all above it is made that is not there. */
static int
open_devices(struct prepared_tree *tree, bool make)
{
	int fd = dup(tree->fd);

	for (size_t i = 0; i < PREPARED_LEVELS && fd >= 0; i++) {
		int below = make ? open_or_make(tree, fd, prepared_levels[i]) : openat(fd, prepared_levels[i], PREPARED_DIRECTORY);

		(void)close(fd);
		fd = below;
	}
	tree->devices_fd = fd;
	return fd < 0 && make ? fd : 0;
}

static int
write_device(const struct prepared_tree *tree, const struct pciback_prepared *device)
{
	char name[PCIBACK_ADDRESS_SIZE];
	int fd, r;

	pciback_address_format(&device->address, name);
	fd = open_or_make(tree, tree->devices_fd, name);
	if (fd < 0)
		return fd;
	r = write_file(tree, fd, "resource", device->resource);
	if (r == 0 && device->irq[0] != '\0')
		r = write_file(tree, fd, "irq", device->irq);
	else if (r == 0 && unlinkat(fd, "irq", 0) < 0 && errno != ENOENT)
		r = prepared_tree_fail_with_errno(tree, "written to");
	(void)close(fd);
	return r;
}

int
pciback_prepared_check(const char *root, char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct prepared_tree tree;
	int r = prepared_tree_open(root, &tree, message);

	prepared_tree_close(&tree);
	return r;
}

int
pciback_prepared_write(const char *root, const struct pciback_prepared *devices, size_t n,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct prepared_tree tree;
	int r = prepared_tree_open(root, &tree, message);

	for (size_t i = 0; i < n && r == 0; i++) {
		if (prepared_tree_has(&tree, &devices[i].address))
			continue;
		if (tree.n == PCIBACK_PREPARED_MAX)
			r = prepared_tree_fail(&tree, -ENOSPC, "has files of as many devices as there can be");
		else
			tree.addresses[tree.n++] = devices[i].address;
	}
	/* What is going to be made is said first. */
	if (r == 0)
		r = tree.fd < 0 ? make_sys(&tree) : write_marker(&tree, tree.fd);
	if (r == 0)
		r = open_devices(&tree, true);
	for (size_t i = 0; i < n && r == 0; i++)
		r = write_device(&tree, &devices[i]);
	prepared_tree_close(&tree);
	return r;
}

static int
remove_entry(const struct prepared_tree *tree, int directory, const char *name, int flags)
{
	if (directory < 0 || unlinkat(directory, name, flags) == 0 || errno == ENOENT)
		return 0;
	return prepared_tree_fail_with_errno(tree, "cleared");
}

static int
remove_device(struct prepared_tree *tree, const struct pciback_address *address)
{
	static const char *const files[] = { "resource", "irq", "resource" PREPARED_NEW, "irq" PREPARED_NEW };
	char name[PCIBACK_ADDRESS_SIZE];
	int fd, r = 0;

	pciback_address_format(address, name);
	fd = tree->devices_fd >= 0 ? openat(tree->devices_fd, name, PREPARED_DIRECTORY) : -1;
	for (size_t i = 0; fd >= 0 && i < sizeof(files) / sizeof(files[0]) && r == 0; i++)
		r = remove_entry(tree, fd, files[i], 0);
	if (fd >= 0)
		(void)close(fd);
	if (r == 0)
		r = remove_entry(tree, tree->devices_fd, name, AT_REMOVEDIR);
	for (size_t i = 0; i < tree->n && r == 0; i++)
		if (pciback_address_compare(&tree->addresses[i], address) == 0)
			tree->addresses[i--] = tree->addresses[--tree->n];
	return r;
}

/* /sys, with no device in it any more: out of the way first, so that none is ever there without its marker. */
static int
remove_sys(const struct prepared_tree *tree)
{
	static const char *const below[] = { "bus/pci/devices", "bus/pci", "bus" };
	int r = 0;

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]) && r == 0; i++)
		r = remove_entry(tree, tree->fd, below[i], AT_REMOVEDIR);
	if (r == 0 && renameat(tree->root_fd, "sys", tree->root_fd, UNFINISHED) < 0)
		r = prepared_tree_fail_with_errno(tree, "cleared");
	if (r == 0)
		r = remove_entry(tree, tree->fd, PREPARED_MARKER PREPARED_NEW, 0);
	if (r == 0)
		r = remove_entry(tree, tree->fd, PREPARED_MARKER, 0);
	return r < 0 ? r : remove_entry(tree, tree->root_fd, UNFINISHED, AT_REMOVEDIR);
}

int
pciback_prepared_remove(const char *root, const struct pciback_address *addresses, size_t n,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct prepared_tree tree;
	int r = prepared_tree_open(root, &tree, message);

	for (size_t i = 0; i < n && r == 0; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&addresses[i], name);
		if (!prepared_tree_has(&tree, &addresses[i]))
			r = prepared_tree_fail(&tree, -ENOENT, "has no files of %s that pcibackctl prepare has made", name);
	}
	if (r == 0)
		r = open_devices(&tree, false);
	for (size_t i = 0; i < n && r == 0; i++)
		r = remove_device(&tree, &addresses[i]);
	if (r == 0)
		r = tree.n > 0 ? write_marker(&tree, tree.fd) : remove_sys(&tree);
	prepared_tree_close(&tree);
	return r;
}
