/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_INTERRUPT_H
#define PCIBACK_INTERRUPT_H

#include <stddef.h>
#include <stdint.h>

#include <pciback/device.h>

/*
 * MSI and MSI-X as requests ask for them, in any order (XSA-157). What is answered [Linux]:
 *
 *	enable_msi	PCIBACK_FAILED while MSI or MSI-X is on, or without any; else the pirq
 *	enable_msix	PCIBACK_MSIX_*, in this order: INVALID (more than a request has), ALREADY,
 *			BUSY, INVALID (none, more than the table has, an entry that doesn't exist or
 *			comes twice, no MSI-X at all); else done, and the vectors are filled in
 *	disable_*	always done; the pirq is INTx's
 *
 * `vectors` are `n` entries of the device's table.
 */
enum pciback_answer pciback_msi_enable(struct pciback_device *device, uint32_t *ret_pirq);
enum pciback_answer pciback_msi_disable(struct pciback_device *device, uint32_t *ret_pirq);
enum pciback_answer pciback_msix_enable(struct pciback_device *device,
    struct pciback_vector *vectors, size_t n);
enum pciback_answer pciback_msix_disable(struct pciback_device *device, uint32_t *ret_pirq);

/* Whether MSI-X can be enabled so: PCIBACK_DONE, or what it is refused with. Nothing is done. */
enum pciback_answer pciback_msix_check(struct pciback_device *device, const struct pciback_vector *vectors,
    size_t n);

/*
 * Acts on the command of a request that is no access to a configuration space. `vectors` are those
 * of the request; *value is the request's value, and afterwards the answer's.
 * Returns PCIBACK_NOT_IMPLEMENTED for a command that is none of the four, or what they return.
 */
enum pciback_answer pciback_interrupt_act(struct pciback_device *device, uint32_t command,
    uint32_t *value, struct pciback_vector *vectors);

/* Goes back to INTx, whatever is on. Returns 0, or what failed; it is off then all the same, as far
 * as the device's state goes, and is not tried again. */
int pciback_interrupt_release(struct pciback_device *device);

#endif
