/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/platform.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/simulated_bus.h>

struct simulated {
	struct pciback_simulated_bus bus;
	struct pciback_operations operations;
};

static int
open_device(void *world, const struct pciback_address *address,
    struct pciback_device_settings *ret_settings)
{
	const struct simulated *simulated = world;
	struct pciback_simulated_device *device =
	    pciback_simulated_bus_find(&simulated->bus, address);

	if (device == NULL)
		return -ENODEV;
	memset(ret_settings, 0, sizeof(*ret_settings));
	pciback_simulated_device_settings(device, ret_settings);
	ret_settings->handle = device;
	ret_settings->quirks = pciback_quirks(&ret_settings->n_quirks);
	return 0;
}

/* A simulated device needs no reset: the policy let nothing through that would. */
static void
release_device(void *world, void *handle)
{
	(void)world;
	(void)handle;
}

int
pciback_hardware_open_simulated(struct pciback_hardware *hardware, const struct pciback_bus *bus,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct simulated *simulated = calloc(1, sizeof(*simulated));

	if (simulated == NULL || pciback_simulated_bus_init(&simulated->bus, bus) < 0) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s", strerror(ENOMEM));
		free(simulated);
		return -ENOMEM;
	}
	pciback_simulated_bus_operations(&simulated->operations);
	hardware->operations = &simulated->operations;
	hardware->world = simulated;
	hardware->open = open_device;
	hardware->release = release_device;
	return 0;
}

void
pciback_hardware_close(struct pciback_hardware *hardware)
{
	struct simulated *simulated = hardware->world;

	if (hardware->open != open_device || simulated == NULL)
		return;
	pciback_simulated_bus_free(&simulated->bus);
	free(simulated);
	hardware->world = NULL;
}
