/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_KERNEL_NODES_H
#define PCIBACK_KERNEL_NODES_H

#include <pciback/kernel_backend.h>

#include "../guest/state.h"

/* What the store says of one domain's devices. */
struct pciback_kernel_nodes {
	bool exists;			/* its backend's directory has a state, whichever */
	enum pciback_xenbus state;	/* of the backend; UNKNOWN: none that can be read */
	size_t n;
	struct pciback_address addresses[PCIBACK_ENTRIES_MAX];
	uint8_t irqs[PCIBACK_ENTRIES_MAX];	/* the interrupt that its owner stated of each; 0: none */
};

/* Reads them; entries that can't be read are left out. No guest can write them. Returns 0 or what the store returned. */
int pciback_kernel_nodes_read(struct pciback_backend *backend, uint16_t domain,
    struct pciback_kernel_nodes *ret_nodes);

/*
 * Makes the nodes of a domain and of all its devices, in one change, the states last. `name` is the domain's. What is
 * stated of interrupts is among them, for whoever takes them back. Returns
 * 0, -ESTALE when the domain has some already, or what the store returned.
 */
int pciback_kernel_nodes_make(struct pciback_backend *backend, uint16_t domain, const char *name,
    const struct pciback_wanted *devices, size_t n);

/* Removes the nodes of a domain if the kernel's backend is at that state: CLOSED, when it is through with it, or
 * INITIALISING, when it has not begun. Returns 0, -ESTALE when it is not, or what the store returned. */
int pciback_kernel_nodes_remove(struct pciback_backend *backend, uint16_t domain, enum pciback_xenbus state);

#endif
