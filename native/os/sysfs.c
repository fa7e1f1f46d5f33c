/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700

#include "sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pciback/os.h>

bool
sysfs_is_open(const char *name, const char *file, int fd)
{
	struct stat now, opened;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/%s", name, file);
	return stat(path, &now) == 0 && fstat(fd, &opened) == 0 && now.st_dev == opened.st_dev &&
	    now.st_ino == opened.st_ino;
}

int
sysfs_set(const char *name, const char *file, const char *value)
{
	char path[PATH_MAX];
	int fd, r = 0;

	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/%s", name, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

int
sysfs_reset(const char *name, struct reset_process *process)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/reset", name);
	return reset_process_run(process, path);
}

int
sysfs_get(const char *name, const char *file, unsigned long *ret_value)
{
	char path[PATH_MAX], *text;
	size_t length;
	int r;

	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/%s", name, file);
	r = pciback_read_file(path, 64, &text, &length);
	if (r < 0)
		return r;
	*ret_value = strtoul(text, NULL, 0);
	free(text);
	return 0;
}

bool
sysfs_driver(const char *name, char *ret_driver, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *slash;
	ssize_t n;

	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/driver", name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	slash = strrchr(target, '/');
	(void)snprintf(ret_driver, size, "%s", slash == NULL ? target : slash + 1);
	return true;
}

enum sysfs_owner
sysfs_owner(const char *name)
{
	static const char *const keepers[] = { "pciback", "pci-stub", "vfio-pci" };
	char driver[PATH_MAX];

	if (!sysfs_driver(name, driver, sizeof(driver)))
		return SYSFS_NOBODY;
	for (size_t i = 0; i < sizeof(keepers) / sizeof(keepers[0]); i++)
		if (strcmp(driver, keepers[i]) == 0)
			return SYSFS_KEEPER;
	return SYSFS_DRIVER;
}

#else

/* This file is for Linux; C has no empty translation unit. */
typedef int pciback_sysfs_not_linux;

#endif
