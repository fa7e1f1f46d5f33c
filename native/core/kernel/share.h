/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_KERNEL_SHARE_H
#define PCIBACK_KERNEL_SHARE_H

#include <pciback/kernel_backend.h>

#include "../guest/state.h"

/*
 * Whether a device shares its interrupt line, or 4096 bytes of memory, with one that another guest has of the kernel's
 * backend (XSA-461). Returns 0, also when the owner allows it, or a negative errno with a sentence.
 */
int pciback_kernel_check_shared(const struct pciback_slot *slot, const struct pciback_kernel_host *host,
    char message[PCIBACK_LOG_LINE]);

#endif
