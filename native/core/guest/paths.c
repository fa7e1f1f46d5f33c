/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "paths.h"

#include <stdio.h>
#include <string.h>

#include <pciback/text.h>

static const char *const formats[] = {
	[PCIBACK_DIRECTORY_BACKEND] = PCIBACK_BACKENDS_PATH "/%u/0",
	[PCIBACK_DIRECTORY_FRONTEND] = "/local/domain/%u/device/pci/0",
	[PCIBACK_DIRECTORY_DOMAIN] = PCIBACK_BACKENDS_PATH "/%u",
	[PCIBACK_DIRECTORY_GUEST] = "/local/domain/%u",
	[PCIBACK_DIRECTORY_LIBXL] = "/libxl/%u",
	[PCIBACK_DIRECTORY_ERROR] = "/local/domain/0/error/backend/pci/%u",
};

void
pciback_path(char ret_path[PCIBACK_STORE_PATH], enum pciback_directory directory, uint16_t domain,
    const char *key)
{
	size_t length = 0;
	int n = snprintf(ret_path, PCIBACK_STORE_PATH, formats[directory], (unsigned)domain);

	if (n > 0)
		length = (size_t)n;
	if (key[0] != '\0' && length < PCIBACK_STORE_PATH)
		(void)snprintf(ret_path + length, PCIBACK_STORE_PATH - length, "/%s", key);
}

bool
pciback_path_is_domain(uint32_t number)
{
	return number != 0 && number <= PCIBACK_DOMAIN_MAX;
}

uint16_t
pciback_path_domain(const char *path)
{
	size_t prefix = strlen(PCIBACK_BACKENDS_PATH "/");
	char digits[6];
	uint32_t domain;
	size_t length;

	if (strncmp(path, PCIBACK_BACKENDS_PATH "/", prefix) != 0)
		return 0;
	path += prefix;
	length = strcspn(path, "/");
	if (length >= sizeof(digits))
		return 0;
	memcpy(digits, path, length);
	digits[length] = '\0';
	return pciback_decimal_parse(digits, PCIBACK_DOMAIN_MAX, &domain) < 0 ? 0 : (uint16_t)domain;
}
