/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__NetBSD__)

#include <pciback/platform.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/bus.h>
#include <pciback/kernel_host.h>
#include <pciback/policy.h>
#include <pciback/registers.h>
#include <pciback/reset.h>
#include <pciback/write32.h>

#include "neighbours.h"
#include "pci_netbsd.h"

struct device {
	int fd;
	struct pciback_address address;
	uint16_t decode;		/* bits of COMMAND */
	uint8_t config[PCIBACK_CONFIG_PCI];	/* as it was when it was opened */
	struct pciback_clear_by_one clear_by_one;
	struct pciback_reset reset;
};

static int
read_dword(const struct device *device, unsigned offset, uint32_t *ret_value)
{
	return pci_netbsd_read(device->fd, &device->address, offset & ~3u, ret_value);
}

static int
write_dword(const struct device *device, unsigned offset, uint32_t value)
{
	return pci_netbsd_write(device->fd, &device->address, offset & ~3u, value);
}

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	uint32_t value = 0;
	int r = read_dword(handle, offset, &value);

	(void)world;
	if (r < 0)
		return r;
	value >>= (offset & 3) * 8;
	*ret_value = size == 4 ? value : value & ((UINT32_C(1) << size * 8) - 1);
	return 0;
}

/* Zeros to what ones clear, above all to STATUS when COMMAND is written: the kernel's backend clears it. */
static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	const struct device *device = handle;
	uint32_t old = 0;
	int r = size == 4 ? 0 : read_dword(device, offset, &old);

	(void)world;
	return r < 0 ? r : write_dword(device, offset,
	    pciback_write32(&device->clear_by_one, old, offset, size, value));
}

static int
device_enable(void *world, void *handle)
{
	const struct device *device = handle;
	uint32_t command = 0;
	int r = config_read(world, handle, REG_COMMAND, 2, &command);

	return r < 0 ? r : config_write(world, handle, REG_COMMAND, 2, command | device->decode);
}

/* Power states are left alone: there is no way to what a device forgets in D3. */
static const struct pciback_operations operations = {
	.config_read = config_read,
	.config_write = config_write,
	.device_enable = device_enable,
};

/* What a BAR says when it is written with ones. Nothing decodes meanwhile. */
static int
probe_bar(const struct device *device, unsigned offset, uint32_t *ret_mask)
{
	uint32_t old = 0, mask = 0;
	int r = read_dword(device, offset, &old), restored;

	if (r == 0)
		r = write_dword(device, offset, UINT32_MAX);
	if (r < 0)
		return r;
	r = read_dword(device, offset, &mask);
	restored = write_dword(device, offset, old);
	if (r == 0)
		r = restored;
	if (r == 0)
		*ret_mask = mask;
	return r;
}

/* One BAR; `*i` moves on by two for one of 64 bits. Its bit in *unset says that nobody gave it an address. */
static int
size_bar(struct device *device, unsigned *i, struct pciback_resource *ret_resource, unsigned *unset)
{
	unsigned number = *i, offset = REG_BAR0 + number * 4;
	uint32_t low = 0, high = 0, mask = 0, high_mask = UINT32_MAX;
	struct pciback_resource resource = { .kind = PCIBACK_RESOURCE_MEM32 };
	uint64_t sizes;
	int r = read_dword(device, offset, &low);

	if (r == 0)
		r = probe_bar(device, offset, &mask);
	*i += 1;
	if (r < 0 || mask == 0)
		return r;
	if ((low & 1) != 0) {
		resource.kind = PCIBACK_RESOURCE_IO;
		resource.address = low & ~UINT32_C(3);
		/* The upper half may be wired to zero. */
		sizes = (mask & ~UINT32_C(3)) | UINT64_C(0xffffffffffff0000);
	} else {
		resource.prefetchable = (low & 8) != 0;
		if ((low & 6) == 4) {
			resource.kind = PCIBACK_RESOURCE_MEM64;
			r = read_dword(device, offset + 4, &high);
			if (r == 0)
				r = probe_bar(device, offset + 4, &high_mask);
			*i += 1;
		}
		if (r < 0)
			return r;
		resource.address = (uint64_t)high << 32 | (low & ~UINT32_C(15));
		sizes = (uint64_t)high_mask << 32 | (mask & ~UINT32_C(15));
	}
	resource.size = ~sizes + 1;
	if (resource.size == 0)
		return 0;
	if (resource.address != 0)
		*ret_resource = resource;
	else
		*unset |= 1u << number;
	return 0;
}

static int
size_bars(struct device *device, unsigned n_bars, struct pciback_device_settings *settings)
{
	uint32_t command = 0;
	int r = config_read(NULL, device, REG_COMMAND, 2, &command), restored;

	if (r == 0)
		r = config_write(NULL, device, REG_COMMAND, 2,
		    command & ~(uint32_t)(COMMAND_DECODE | COMMAND_MASTER));
	if (r < 0)
		return r;
	for (unsigned i = 0; i < n_bars && r == 0;) {
		struct pciback_resource *resource = &settings->bars[i];

		r = size_bar(device, &i, resource, &settings->unset_bars);
		if (resource->kind == PCIBACK_RESOURCE_IO)
			device->decode |= COMMAND_IO;
		else if (resource->kind != PCIBACK_RESOURCE_NONE)
			device->decode |= COMMAND_MEMORY;
	}
	restored = config_write(NULL, device, REG_COMMAND, 2, command);
	return r < 0 ? r : restored;
}

