/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_KERNEL_OWNER_H
#define PCIBACK_KERNEL_OWNER_H

#include "../guest/state.h"

/*
 * Whether no domain has a device of the kernel's backend, which does not look itself: one that two guests get ruins
 * its lists. `allow`, of PCIBACK_ALLOW_*, is what the owner allows for it. Returns 0, -EBUSY while a domain may reach the device still, or what the store or Xen returned; and then
 * a sentence.
 */
int pciback_kernel_check_owner(struct pciback_backend *backend, const struct pciback_address *address,
    unsigned allow, char message[PCIBACK_LOG_LINE]);

/* The same; where that is -EBUSY, *ret_irq is the interrupt that its owner stated of it for that domain, 0 for none. */
int pciback_kernel_find_owner(struct pciback_backend *backend, const struct pciback_address *address,
    unsigned allow, uint8_t *ret_irq, char message[PCIBACK_LOG_LINE]);

/* Finds the domains whose nodes are in the store: `backend->domains`, *ret_n of them. Returns 0, or a negative errno with a
 * sentence. */
int pciback_kernel_find_domains(struct pciback_backend *backend, size_t *ret_n, char message[PCIBACK_LOG_LINE]);

#endif
