/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_DISK_H
#define PCIBACK_MODEL_DISK_H

#include <pciback/boot.h>

/* Which files the loader can open. */

struct model_disk {
	const struct pciback_boot_files *files;	/* NULL: every file exists */
	const struct pciback_boot_exception *exceptions;
	size_t n_exceptions;
	const char *text;			/* paths are spans of it */
};

/* Whether open() finds a path as it stands, with or without a device. A file on a device that is
 * named can't be asked for, and is taken to exist. */
bool model_opens(const struct model_disk *disk, struct pciback_span path);

/* Whether the loader can open what a `load` named. A name that does not start at the root is
 * looked for among the kernel's modules first, and then as it stands, arguments and all. */
bool model_module_opens(const struct model_disk *disk, struct pciback_span module);

/* Whether there is a kernel that the loader boots by itself. */
bool model_any_kernel(const struct model_disk *disk);

#endif
