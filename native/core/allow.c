/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/allow.h>

#include <string.h>

const char *
pciback_allow_parse(const char *text, unsigned *allow, size_t *ret_length)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {
		{ "no-iommu", PCIBACK_ALLOW_NO_IOMMU },
		{ "shared-irq", PCIBACK_ALLOW_SHARED_IRQ },
		{ "shared-page", PCIBACK_ALLOW_SHARED_PAGE },
		{ "no-reset", PCIBACK_ALLOW_NO_RESET },
		{ "kept-mappings", PCIBACK_ALLOW_KEPT_MAPPINGS },
	};
	const size_t n = sizeof(names) / sizeof(names[0]);

	while (*text != '\0') {
		size_t length = strcspn(text, ","), i = 0;

		while (i < n && (strlen(names[i].name) != length ||
		    strncmp(names[i].name, text, length) != 0))
			i++;
		if (i == n) {
			*ret_length = length;
			return text;
		}
		*allow |= names[i].bit;
		text += length;
		if (*text == ',')
			text++;
	}
	return NULL;
}
