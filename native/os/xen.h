/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_XEN_H
#define PCIBACK_OS_XEN_H

#include <pciback/platform.h>

#include <errno.h>

#include "xen_abi.h"
#include "xen_libraries.h"

/* A connection to Xen through its libraries: the `world` of the operations. */
struct xen {
	struct pciback_backend *backend;
	struct pciback_xen_operations operations;
	struct xen_libraries libraries;
	const struct xen_functions *call;	/* of the libraries */
	uint32_t version;		/* of the Xen that runs, major << 16 | minor */
	struct xs_handle *store;
	struct xengntdev_handle *grants;
	struct xenevtchn_handle *events;
	struct xc_interface_core *control;
	struct xencall_handle *calls;
	uint32_t child_port;		/* in a child, the only one */
};

/* What the libraries return, -1 and errno, as a negative errno value. */
static inline int
xen_result(int r)
{
	if (r >= 0)
		return 0;
	return errno > 0 ? -errno : -EIO;
}

/* Each fills in its part of the operations. */
void xen_store_fill(struct pciback_xen_operations *operations);
void xen_guest_fill(struct pciback_xen_operations *operations);
void xen_permission_fill(struct pciback_xen_operations *operations);

#endif
