/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "simulated.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/bus.h>
#include <pciback/os.h>
#include <pciback/policy.h>
#include <pciback/reset.h>

#include "simulated_bus.h"

struct simulated {
	struct pciback_simulated_bus bus;
	struct pciback_operations operations, bus_operations;	/* those of the bus, with and without a count */
	size_t kept_size;		/* of the file in which the devices are; 0: they are in none */
	void *xen;			/* whom to ask for the drivers of dom0, or NULL: there are none */
};

/* Whether a driver of dom0 has a device: 0 or -EBUSY with its name, or why nobody knows. */
static int
check_drivers(const struct simulated *simulated, const struct pciback_address *address,
    char ret_name[PCIBACK_DRIVER_SIZE])
{
	struct simulated_dom0 dom0;
	int r;

	if (simulated->xen == NULL)
		return 0;
	r = simulated_xen_dom0(simulated->xen, &dom0);
	for (size_t i = 0; r == 0 && i < dom0.n_drivers; i++) {
		if (pciback_address_compare(&dom0.drivers[i].address, address) != 0)
			continue;
		memcpy(ret_name, dom0.drivers[i].name, sizeof(dom0.drivers[i].name));
		return -EBUSY;
	}
	return r;
}

static int
identify(void *world, const struct pciback_address *address, struct pciback_found *ret_found)
{
	const struct simulated *simulated = world;
	const struct pciback_simulated_device *device =
	    pciback_simulated_bus_find(&simulated->bus, address);
	int r;

	if (device == NULL)
		return -ENODEV;
	*ret_found = (struct pciback_found){ .driver = "" };
	pciback_simulated_device_identity(device, &ret_found->identity);
	r = check_drivers(simulated, address, ret_found->driver);
	return r == -EBUSY ? 0 : r;
}

static int
open_device(void *world, const struct pciback_address *address,
    struct pciback_device_settings *ret_settings)
{
	const struct simulated *simulated = world;
	struct pciback_simulated_device *device =
	    pciback_simulated_bus_find(&simulated->bus, address);
	char driver[PCIBACK_DRIVER_SIZE];
	int r;

	if (device == NULL)
		return -ENODEV;
	r = check_drivers(simulated, address, driver);
	if (r < 0)
		return r;
	pciback_simulated_device_settings(device, ret_settings);
	ret_settings->quirks = pciback_quirks(&ret_settings->n_quirks);
	return 0;
}

static void
release_device(void *world, void *handle, bool to_dom0)
{
	(void)world;
	(void)handle;
	(void)to_dom0;
}

static void
add_bars(const struct pciback_simulated_device *device, struct pciback_neighbour *neighbour)
{
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++) {
		const struct pciback_resource *resource = &device->bars[i];

		if (resource->size == 0)
			continue;
		neighbour->bars[neighbour->n_bars++] = (struct pciback_bar){
			.index = i,
			.kind = resource->kind == PCIBACK_RESOURCE_IO ? PCIBACK_BAR_IO :
			    resource->kind == PCIBACK_RESOURCE_MEM64 ? PCIBACK_BAR_MEM64 : PCIBACK_BAR_MEM32,
			.address = resource->address,
			.prefetchable = resource->prefetchable,
		};
	}
}

static int
visit_neighbours(void *world, int (*visit)(void *context, const struct pciback_neighbour *neighbour),
    void *context)
{
	const struct simulated *simulated = world;
	struct simulated_dom0 dom0 = { .n_drivers = 0 };
	int r = simulated->xen != NULL ? simulated_xen_dom0(simulated->xen, &dom0) : 0;

	for (size_t i = 0; r == 0 && i < dom0.n_drivers; i++) {
		struct pciback_neighbour neighbour = {
			.address = dom0.drivers[i].address,
			.line = dom0.drivers[i].line,
		};
		const struct pciback_simulated_device *device =
		    pciback_simulated_bus_find(&simulated->bus, &neighbour.address);

		if (device != NULL)
			add_bars(device, &neighbour);
		r = visit(context, &neighbour);
	}
	return r;
}

static int
check_device(void *world, void *handle)
{
	const struct pciback_simulated_device *device = handle;
	char driver[PCIBACK_DRIVER_SIZE];

	return check_drivers(world, &device->address, driver);
}

