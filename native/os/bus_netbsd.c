/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__NetBSD__)

#include <pciback/os.h>

#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pci_netbsd.h"

/* Returns 1 when the function is there, 0 when nothing answers. */
static int
read_function(struct pciback_bus *bus, int fd, const struct pciback_address *address,
    bool *ret_multifunction)
{
	uint8_t config[PCIBACK_CONFIG_PCI];
	int r;

	for (size_t reg = 0; reg < sizeof(config); reg += 4) {
		uint32_t value = 0;

		r = pci_netbsd_read(fd, address, (unsigned)reg, &value);
		if (r < 0)
			return r;
		if (reg == 0 && ((value & 0xffff) == 0xffff || (value & 0xffff) == 0))
			return 0;
		for (unsigned byte = 0; byte < 4; byte++)
			config[reg + byte] = (uint8_t)(value >> 8 * byte);
	}
	*ret_multifunction = (config[REG_HEADER_TYPE] & HEADER_MULTIFUNCTION) != 0;
	r = pciback_bus_add(bus, address, 0, config, sizeof(config));
	return r < 0 ? r : 1;
}

static int
read_bus(struct pciback_bus *bus, int fd)
{
	struct bus_info info;

	if (ioctl(fd, BUS_INFO, &info) < 0)
		return -errno;
	if (info.bus > 0xff || info.n_devices > 32)
		return -EIO;
	for (unsigned device = 0; device < info.n_devices; device++) {
		bool multifunction = false;

		for (unsigned function = 0; function < (multifunction ? 8 : 1); function++) {
			struct pciback_address address = {
				.bus = (uint8_t)info.bus,
				.device = (uint8_t)device,
				.function = (uint8_t)function,
			};
			bool ignored;
			int r = read_function(bus, fd, &address,
			    function == 0 ? &multifunction : &ignored);

			if (r < 0)
				return r;
			/* One that is being reset does not answer, and others of its functions do. */
			multifunction = multifunction || r == 0;
		}
	}
	return 0;
}

int
pciback_bus_scan(struct pciback_bus *bus, bool (*is_wanted)(const struct pciback_address *address),
    struct pciback_scan_error *error)
{
	int r = 0;

	(void)is_wanted;
	for (unsigned node = 0; node < N_NODES && r == 0; node++) {
		int fd;

		(void)snprintf(error->path, sizeof(error->path), "/dev/pci%u", node);
		fd = open(error->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			/* Nodes are made for more buses than there are. */
			if (node > 0 && (errno == ENXIO || errno == ENOENT))
				continue;
			r = -errno;
			break;
		}
		r = read_bus(bus, fd);
		(void)close(fd);
	}
	if (r == 0)
		r = pciback_bus_sort(bus, NULL);
	if (r < 0)
		pciback_bus_free(bus);
	return r;
}

#else

/* This file is for NetBSD; C has no empty translation unit. */
typedef int pciback_not_netbsd;

#endif
