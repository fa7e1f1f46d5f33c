/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_PCI_NETBSD_H
#define PCIBACK_OS_PCI_NETBSD_H

#include <stdbool.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/registers.h>
#include <pciback/wanted.h>

/*
 * The ioctls of pci(4) by their numbers and layouts, so that no kernel header is needed. Each
 * access is 32 bits at a multiple of four.
 */
struct bus_info {
	unsigned bus;
	unsigned n_devices;
};

struct config_access {
	unsigned bus;
	unsigned device;
	unsigned function;
	unsigned reg;
	uint32_t value;
};

struct driver_name {
	unsigned device;
	unsigned function;
	char name[16];
};

/* Of newer kernels, in place of the other. */
struct driver_name_on_bus {
	unsigned bus;
	unsigned device;
	unsigned function;
	char name[16];
};

_Static_assert(sizeof(struct bus_info) == 8, "the size is part of the ioctl's number");
_Static_assert(sizeof(struct config_access) == 20, "the size is part of the ioctl's number");
_Static_assert(sizeof(struct driver_name) == 24, "the size is part of the ioctl's number");
_Static_assert(sizeof(struct driver_name_on_bus) == 28, "the size is part of the ioctl's number");

#define BUS_INFO	0x40085004UL
#define CONFIG_READ	0xc0145002UL
#define CONFIG_WRITE	0x80145003UL
#define DRIVER_NAME	0xc0185005UL
#define DRIVER_NAME_ON_BUS 0xc01c5005UL

/* One /dev/pciN a bus. */
#define N_NODES 256

/* The node of a bus, to be closed; -ENODEV when there is no such bus, or another negative errno value. */
int pci_netbsd_open(unsigned bus);

/* Reads a dword of a function of that bus, or writes it. Returns 0 or a negative errno value. */
int pci_netbsd_read(int fd, const struct pciback_address *address, unsigned offset, uint32_t *ret_value);
int pci_netbsd_write(int fd, const struct pciback_address *address, unsigned offset, uint32_t value);

/* Reads its first 256 bytes. Returns 0, -ENODEV when there is none, or another negative errno value. */
int pci_netbsd_read_config(int fd, const struct pciback_address *address, uint8_t ret_config[PCIBACK_CONFIG_PCI]);

/* What a function of that bus is, whoever has it. Returns 0, -ENODEV when there is none, or another negative
 * errno value. */
int pci_netbsd_identify(int fd, const struct pciback_address *address, struct pciback_identity *ret_identity);

/* The driver that has a function of that bus, whichever it is; "?" where the kernel can't tell, "" for none. */
void pci_netbsd_driver(int fd, const struct pciback_address *address, char ret_driver[PCIBACK_DRIVER_SIZE]);

/* Whether a driver of this system uses the device; pciback only keeps it for guests. A kernel that
 * can't tell is taken to use it. */
bool pci_netbsd_is_in_use(int fd, const struct pciback_address *address);

#endif
