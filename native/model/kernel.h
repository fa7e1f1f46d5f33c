/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_KERNEL_H
#define PCIBACK_MODEL_KERNEL_H

#include "dom0_builder.h"

/* What the dom0 kernel does with its command line: fills in the rest of the prediction. `bus`: NULL,
 * any function may exist. */
void model_boot_kernel(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, const struct model_command_line *line,
    const struct pciback_bus *bus);

#endif
