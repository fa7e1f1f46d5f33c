/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_ALLOW_H
#define PCIBACK_ALLOW_H

#include <stddef.h>

/* Refusals that the owner of the machine overrides. */
enum {
	PCIBACK_ALLOW_NO_IOMMU = 1 << 0,	/* the device can write to any memory (XSA-61) */
	PCIBACK_ALLOW_SHARED_IRQ = 1 << 1,	/* with a device of another guest (XSA-461) */
	PCIBACK_ALLOW_SHARED_PAGE = 1 << 2,	/* the same for 4096 bytes of memory */
	PCIBACK_ALLOW_NO_RESET = 1 << 3,	/* its next owner finds what the last one left in it */
	PCIBACK_ALLOW_KEPT_MAPPINGS = 1 << 4,	/* a guest that had it and lives on may reach its memory */
	PCIBACK_ALLOW_ALL = (1 << 5) - 1,
};

/* Their names, for a sentence. */
#define PCIBACK_ALLOW_NAMES "no-iommu, shared-irq, shared-bar-page, no-reset or kept-mappings"

/*
 * Adds what a list of names says, separated by `separator`, to *allow. Returns NULL, or the word that is none of them, and
 * its length; what stands before it was added.
 */
const char *pciback_allow_parse(const char *text, char separator, unsigned *allow, size_t *ret_length);

/* Long enough for all names with separators, and a 0 byte. */
#define PCIBACK_ALLOW_SIZE 64

/* Writes the names of what is allowed, as pciback_allow_parse() reads them. */
void pciback_allow_format(unsigned allow, char separator, char text[PCIBACK_ALLOW_SIZE]);

#endif
