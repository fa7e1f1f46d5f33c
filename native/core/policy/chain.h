/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_CHAIN_H
#define PCIBACK_POLICY_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/device.h>
#include <pciback/registers.h>

#define PCIBACK_CHAIN_MAX ((PCIBACK_CONFIG_PCI - PCIBACK_CONFIG_HEADER) / 4)

/* One capability, as the device has it. */
struct pciback_capability {
	uint8_t offset;
	uint8_t id;
	bool shown;
	uint32_t end;			/* behind its last byte */
	uint32_t first;			/* its first dword */
};

struct pciback_chain {
	struct pciback_capability list[PCIBACK_CHAIN_MAX];	/* in the order of the chain */
	size_t n;
};

/* Reads a device's chain, within bounds and each place once, and decides what of it is shown.
 * Returns 0 or -EIO. */
int pciback_chain_read(struct pciback_device *device, struct pciback_chain *ret_chain);

/* Finds where each capability ends, and hides those that reach into another, or past the end. */
void pciback_chain_find_ends(struct pciback_device *device, struct pciback_chain *chain);

#endif
