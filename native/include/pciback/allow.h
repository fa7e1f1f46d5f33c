/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_ALLOW_H
#define PCIBACK_ALLOW_H

/* Refusals that the owner of the machine overrides. */
enum {
	PCIBACK_ALLOW_NO_IOMMU = 1 << 0,	/* the device can write to any memory (XSA-61) */
	PCIBACK_ALLOW_SHARED_IRQ = 1 << 1,	/* with a device of another guest (XSA-461) */
	PCIBACK_ALLOW_SHARED_PAGE = 1 << 2,	/* the same for 4096 bytes of memory */
};

#endif