/* No time passes. */
static void
pass(void *world, unsigned milliseconds)
{
	(void)world;
	(void)milliseconds;
}

/* Whoever is asked says how long it takes; then it is done. */
static int
reset_device(void *world, void *handle)
{
	const struct simulated *simulated = world;
	const struct pciback_simulated_device *device = handle;
	struct pciback_reset reset = { .stage = PCIBACK_RESET_NONE };
	int r = simulated->xen == NULL ? 0 : simulated_xen_reset(simulated->xen, &device->address);

	if (r != 0)
		return r;
	do
		r = pciback_reset(&reset, &simulated->operations, world, handle, device->config);
	while (r > 0);
	return r;
}

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	const struct simulated *simulated = world;

	if (simulated->xen != NULL)
		simulated_xen_access(simulated->xen);
	return simulated->bus_operations.config_read(world, handle, offset, size, ret_value);
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	const struct simulated *simulated = world;

	if (simulated->xen != NULL)
		simulated_xen_access(simulated->xen);
	return simulated->bus_operations.config_write(world, handle, offset, size, value);
}

int
simulated_hardware_open(struct pciback_hardware *ret_hardware, const struct pciback_bus *bus)
{
	struct simulated *simulated = calloc(1, sizeof(*simulated));

	if (simulated == NULL || pciback_simulated_bus_init(&simulated->bus, bus) < 0) {
		free(simulated);
		return -ENOMEM;
	}
	pciback_simulated_bus_operations(&simulated->bus_operations);
	simulated->operations = simulated->bus_operations;
	simulated->operations.config_read = config_read;
	simulated->operations.config_write = config_write;
	*ret_hardware = (struct pciback_hardware){
		.operations = &simulated->operations,
		.world = simulated,
		.identify = identify,
		.open = open_device,
		.check = check_device,
		.visit_neighbours = visit_neighbours,
		.release = release_device,
		.reset = reset_device,
		.pause = pass,
	};
	return 0;
}

void
simulated_hardware_beside(void *world, void *xen)
{
	struct simulated *simulated = world;

	simulated->xen = xen;
}

int
simulated_hardware_keep(void *world, const char *path)
{
	struct simulated *simulated = world;
	struct pciback_simulated_bus *bus = &simulated->bus;
	size_t size = bus->n_devices * sizeof(bus->devices[0]);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), r = 0;
	struct pciback_simulated_device *kept;
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || ftruncate(fd, (off_t)size) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	kept = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r = kept == MAP_FAILED ? -errno : 0;
	(void)close(fd);
	if (r < 0)
		return r;
	for (size_t i = 0; i < bus->n_devices && (size_t)status.st_size == size; i++)
		memcpy(bus->devices[i].config, kept[i].config, sizeof(kept[i].config));
	memcpy(kept, bus->devices, size);
	free(bus->devices);
	bus->devices = kept;
	simulated->kept_size = size;
	return 0;
}

void
simulated_hardware_close(void *world)
{
	struct simulated *simulated = world;

	if (simulated->kept_size > 0) {
		(void)munmap(simulated->bus.devices, simulated->kept_size);
		simulated->bus.devices = NULL;
	}
	pciback_simulated_bus_free(&simulated->bus);
	free(simulated);
}

int
simulated_hardware_read(const char *path, struct pciback_hardware *ret_hardware,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct pciback_dump_error error = { .line = 0 };
	struct pciback_bus bus;
	char *text;
	size_t length;
	int r = pciback_read_file(path, PCIBACK_DUMP_MAX + 1, &text, &length);

	if (r < 0) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s can't be read: %s", path,
		    strerror(-r));
		return r;
	}
	pciback_bus_init(&bus);
	r = pciback_bus_read_dump(&bus, text, length, &error);
	free(text);
	if (r == 0)
		r = simulated_hardware_open(ret_hardware, &bus);
	pciback_bus_free(&bus);
	if (r == -ENOMEM)
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s: %s", path, strerror(ENOMEM));
	else if (r < 0 && error.line != 0)
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s, line %zu: %s", path, error.line,
		    error.message);
	else if (r < 0)
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s: %s", path, error.message);
	return r;
}
