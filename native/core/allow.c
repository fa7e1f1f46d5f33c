/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/allow.h>

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned bit;
} names[] = {
	{ "no-iommu", PCIBACK_ALLOW_NO_IOMMU },
	{ "shared-irq", PCIBACK_ALLOW_SHARED_IRQ },
	{ "shared-bar-page", PCIBACK_ALLOW_SHARED_PAGE },
	{ "no-reset", PCIBACK_ALLOW_NO_RESET },
	{ "kept-mappings", PCIBACK_ALLOW_KEPT_MAPPINGS },
};

#define N_NAMES (sizeof(names) / sizeof(names[0]))

const char *
pciback_allow_parse(const char *text, char separator, unsigned *allow, size_t *ret_length)
{
	const char separators[] = { separator, '\0' };

	while (*text != '\0') {
		size_t length = strcspn(text, separators), i = 0;

		while (i < N_NAMES && (strlen(names[i].name) != length ||
		    strncmp(names[i].name, text, length) != 0))
			i++;
		if (i == N_NAMES) {
			*ret_length = length;
			return text;
		}
		*allow |= names[i].bit;
		text += length;
		if (*text == separator)
			text++;
	}
	return NULL;
}

void
pciback_allow_format(unsigned allow, char separator, char text[PCIBACK_ALLOW_SIZE])
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < N_NAMES; i++) {
		const char before[] = { length > 0 ? separator : '\0', '\0' };

		if ((allow & names[i].bit) != 0)
			length += (size_t)snprintf(text + length, PCIBACK_ALLOW_SIZE - length, "%s%s", before,
			    names[i].name);
	}
}
