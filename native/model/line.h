/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_LINE_H
#define PCIBACK_MODEL_LINE_H

#include <pciback/boot.h>

/* One line as the loader sees it: without its comment, split at the first '='. */
struct model_line {
	struct pciback_span key;
	struct pciback_span value;
	bool has_value;
	size_t number;
	size_t next;		/* offset of the following line */
};

/* Reads the line at `offset`; false at the end. */
bool model_next_line(const struct pciback_boot_cfg *cfg, size_t offset, size_t number,
    struct model_line *ret_line);

/* Whether the line's key begins with `name`. */
bool model_key_begins(const struct pciback_boot_cfg *cfg, const struct model_line *line,
    const char *name);

#endif
