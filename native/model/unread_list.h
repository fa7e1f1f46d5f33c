/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_UNREAD_LIST_H
#define PCIBACK_MODEL_UNREAD_LIST_H

#include "dom0_builder.h"

/* Lists that stand in the file and are not the one that the kernel takes. */

#define MODEL_HIDE_OPTION	"pciback.hide="
#define MODEL_HIDE_OPTION_LENGTH (sizeof(MODEL_HIDE_OPTION) - 1)

/*
 * Says of each why the kernel does not take it. `length` is how much of the line the kernel reads;
 * `taken` the offset in the file of the list that it takes, or PCIBACK_NO_OFFSET.
 */
void model_explain_unread_lists(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, const struct model_command_line *line, size_t length,
    size_t taken);

#endif
