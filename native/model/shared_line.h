/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_SHARED_LINE_H
#define PCIBACK_MODEL_SHARED_LINE_H

#include <pciback/boot.h>

/*
 * What dom0 loses with the functions that it hides: pciback (1.23, 2022) unbinds the line that a
 * function's INTERRUPT_LINE names from its event channel, whoever else listens there. A driver of
 * dom0's on the same line gets no interrupts any more, until a boot that hides nothing there.
 *
 * Adds a warning for each pair of a claim and a function that stays. `offsets`: of each claim, in
 * the file. A dump of a running system shows what its drivers wrote to INTERRUPT_LINE, which can be
 * another number than the firmware's: lines that differ in it may be one all the same.
 */
void model_explain_shared_lines(struct pciback_boot_prediction *prediction,
    const struct pciback_bus *bus, const size_t *offsets);

#endif
