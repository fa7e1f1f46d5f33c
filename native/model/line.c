/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "line.h"

#include <string.h>

bool
model_next_line(const struct pciback_boot_cfg *cfg, size_t offset, size_t number,
    struct model_line *ret_line)
{
	const char *text = cfg->text;
	struct model_line line = { .number = number };
	const char *found;
	size_t end, cut;

	if (offset >= cfg->length)
		return false;
	found = memchr(text + offset, '\n', cfg->length - offset);
	end = found == NULL ? cfg->length : (size_t)(found - text);
	line.next = found == NULL ? end : end + 1;
	found = memchr(text + offset, '#', end - offset);
	cut = found == NULL ? end : (size_t)(found - text);
	found = memchr(text + offset, '=', cut - offset);
	line.key = (struct pciback_span){ offset, found == NULL ? cut : (size_t)(found - text) };
	line.has_value = found != NULL;
	line.value = (struct pciback_span){ found == NULL ? cut : line.key.end + 1, cut };
	*ret_line = line;
	return true;
}

bool
model_key_begins(const struct pciback_boot_cfg *cfg, const struct model_line *line, const char *name)
{
	size_t length = strlen(name);

	return pciback_span_length(line->key) >= length &&
	    memcmp(cfg->text + line->key.begin, name, length) == 0;
}
