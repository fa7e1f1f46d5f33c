/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_PRISTINE_H
#define PCIBACK_PRISTINE_H

/*
 * A configuration space as it was when its device was taken from dom0, so that each owner finds the
 * device as the first one did, whatever the one before wrote.
 */

#include <stdint.h>

#include <pciback/device.h>
#include <pciback/operations.h>
#include <pciback/registers.h>

struct pciback_pristine {
	unsigned size;			/* bytes; a multiple of 4; 0: nothing is saved */
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
};

/* The first capability of a kind in a configuration space of at least PCIBACK_CONFIG_PCI bytes, whose
 * `length` bytes lie within these: a multiple of 4, 64 or more. 0 if there is none. */
uint8_t pciback_find_capability(const uint8_t *config, uint8_t id, unsigned length);

/* Accesses of a step of what follows, at most. A configuration space has 1024 dwords. */
#define PCIBACK_PRISTINE_STEP	64

/*
 * A step of saving what a device has that is in D0 and does not write to memory, but for the interrupts
 * that a driver left on, and with the BARs that the system knows: a device that was in D3 has lost its
 * own. *offset is 0 for the first step and is moved on; the first one reads PCIBACK_CONFIG_PCI bytes.
 * `size` is 0 until all is saved. Returns 1 if there is more, 0 at the end, or what the operation
 * returned.
 */
int pciback_pristine_save(struct pciback_pristine *pristine,
    const struct pciback_operations *operations, void *world,
    const struct pciback_device_settings *settings, unsigned *offset);

/*
 * A step of writing back what differs, as above. COMMAND and vital product data are left alone: the one
 * says what the device does now, and writing the other may write to its memory. Registers that change by
 * themselves may differ afterwards; those of the header may not.
 * Returns 1 if there is more, 0 at the end, -EIO if a register of the header differs, or what the
 * operation returned.
 */
int pciback_pristine_restore(const struct pciback_pristine *pristine,
    const struct pciback_operations *operations, void *world, void *handle, unsigned *offset);

#endif