/* The interrupt that the kernel said in this boot that a device's driver, or pciback, has; 0 for none. */
static unsigned
said_line(const struct pciback_address *address)
{
	uint32_t gsi = 0;

	(void)pciback_kernel_interrupt(NULL, address, &gsi);
	return gsi;
}

static int
read_config(struct device *device)
{
	int r = pci_netbsd_read_config(device->fd, &device->address, device->config);

	if (r == 0)
		pciback_clear_by_one_find(device->config, &device->clear_by_one);
	return r;
}

static int
read_settings(struct device *device, struct pciback_device_settings *settings)
{
	const uint8_t *config = device->config;
	int r = read_config(device);

	if (r < 0)
		return r;
	settings->vendor = (uint16_t)(config[REG_VENDOR] | config[REG_VENDOR + 1] << 8);
	settings->device = (uint16_t)(config[REG_DEVICE] | config[REG_DEVICE + 1] << 8);
	settings->config_size = PCIBACK_CONFIG_PCI;
	/* If the kernel said nothing, it is what the owner may have written. */
	if (config[REG_INTERRUPT_PIN] != 0)
		pciback_settings_set_line(settings, said_line(&device->address), config[REG_INTERRUPT_LINE]);
	settings->quirks = pciback_quirks(&settings->n_quirks);
	return size_bars(device, (config[REG_HEADER_TYPE] & HEADER_TYPE) == 0 ? 6 : 2, settings);
}

static int
reset_device(void *world, void *handle)
{
	struct device *device = handle;

	return pciback_reset(&device->reset, &operations, world, handle, device->config);
}

static bool
is_in_use(const struct pciback_address *address)
{
	int fd = pci_netbsd_open(address->bus);
	bool result = fd >= 0 && pci_netbsd_is_in_use(fd, address);

	if (fd >= 0)
		(void)close(fd);
	return result;
}

static unsigned
find_line(const struct pciback_function *function)
{
	return said_line(&function->address);
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
	uint32_t vendor = 0;

	if (config_read(world, handle, REG_VENDOR, 2, &vendor) < 0 || vendor == 0xffff)
		return -ENODEV;
	return pci_netbsd_is_in_use(device->fd, &device->address) ? -EBUSY : 0;
}

static void
release_device(void *world, void *handle, bool to_dom0)
{
	struct device *device = handle;

	/* Nothing keeps drivers away [drvctl -r], and so there is nothing to be undone. */
	(void)world;
	(void)to_dom0;
	(void)close(device->fd);
	free(device);
}

static int
identify(void *world, const struct pciback_address *address, struct pciback_found *ret_found)
{
	struct pciback_found found = { .driver = "" };
	int fd, r;

	(void)world;
	if (address->domain != 0)
		return -ENODEV;
	fd = pci_netbsd_open(address->bus);
	if (fd < 0)
		return fd;
	r = pci_netbsd_identify(fd, address, &found.identity);
	if (r == 0 && pci_netbsd_is_in_use(fd, address))
		pci_netbsd_driver(fd, address, found.driver);
	(void)close(fd);
	if (r == 0)
		*ret_found = found;
	return r;
}

static int
open_device(void *world, const struct pciback_address *address,
    struct pciback_device_settings *ret_settings)
{
	struct pciback_device_settings settings;
	struct device *device;
	int r = 0;

	(void)world;
	/* pci(4) knows one domain. */
	if (address->domain != 0)
		return -ENODEV;
	device = calloc(1, sizeof(*device));
	if (device == NULL)
		return -ENOMEM;
	device->address = *address;
	device->fd = pci_netbsd_open(address->bus);
	if (device->fd < 0) {
		r = device->fd;
		free(device);
		return r;
	}
	settings = (struct pciback_device_settings){ .address = *address, .handle = device };
	r = pci_netbsd_is_in_use(device->fd, &device->address) ? -EBUSY : read_settings(device, &settings);
	if (r < 0) {
		(void)close(device->fd);
		free(device);
	} else {
		*ret_settings = settings;
	}
	return r;
}

/* Of its bus: whoever has it reaches every device. */
static int
config_file(void *world, void *handle)
{
	const struct device *device = handle;

	(void)world;
	return device->fd;
}

static int
adopt(void *world, int file, const struct pciback_address *address, void **ret_handle)
{
	struct device *device = calloc(1, sizeof(*device));
	int r;

	(void)world;
	if (device == NULL)
		return -ENOMEM;
	device->fd = file;
	device->address = *address;
	r = read_config(device);
	if (r < 0)
		free(device);
	else
		*ret_handle = device;
	return r;
}

int
pciback_hardware_open(struct pciback_hardware *ret_hardware,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	int fd = open("/dev/pci0", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		int error = errno;

		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "/dev/pci0 can't be opened: %s",
		    strerror(error));
		return -error;
	}
	(void)close(fd);
	*ret_hardware = (struct pciback_hardware){
		.operations = &operations,
		.identify = identify,
		.open = open_device,
		.check = check_device,
		.visit_neighbours = visit_neighbours,
		.release = release_device,
		.reset = reset_device,
		.config_file = config_file,
		.adopt = adopt,
		.pause = pciback_pause,
	};
	return 0;
}

#else

/* This file is for NetBSD; C has no empty translation unit. */
typedef int pciback_hardware_not_netbsd;

#endif
