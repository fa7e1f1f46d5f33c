/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_LOADER_KEY_H
#define PCIBACK_MODEL_LOADER_KEY_H

#include <pciback/boot.h>

#include "line.h"

/* What the loaders take a line's key for. Keys that all of them look at by their first letters are
 * the same for all; some others one loader knows and another ignores. */

enum model_key {
	MODEL_KEY_UNKNOWN,	/* the loader ignores the line */
	MODEL_KEY_MENU,
	MODEL_KEY_BANNER,
	MODEL_KEY_TIMEOUT,
	MODEL_KEY_DEFAULT,
	MODEL_KEY_FORMAT,
	MODEL_KEY_OTHER,	/* consdev, root, clear: no matter for what is loaded */
	MODEL_KEY_LOAD,
	MODEL_KEY_USERCONF,
	MODEL_KEY_FS,
	MODEL_KEY_RNDSEED,
	MODEL_KEY_DEV,
};

enum model_key model_line_key(const struct pciback_boot_cfg *cfg, const struct model_line *line,
    enum pciback_loader loader);

/* Whether those of the loaders that are possible take the line's key for different ones; `loaders`
 * is a set of PCIBACK_LOADER_BIT(). */
bool model_key_differs(const struct pciback_boot_cfg *cfg, const struct model_line *line,
    unsigned loaders);

/* Says which loaders read a line that not all of the possible ones read. */
void model_explain_key(struct pciback_boot_prediction *prediction, const struct model_line *line);

#endif
