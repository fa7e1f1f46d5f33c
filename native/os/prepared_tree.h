/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_PREPARED_TREE_H
#define PCIBACK_OS_PREPARED_TREE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include <pciback/prepared.h>

/* The /sys that pcibackctl prepare makes, as it is now. */

#define PREPARED_MARKER		".xen-pciback"
#define PREPARED_NEW		".new"	/* of a file that is about to be replaced */

/* Flags of open() for a directory in it. */
#define PREPARED_DIRECTORY	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* What is below /sys, from there down to the devices. */
#define PREPARED_LEVELS 3
extern const char *const prepared_levels[PREPARED_LEVELS];

/* /sys, opened, and the devices that it has files of. */
struct prepared_tree {
	const char *root;
	char *message;
	int root_fd, fd;		/* that of /sys is -1 when there is none */
	int devices_fd;			/* the last level; -1: not opened, or not there */
	dev_t device;
	size_t n;
	struct pciback_address addresses[PCIBACK_PREPARED_MAX];
};

/* Looks at /sys, which is there or not, and refuses one that is not ours. Returns 0, or a negative errno value with a
 * sentence; what was opened is to be closed in either case. */
int prepared_tree_open(const char *root, struct prepared_tree *tree, char message[PCIBACK_PLATFORM_MESSAGE]);
void prepared_tree_close(struct prepared_tree *tree);

/* Whether it has files of a device. */
bool prepared_tree_has(const struct prepared_tree *tree, const struct pciback_address *address);

/* Writes a sentence that begins with the path of /sys; returns `error`. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int prepared_tree_fail(const struct prepared_tree *tree, int error, const char *format, ...);

/* The same for what errno says: "/sys can't be opened: ...". */
int prepared_tree_fail_with_errno(const struct prepared_tree *tree, const char *what);

#endif
