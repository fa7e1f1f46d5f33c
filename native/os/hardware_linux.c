/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700

#include <pciback/platform.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/bus.h>
#include <pciback/os.h>
#include <pciback/policy.h>
#include <pciback/registers.h>

#include "neighbours.h"
#include "sysfs.h"

#define OVERRIDE "pcibackd"	/* no driver's name */

/* Flags of a line in the file "resource" [Linux: include/linux/ioport.h]. */
#define RESOURCE_IO		0x00000100u
#define RESOURCE_MEMORY		0x00000200u
#define RESOURCE_PREFETCH	0x00002000u
#define RESOURCE_MEMORY_64	0x00100000u

struct device {
	int fd;				/* of the file "config" */
	uint16_t decode;		/* bits of COMMAND */
	bool is_enabled, has_override;	/* by this process, or one before */
	struct reset_process reset;
	char name[PCIBACK_ADDRESS_SIZE];
};

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	const struct device *device = handle;
	uint8_t bytes[4];
	ssize_t n = pread(device->fd, bytes, size, (off_t)offset);

	(void)world;
	if (n != (ssize_t)size)
		return n < 0 ? -errno : -EIO;
	*ret_value = 0;
	for (unsigned i = 0; i < size; i++)
		*ret_value |= (uint32_t)bytes[i] << 8 * i;
	return 0;
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	const struct device *device = handle;
	uint8_t bytes[4];
	ssize_t n;

	(void)world;
	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	/* The kernel makes one access of it where the alignment allows. */
	n = pwrite(device->fd, bytes, size, (off_t)offset);
	if (n == (ssize_t)size)
		return 0;
	return n < 0 ? -errno : -EIO;
}

static int
device_enable(void *world, void *handle)
{
	const struct device *device = handle;
	uint32_t command = 0;
	int r = config_read(world, handle, REG_COMMAND, 2, &command);

	return r < 0 ? r : config_write(world, handle, REG_COMMAND, 2, command | device->decode);
}

/* Power states are left alone: sysfs has no way to what a device forgets in D3. */
static const struct pciback_operations operations = {
	.config_read = config_read,
	.config_write = config_write,
	.device_enable = device_enable,
};

/* One line of the file "resource": first and last address, flags. */
static int
parse_resource(const char *line, struct pciback_resource *ret_resource)
{
	uint64_t first, last, flags;

	if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &first, &last, &flags) != 3)
		return -EIO;
	*ret_resource = (struct pciback_resource){ .kind = PCIBACK_RESOURCE_NONE };
	if (last <= first || first == 0)
		return 0;
	ret_resource->address = first;
	ret_resource->size = last - first + 1;
	ret_resource->prefetchable = (flags & RESOURCE_PREFETCH) != 0;
	if ((flags & RESOURCE_IO) != 0)
		ret_resource->kind = PCIBACK_RESOURCE_IO;
	else if ((flags & RESOURCE_MEMORY_64) != 0)
		ret_resource->kind = PCIBACK_RESOURCE_MEM64;
	else if ((flags & RESOURCE_MEMORY) != 0)
		ret_resource->kind = PCIBACK_RESOURCE_MEM32;
	return 0;
}

static int
read_resources(struct device *device, unsigned n_bars, struct pciback_device_settings *settings)
{
	char path[PATH_MAX], *text, *line;
	size_t length;
	int r;

	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/resource", device->name);
	r = pciback_read_file(path, 4096, &text, &length);
	if (r < 0)
		return r;
	line = text;
	for (unsigned i = 0; i <= PCIBACK_RESOURCES && r == 0 && line != NULL; i++) {
		struct pciback_resource resource;

		r = parse_resource(line, &resource);
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
		if (r < 0)
			break;
		if (i < n_bars)
			settings->bars[i] = resource;
		else if (i == PCIBACK_RESOURCES && resource.kind == PCIBACK_RESOURCE_MEM32)
			settings->rom = resource;
	}
	free(text);
	for (unsigned i = 0; i < n_bars; i++) {
		if (settings->bars[i].kind == PCIBACK_RESOURCE_IO)
			device->decode |= COMMAND_IO;
		else if (settings->bars[i].kind != PCIBACK_RESOURCE_NONE)
			device->decode |= COMMAND_MEMORY;
	}
	return r;
}

