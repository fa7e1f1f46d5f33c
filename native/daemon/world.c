/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "world.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pciback/kernel_host.h>

#define SIMULATED "pcibackd-simulated"

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

/* Becomes the program that has the simulated world, with the same arguments. */
static int
become_simulated(char **argv, char message[PCIBACK_PLATFORM_MESSAGE])
{
	char path[PATH_MAX] = "";
	int r = find_beside(argv[0], SIMULATED, path);

	if (r == 0) {
		(void)execv(path, argv);
		r = -errno;
	}
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "--bus is for tests and needs " SIMULATED
	    " in the directory of pcibackd, where 'make' leaves it and 'make install' does not: %s",
	    strerror(-r));
	return r;
}

int
world_open(const struct options *options, char **argv, struct pciback_backend *backend,
    struct world *ret_world, char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct world world = { .has_devices = true };
	const char *sign;
	int r;

	if (options->bus != NULL)
		return become_simulated(argv, message);
	sign = pciback_kernel_sign();
	if (sign != NULL) {
		pciback_kernel_refuse(sign, message);
		return -EBUSY;
	}
	r = pciback_hardware_open(&world.hardware, message);
	if (r == 0)
		r = pciback_xen_open(&world.link, backend, message);
	if (r < 0)
		return r;
	*ret_world = world;
	return 0;
}

void
world_close(struct world *world)
{
	world->link.close(world->link.xen.world);
}
