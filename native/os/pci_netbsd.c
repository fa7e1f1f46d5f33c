/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__NetBSD__)

#include "pci_netbsd.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pciback/registers.h>

int
pci_netbsd_open(unsigned bus)
{
	for (unsigned node = 0; node < N_NODES; node++) {
		struct bus_info info;
		char path[16];
		int fd;

		(void)snprintf(path, sizeof(path), "/dev/pci%u", node);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 && (errno == ENXIO || errno == ENOENT))
			continue;
		if (fd < 0)
			return -errno;
		if (ioctl(fd, BUS_INFO, &info) == 0 && info.bus == bus)
			return fd;
		(void)close(fd);
	}
	return -ENODEV;
}

int
pci_netbsd_read(int fd, const struct pciback_address *address, unsigned offset, uint32_t *ret_value)
{
	struct config_access access = {
		.bus = address->bus,
		.device = address->device,
		.function = address->function,
		.reg = offset,
	};

	if (ioctl(fd, CONFIG_READ, &access) < 0)
		return -errno;
	*ret_value = access.value;
	return 0;
}

int
pci_netbsd_write(int fd, const struct pciback_address *address, unsigned offset, uint32_t value)
{
	struct config_access access = {
		.bus = address->bus,
		.device = address->device,
		.function = address->function,
		.reg = offset,
		.value = value,
	};

	return ioctl(fd, CONFIG_WRITE, &access) < 0 ? -errno : 0;
}

int
pci_netbsd_read_config(int fd, const struct pciback_address *address, uint8_t ret_config[PCIBACK_CONFIG_PCI])
{
	for (unsigned offset = 0; offset < PCIBACK_CONFIG_PCI; offset += 4) {
		uint32_t value = 0;
		int r = pci_netbsd_read(fd, address, offset, &value);

		if (r < 0)
			return r;
		if (offset == 0 && ((value & 0xffff) == 0xffff || (value & 0xffff) == 0))
			return -ENODEV;
		for (unsigned byte = 0; byte < 4; byte++)
			ret_config[offset + byte] = (uint8_t)(value >> 8 * byte);
	}
	return 0;
}

int
pci_netbsd_identify(int fd, const struct pciback_address *address, struct pciback_identity *ret_identity)
{
	uint32_t id = 0, header = 0, subsystem = 0;
	int r = pci_netbsd_read(fd, address, REG_VENDOR, &id);

	if (r == 0 && ((id & 0xffff) == 0xffff || (id & 0xffff) == 0))
		return -ENODEV;
	if (r == 0)
		r = pci_netbsd_read(fd, address, REG_HEADER_TYPE & ~3u, &header);
	if (r == 0 && (header >> (REG_HEADER_TYPE & 3) * 8 & HEADER_TYPE) == 0)
		r = pci_netbsd_read(fd, address, REG_SUBSYSTEM_VENDOR, &subsystem);
	if (r == 0)
		*ret_identity = (struct pciback_identity){
			.vendor = (uint16_t)id,
			.device = (uint16_t)(id >> 16),
			.subsystem_vendor = (uint16_t)subsystem,
			.subsystem = (uint16_t)(subsystem >> 16),
		};
	return r;
}

void
pci_netbsd_driver(int fd, const struct pciback_address *address, char ret_driver[PCIBACK_DRIVER_SIZE])
{
	struct driver_name_on_bus on_bus = {
		.bus = address->bus,
		.device = address->device,
		.function = address->function,
	};
	struct driver_name driver = {
		.device = address->device,
		.function = address->function,
	};

	const char *name = "?";

	if (ioctl(fd, DRIVER_NAME_ON_BUS, &on_bus) == 0)
		name = on_bus.name;
	else if (errno == ENXIO || errno == ENODEV)
		name = "";
	else if (ioctl(fd, DRIVER_NAME, &driver) == 0)
		name = driver.name;
	else if (errno == ENXIO || errno == ENODEV)
		name = "";
	(void)snprintf(ret_driver, PCIBACK_DRIVER_SIZE, "%.15s", name);
}

bool
pci_netbsd_is_in_use(int fd, const struct pciback_address *address)
{
	char driver[PCIBACK_DRIVER_SIZE];

	pci_netbsd_driver(fd, address, driver);
	return driver[0] != '\0' && strncmp(driver, "pciback", 7) != 0;
}

#else

/* This file is for NetBSD; C has no empty translation unit. */
typedef int pciback_pci_not_netbsd;

#endif
