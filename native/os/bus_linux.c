/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700

#include <pciback/os.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES "/sys/bus/pci/devices"

/* One directory of sysfs; an ordinary user reads the first 64 bytes only. */
static int
read_function(struct pciback_bus *bus, const char *name, bool (*is_wanted)(const struct pciback_address *address),
    struct pciback_scan_error *error)
{
	char canonical[PCIBACK_ADDRESS_SIZE];
	struct pciback_address address;
	size_t length;
	char *bytes;
	int r;

	/* Domains above ffff are those of virtual root ports, out of Xen's reach. */
	if (pciback_address_parse(name, strlen(name), &address) < 0 || (is_wanted != NULL && !is_wanted(&address)))
		return 0;
	pciback_address_format(&address, canonical);
	(void)snprintf(error->path, sizeof(error->path), DEVICES "/%s/config", canonical);
	r = pciback_read_file(error->path, PCIBACK_CONFIG_EXPRESS, &bytes, &length);
	if (r < 0)
		return r;
	if (length < PCIBACK_CONFIG_HEADER)
		r = -EIO;
	else
		r = pciback_bus_add(bus, &address, 0, (const uint8_t *)bytes, length);
	free(bytes);
	return r;
}

int
pciback_bus_scan(struct pciback_bus *bus, bool (*is_wanted)(const struct pciback_address *address),
    struct pciback_scan_error *error)
{
	DIR *directory = opendir(DEVICES);
	int r = 0;

	(void)snprintf(error->path, sizeof(error->path), DEVICES);
	if (directory == NULL)
		return -errno;
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(directory);
		if (entry == NULL) {
			r = -errno;
			break;
		}
		if (entry->d_name[0] == '.')
			continue;
		r = read_function(bus, entry->d_name, is_wanted, error);
		if (r < 0)
			break;
	}
	(void)closedir(directory);
	if (r == 0)
		r = pciback_bus_sort(bus, NULL);
	if (r < 0)
		pciback_bus_free(bus);
	return r;
}

#else

/* This file is for Linux; C has no empty translation unit. */
typedef int pciback_not_linux;

#endif
