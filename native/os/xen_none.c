/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if !defined(PCIBACK_WITH_XEN)

#include <pciback/platform.h>

#include <errno.h>
#include <stdio.h>

int
pciback_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	(void)ret_link;
	(void)backend;
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
	    "this pcibackd was built without Xen's libraries; only --bus with --xen-socket works");
	return -ENOSYS;
}

#else

/* This file is for a program without Xen's libraries; C has no empty translation unit. */
typedef int pciback_with_xen;

#endif
