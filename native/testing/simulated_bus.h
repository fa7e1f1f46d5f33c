/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_SIMULATED_BUS_H
#define PCIBACK_SIMULATED_BUS_H

#include <pciback/device.h>
#include <pciback/bus.h>
#include <pciback/wanted.h>

/*
 * A bus made of a dump, whose functions behave: base address registers can be moved and sized,
 * errors in STATUS are cleared by ones, MSI and MSI-X are programmed, vital product data can be
 * read, power states switched. So the backend runs on any machine, and a test sees what reached
 * the device.
 */

/* One simulated function. Which bits of each byte a write changes, and which a one clears. */
struct pciback_simulated_device {
	struct pciback_simulated_bus *bus;
	struct pciback_address address;
	uint16_t config_size;
	uint8_t header_type;
	uint8_t power, vpd, msi, msix, express, advanced;	/* offsets of capabilities, 0 for none */
	struct pciback_resource bars[PCIBACK_RESOURCES];
	struct pciback_resource rom;
	size_t n_pirqs;			/* given out and not taken back */
	uint32_t first_pirq;
	unsigned n_resets;		/* by its registers */
	uint8_t dump[PCIBACK_CONFIG_EXPRESS];	/* what it was made from; a reset brings it back */
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	uint8_t writable[PCIBACK_CONFIG_EXPRESS];
	uint8_t clear_by_one[PCIBACK_CONFIG_EXPRESS];
};

struct pciback_simulated_bus {
	struct pciback_simulated_device *devices;	/* sorted by address */
	size_t n_devices;
	uint32_t next_pirq;
};

/*
 * Makes the devices of a bus that was read and sorted; the dump can be freed afterwards. A dump
 * says nothing of sizes: each is the largest that the alignment of its address allows, without
 * reaching the next address on the bus, and at most 1 MiB of memory or 256 ports.
 * Returns 0 or -ENOMEM.
 */
int pciback_simulated_bus_init(struct pciback_simulated_bus *simulated,
    const struct pciback_bus *bus);
void pciback_simulated_bus_free(struct pciback_simulated_bus *simulated);

/* The device at an address, or NULL. It is the handle of its operations. */
struct pciback_simulated_device *pciback_simulated_bus_find(
    const struct pciback_simulated_bus *simulated, const struct pciback_address *address);

/* Gives a BAR (0 to 5, 6 for the ROM) its real size in bytes. Returns 0, or -EINVAL when there is
 * none or its address is no multiple of such a size. */
int pciback_simulated_device_resize(struct pciback_simulated_device *device, unsigned index,
    uint64_t size);

/* What it is by its configuration space. */
void pciback_simulated_device_identity(const struct pciback_simulated_device *device,
    struct pciback_identity *ret_identity);

/* What a binding knows of the device; `permissive`, `interrupt_control` and quirks are left for
 * the caller to set, and the pirq of INTx is the number in the interrupt line register. */
void pciback_simulated_device_settings(struct pciback_simulated_device *device,
    struct pciback_device_settings *ret_settings);

/* Fills in the operations on devices; notify and log stay the caller's. */
void pciback_simulated_bus_operations(struct pciback_operations *operations);

#endif
