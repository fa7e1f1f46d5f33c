/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_PERMISSION_H
#define PCIBACK_PERMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/pciif.h>

/* What Xen gives a guest for one device. */

enum pciback_permission_kind {
	PCIBACK_PERMISSION_IOPORT,	/* first, n: ports */
	PCIBACK_PERMISSION_IOMEM,	/* first, n: frames of 4096 bytes */
	PCIBACK_PERMISSION_PIRQ,	/* first: irq; n: the pirq that it is mapped to */
	PCIBACK_PERMISSION_IRQ,		/* first: pirq */
	PCIBACK_PERMISSION_DEVICE,	/* the device itself, to the IOMMU; first: 1 with a relaxed RDM policy */
	PCIBACK_PERMISSION_MSI,		/* first: pirq */
};

struct pciback_permission {
	enum pciback_permission_kind kind;
	bool shared;			/* another device of the guest has the same, for which Xen was asked */
	bool stays;			/* Xen refused to take it back, or it has to stay until another goes */
	uint64_t first, n;
};

/* 6 BARs and the ROM, pirq, irq, the device, and every vector. */
#define PCIBACK_PERMISSIONS_MAX (10 + PCIBACK_VECTORS_MAX)

/* What was granted for a device, in that order. It is revoked from the end. What Xen refuses to take
 * back stays in the list (XSA-458, XSA-460, XSA-476). */
struct pciback_ledger {
	size_t n;
	struct pciback_permission entries[PCIBACK_PERMISSIONS_MAX];
};

#endif
