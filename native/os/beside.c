/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/beside.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The path of a program in the directory of this one, which was started as `name`. */
static int
find_beside(const char *name, const char *program, char ret_path[PATH_MAX])
{
	/* Linux's and NetBSD's, if it is mounted. */
	static const char *const links[] = { "/proc/self/exe", "/proc/curproc/exe" };
	char own[PATH_MAX];
	const char *slash;
	ssize_t n = -1;

	for (size_t i = 0; n <= 0 && i < sizeof(links) / sizeof(links[0]); i++)
		n = readlink(links[i], own, sizeof(own) - 1);
	if (n > 0) {
		own[n] = '\0';
		name = own;
	}
	slash = strrchr(name, '/');
	if (slash == NULL)
		return -ENOENT;
	if ((size_t)(slash + 1 - name) + strlen(program) >= PATH_MAX)
		return -ENAMETOOLONG;
	(void)snprintf(ret_path, PATH_MAX, "%.*s/%s", (int)(slash - name), name, program);
	return 0;
}

int
pciback_beside_become(const char *program, char **argv)
{
	char path[PATH_MAX];
	int r = find_beside(argv[0], program, path);

	if (r < 0)
		return r;
	(void)execv(path, argv);
	return -errno;
}
