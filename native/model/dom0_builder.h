/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_DOM0_BUILDER_H
#define PCIBACK_MODEL_DOM0_BUILDER_H

#include <pciback/boot.h>

#include "loader.h"

/* Xen's builder of dom0: from what the loader hands over to the kernel's command line. */

/* A command line and where in the file each of its bytes came from. */
struct model_command_line {
	size_t length;
	char bytes[PCIBACK_XEN_CMDLINE];
	uint32_t offsets[PCIBACK_XEN_CMDLINE];
};

/* What Xen's builder gives to the dom0 kernel. */
void model_xen_command_line(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, struct model_command_line *ret_line);

/* The part of Xen's own command line that goes to dom0: what follows the first " -- ", with one
 * blank before it. Xen has cut its image's name and the blanks behind it off before it looks, so
 * a "--" that comes first is not found. */
struct pciback_span model_dom0_part(const char *text, struct pciback_span xen_arguments);

/* Whether Xen's options make dom0 a PVH one: `dom0=` with `pvh` among its items; of `pv` and `pvh`
 * the last counts. */
bool model_dom0_is_pvh(const char *text, struct pciback_span xen_arguments);

#endif
