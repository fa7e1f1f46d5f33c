/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/host_lock.h>
#include <pciback/kernel_host.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/text.h>

#include "simulated.h"

/*
 * A NetBSD dom0 for pcibackctl, in the place of os/: the devices of the dump PCIBACK_SIMULATED_BUS, the Xen behind the
 * socket PCIBACK_SIMULATED_XEN, and in PCIBACK_SIMULATED_HIDDEN what pciback(4) keeps, with the interrupts that the
 * kernel has said: "0000:00:04.0=20 0000:00:05.0=".
 */

static const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

/* What stands behind a hidden device's '=', or NULL for another one. */
static const char *
find_hidden(const struct pciback_address *address)
{
	const char *hidden = setting("PCIBACK_SIMULATED_HIDDEN"), *found;
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(address, name);
	found = strstr(hidden, name);
	return found != NULL && found[strlen(name)] == '=' ? found + strlen(name) + 1 : NULL;
}

const char *
pciback_kernel_sign(void)
{
	return setting("PCIBACK_SIMULATED_HIDDEN")[0] != '\0' ? "/kern/xen/pci" : NULL;
}

int
pciback_kernel_check(char message[PCIBACK_PLATFORM_MESSAGE])
{
	if (pciback_kernel_sign() != NULL)
		return 0;
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "the kernel's backend is not at work: /kern/xen/pci is not "
	    "there; hide the devices and reboot, or have kernfs mounted at /kern");
	return -ENOENT;
}

/* It plays one already. */
void
pciback_kernel_play(char **argv)
{
	(void)argv;
}

bool
pciback_kernel_holds(void *world, const struct pciback_address *address)
{
	(void)world;
	return find_hidden(address) != NULL;
}

int
pciback_kernel_interrupt(void *world, const struct pciback_address *address, uint32_t *ret_gsi)
{
	const char *value = find_hidden(address);
	char digits[8];

	(void)world;
	if (value == NULL)
		return -ENOENT;
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(value, " "), value);
	return pciback_decimal_parse(digits, UINT32_MAX, ret_gsi) < 0 ? -ENOENT : 0;
}

int
pciback_kernel_visit(void *world, int (*visit)(void *context, const struct pciback_neighbour *held), void *context)
{
	const char *hidden = setting("PCIBACK_SIMULATED_HIDDEN");
	int r = 0;

	for (; r == 0 && *hidden != '\0'; hidden += strcspn(hidden, " "), hidden += *hidden == ' ') {
		struct pciback_neighbour held = { .n_bars = 0 };
		uint32_t gsi = 0;

		if (pciback_address_parse(hidden, PCIBACK_ADDRESS_SIZE - 1, &held.address) < 0)
			return -EINVAL;
		held.line = pciback_kernel_interrupt(world, &held.address, &gsi) < 0 ? PCIBACK_NEIGHBOUR_UNTOLD : gsi;
		r = visit(context, &held);
	}
	return r;
}

int
pciback_hardware_open(struct pciback_hardware *ret_hardware, char message[PCIBACK_PLATFORM_MESSAGE])
{
	return simulated_hardware_read(setting("PCIBACK_SIMULATED_BUS"), ret_hardware, message);
}

int
pciback_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	return simulated_xen_open(ret_link, backend, setting("PCIBACK_SIMULATED_XEN"), message);
}

/* Each test has a host of its own. */
int
pciback_host_lock_wait(const char *path, unsigned milliseconds, char message[PCIBACK_PLATFORM_MESSAGE])
{
	(void)path;
	(void)milliseconds;
	(void)message;
	return 0;
}