/* All that the file system says of a device that is open. */
static int
read_settings(struct device *device, struct pciback_device_settings *settings)
{
	unsigned long vendor = 0, id = 0, irq = 0;
	char path[PATH_MAX];
	struct stat status;
	uint32_t header_type = 0, pin = 0;
	int r;

	if (fstat(device->fd, &status) < 0)
		return -errno;
	settings->config_size = status.st_size >= PCIBACK_CONFIG_EXPRESS ? PCIBACK_CONFIG_EXPRESS :
	    PCIBACK_CONFIG_PCI;
	r = sysfs_get(device->name, "vendor", &vendor);
	if (r == 0)
		r = sysfs_get(device->name, "device", &id);
	if (r == 0)
		r = config_read(NULL, device, REG_HEADER_TYPE, 1, &header_type);
	if (r == 0)
		r = config_read(NULL, device, REG_INTERRUPT_PIN, 1, &pin);
	if (r < 0)
		return r;
	settings->vendor = (uint16_t)vendor;
	settings->device = (uint16_t)id;
	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/physfn", device->name);
	settings->is_virtual_function = lstat(path, &status) == 0;
	/* The number is known only since the device was enabled. */
	if (pin != 0)
		pciback_settings_set_line(settings, sysfs_get(device->name, "irq", &irq) == 0 ? (uint32_t)irq : 0, 0);
	settings->quirks = pciback_quirks(&settings->n_quirks);
	return read_resources(device, (header_type & HEADER_TYPE) == 0 ? 6 : 2, settings);
}

/* By whatever way the kernel knows for it; it restores what it knows of its registers itself. */
static int
reset_device(void *world, void *handle)
{
	struct device *device = handle;
	int r = sysfs_reset(device->name, &device->reset);

	(void)world;
	/* The file is not there for a device that has no way. */
	return r == -ENOENT ? -ENOTSUP : r;
}

/*
 * Keeps drivers that are loaded, or look again, from a device that nobody has: there is none of the name
 * that it is told to wait for. What somebody else has told it stays. -EBUSY: one was faster.
 */
static int
keep_drivers_away(struct device *device)
{
	char path[PATH_MAX], *text;
	size_t length;
	int r;

	if (sysfs_owner(device->name) == SYSFS_KEEPER)
		return 0;
	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/driver_override", device->name);
	r = pciback_read_file(path, 256, &text, &length);
	if (r < 0)
		return r;
	device->has_override = strcmp(text, OVERRIDE "\n") == 0;
	if (strcmp(text, "(null)\n") == 0 || strcmp(text, "\n") == 0) {
		r = sysfs_set(device->name, "driver_override", OVERRIDE);
		device->has_override = r == 0;
	}
	free(text);
	if (r == 0 && sysfs_owner(device->name) == SYSFS_DRIVER)
		r = -EBUSY;
	return r;
}

static bool
is_in_use(const struct pciback_address *address)
{
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(address, name);
	return sysfs_owner(name) == SYSFS_DRIVER;
}

/* A driver that uses MSI leaves the line alone. */
static unsigned
find_line(const struct pciback_function *function)
{
	char name[PCIBACK_ADDRESS_SIZE], path[PATH_MAX];
	unsigned long irq = 0;

	pciback_address_format(&function->address, name);
	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/msi_irqs", name);
	if (access(path, F_OK) == 0 || pciback_config8(function, REG_INTERRUPT_PIN) == 0 ||
	    sysfs_get(name, "irq", &irq) < 0 || irq > UINT_MAX)
		return 0;
	return (unsigned)irq;
}

static int
visit_neighbours(void *world, int (*visit)(void *context, const struct pciback_neighbour *neighbour),
    void *context)
{
	static const struct neighbours_system system = { .is_in_use = is_in_use, .line = find_line };

	(void)world;
	return neighbours_visit(&system, visit, context);
}

