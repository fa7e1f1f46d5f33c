/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../../core/guest/paths.h"

static void
test_directories(struct harness *harness)
{
	char path[PCIBACK_STORE_PATH], key[PCIBACK_STORE_PATH * 2];

	pciback_path(path, PCIBACK_DIRECTORY_BACKEND, 7, "dev-0");
	CHECK_TEXT(path, "/local/domain/0/backend/pci/7/0/dev-0");
	pciback_path(path, PCIBACK_DIRECTORY_BACKEND, 7, "");
	CHECK_TEXT(path, "/local/domain/0/backend/pci/7/0");
	pciback_path(path, PCIBACK_DIRECTORY_FRONTEND, 32751, "state");
	CHECK_TEXT(path, "/local/domain/32751/device/pci/0/state");
	pciback_path(path, PCIBACK_DIRECTORY_FRONTEND, 7, "");
	CHECK_TEXT(path, "/local/domain/7/device/pci/0");
	pciback_path(path, PCIBACK_DIRECTORY_DOMAIN, 7, "");
	CHECK_TEXT(path, "/local/domain/0/backend/pci/7");
	pciback_path(path, PCIBACK_DIRECTORY_ERROR, 7, "0/error");
	CHECK_TEXT(path, "/local/domain/0/error/backend/pci/7/0/error");
	pciback_path(path, PCIBACK_DIRECTORY_GUEST, 7, "name");
	CHECK_TEXT(path, "/local/domain/7/name");
	pciback_path(path, PCIBACK_DIRECTORY_LIBXL, 7, "type");
	CHECK_TEXT(path, "/libxl/7/type");
	/* What does not fit is cut off. */
	memset(key, 'x', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	pciback_path(path, PCIBACK_DIRECTORY_BACKEND, 7, key);
	CHECK_NUMBER(strlen(path), PCIBACK_STORE_PATH - 1);
}

static void
test_domains(struct harness *harness)
{
	static const struct {
		const char *path;
		uint16_t domain;
	} paths[] = {
		{ "/local/domain/0/backend/pci/7/0/state", 7 },
		{ "/local/domain/0/backend/pci/7", 7 },
		{ "/local/domain/0/backend/pci/32751/0", 32751 },
		{ "/local/domain/0/backend/pci/32752/0", 0 },
		{ "/local/domain/0/backend/pci", 0 },
		{ "/local/domain/0/backend/pci/", 0 },
		{ "/local/domain/0/backend/pci/x/0", 0 },
		{ "/local/domain/0/backend/pci/7x", 0 },
		{ "/local/domain/0/backend/pci/999999999999/0", 0 },
		{ "/local/domain/0/backend/vif/7/0", 0 },
		{ "/local/domain/7/device/pci/0", 0 },
		{ "", 0 },
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		CHECK_NUMBER(pciback_path_domain(paths[i].path), paths[i].domain);
	CHECK(!pciback_path_is_domain(0));
	CHECK(pciback_path_is_domain(1));
	CHECK(pciback_path_is_domain(0x7fef));
	CHECK(!pciback_path_is_domain(0x7ff0));
}

void
test_guest_paths(struct harness *harness)
{
	test_directories(harness);
	test_domains(harness);
}
