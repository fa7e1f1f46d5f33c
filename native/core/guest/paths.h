/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_PATHS_H
#define PCIBACK_GUEST_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include <pciback/xen.h>

/* The paths of xenstore that this backend uses [libxl]. */

/* The directory of all backends of this kind, and what a watch on the end of domains is called. */
#define PCIBACK_BACKENDS_PATH	"/local/domain/0/backend/pci"
#define PCIBACK_DOMAINS_PATH	"@releaseDomain"

/* A directory that belongs to one guest. */
enum pciback_directory {
	PCIBACK_DIRECTORY_BACKEND,	/* the backend's: /local/domain/0/backend/pci/N/0 */
	PCIBACK_DIRECTORY_FRONTEND,	/* the frontend's: /local/domain/N/device/pci/0 */
	PCIBACK_DIRECTORY_DOMAIN,	/* above the backend's: /local/domain/0/backend/pci/N */
	PCIBACK_DIRECTORY_GUEST,	/* all that a domain may see of itself: /local/domain/N */
	PCIBACK_DIRECTORY_LIBXL,	/* what libxl keeps of it: /libxl/N */
	PCIBACK_DIRECTORY_ERROR,	/* errors of the backend: /local/domain/0/error/backend/pci/N */
};

/* The path of a key in a directory of domain N; of the directory itself if `key` is "". */
void pciback_path(char ret_path[PCIBACK_STORE_PATH], enum pciback_directory directory,
    uint16_t domain, const char *key);

/* The domain whose backend's directory a path is or lies in, or 0. */
uint16_t pciback_path_domain(const char *path);

/* Whether a number can be a domain's that has devices: not dom0, and none that Xen reserves. */
bool pciback_path_is_domain(uint32_t number);

#endif