static int
check_device(void *world, void *handle)
{
	const struct device *device = handle;

	(void)world;
	if (!sysfs_is_open(device->name, "config", device->fd))
		return -ENODEV;
	return sysfs_owner(device->name) == SYSFS_DRIVER ? -EBUSY : 0;
}

static void
release_device(void *world, void *handle, bool to_dom0)
{
	struct device *device = handle;

	(void)world;
	/* While the kernel resets it, these would wait. */
	if (to_dom0 && device->has_override && !device->reset.is_running)
		(void)sysfs_set(device->name, "driver_override", "\n");
	if (device->is_enabled && !device->reset.is_running)
		(void)sysfs_set(device->name, "enable", "0");
	reset_process_leave(&device->reset);
	(void)close(device->fd);
	free(device);
}

/* As the kernel found it: a virtual function does not show it by itself. */
static int
identify(void *world, const struct pciback_address *address, struct pciback_found *ret_found)
{
	struct pciback_found found = { .driver = "" };
	unsigned long vendor = 0, device = 0, subsystem_vendor = 0, subsystem = 0;
	char name[PCIBACK_ADDRESS_SIZE];
	int r;

	(void)world;
	pciback_address_format(address, name);
	r = sysfs_get(name, "vendor", &vendor);
	if (r == 0)
		r = sysfs_get(name, "device", &device);
	if (r == 0)
		r = sysfs_get(name, "subsystem_vendor", &subsystem_vendor);
	if (r == 0)
		r = sysfs_get(name, "subsystem_device", &subsystem);
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	if (sysfs_owner(name) == SYSFS_DRIVER)
		(void)sysfs_driver(name, found.driver, sizeof(found.driver));
	found.identity = (struct pciback_identity){
		.vendor = (uint16_t)vendor,
		.device = (uint16_t)device,
		.subsystem_vendor = (uint16_t)subsystem_vendor,
		.subsystem = (uint16_t)subsystem,
	};
	*ret_found = found;
	return 0;
}

static int
open_device(void *world, const struct pciback_address *address,
    struct pciback_device_settings *ret_settings)
{
	struct device *device = calloc(1, sizeof(*device));
	struct pciback_device_settings settings = { .address = *address, .handle = device };
	char path[PATH_MAX];
	int r;

	if (device == NULL)
		return -ENOMEM;
	pciback_address_format(address, device->name);
	(void)snprintf(path, sizeof(path), SYSFS_DEVICES "/%s/config", device->name);
	device->fd = open(path, O_RDWR | O_CLOEXEC);
	if (device->fd < 0) {
		r = errno == ENOENT ? -ENODEV : -errno;
		free(device);
		return r;
	}
	if (sysfs_owner(device->name) == SYSFS_DRIVER) {
		(void)close(device->fd);
		free(device);
		return -EBUSY;
	}
	/* A driver that keeps it has done this; then it is refused here. */
	device->is_enabled = sysfs_set(device->name, "enable", "1") == 0;
	r = keep_drivers_away(device);
	if (r == 0)
		r = read_settings(device, &settings);
	if (r < 0)
		release_device(world, device, true);
	else
		*ret_settings = settings;
	return r;
}

static int
config_file(void *world, void *handle)
{
	const struct device *device = handle;

	(void)world;
	return device->fd;
}

int
pciback_hardware_open(struct pciback_hardware *ret_hardware,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	if (access(SYSFS_DEVICES, R_OK) < 0) {
		int error = errno;

		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, SYSFS_DEVICES " can't be read: %s",
		    strerror(error));
		return -error;
	}
	*ret_hardware = (struct pciback_hardware){
		.operations = &operations,
		.identify = identify,
		.open = open_device,
		.check = check_device,
		.visit_neighbours = visit_neighbours,
		.release = release_device,
		.reset = reset_device,
		.config_file = config_file,
		.pause = pciback_pause,
	};
	return 0;
}

#else

/* This file is for Linux; C has no empty translation unit. */
typedef int pciback_hardware_not_linux;

#endif
