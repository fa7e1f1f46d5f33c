/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_BOOT_CFG_H
#define PCIBACK_MODEL_BOOT_CFG_H

#include <pciback/boot.h>

/* Reads a boot.cfg as one of the possible loaders does: fills in `cfg` of the prediction, which
 * keeps a pointer to the text. */
void model_read_boot_cfg(struct pciback_boot_prediction *prediction, const char *text,
    size_t length, unsigned loaders, enum pciback_loader loader);

#endif
