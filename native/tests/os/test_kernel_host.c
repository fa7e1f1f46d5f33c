/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>

#include <pciback/kernel_host.h>

/* What there is of it without a NetBSD dom0. */
void
test_kernel_host(struct harness *harness)
{
	const struct pciback_address address = { .device = 4 };
	char message[PCIBACK_PLATFORM_MESSAGE] = "";
	uint32_t gsi = 77;

	CHECK(!pciback_kernel_holds(NULL, &address));
	pciback_kernel_refuse("/kern/xen/pci", message);
	CHECK_TEXT(message,
	    "the kernel's own backend is at work (/kern/xen/pci): unload it, or boot without a hide list");
#if defined(__NetBSD__)
	CHECK_NUMBER(pciback_kernel_check(message), -ENOENT);
	CHECK_TEXT(message, "the kernel's backend is not at work: /kern/xen/pci is not there; hide the devices and reboot, or "
	    "have kernfs mounted at /kern");
#else
	CHECK_NUMBER(pciback_kernel_check(message), -ENOSYS);
	CHECK_TEXT(message, "pcibackctl gives devices to the kernel's backend of NetBSD alone; on Linux xl does that by itself");
	CHECK_NUMBER(pciback_kernel_interrupt(NULL, &address, &gsi), -ENOSYS);
	CHECK_NUMBER(gsi, 77);
#endif
}
