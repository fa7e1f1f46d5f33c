/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if !defined(__linux__) && !defined(__NetBSD__)

#include <pciback/platform.h>

#include <errno.h>
#include <stdio.h>

int
pciback_hardware_open(struct pciback_hardware *ret_hardware,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	(void)ret_hardware;
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
	    "devices of this system can't be handed out; use --bus");
	return -ENOSYS;
}

#else

/* This file is for other systems; C has no empty translation unit. */
typedef int pciback_hardware_other;

#endif
