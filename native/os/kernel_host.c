/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/kernel_host.h>

#if defined(__NetBSD__)
#include <sys/param.h>
#include <sys/sysctl.h>
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <pciback/beside.h>
#include <pciback/boot_messages.h>
#include <pciback/os.h>

#define KERNFS_PCI "/kern/xen/pci"

const char *
pciback_kernel_sign(void)
{
	static const char *const signs[] = { "/sys/bus/xen-backend/drivers/pciback", KERNFS_PCI };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (access(signs[i], F_OK) == 0)
			return signs[i];
	return NULL;
}

void
pciback_kernel_refuse(const char *sign, char message[PCIBACK_PLATFORM_MESSAGE])
{
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "the kernel's own backend is at work (%s): unload it, or boot "
	    "without a hide list", sign);
}

bool
pciback_kernel_holds(void *world, const struct pciback_address *address)
{
	char path[sizeof(KERNFS_PCI) + 1 + PCIBACK_ADDRESS_SIZE] = KERNFS_PCI "/";

	(void)world;
	pciback_address_format(address, path + sizeof(KERNFS_PCI));
	return access(path, F_OK) == 0;
}

#if defined(__NetBSD__)

#define MESSAGES_OF_BOOT "/var/run/dmesg.boot"
#define MESSAGES_MAX ((size_t)4 << 20)

int
pciback_kernel_check(char message[PCIBACK_PLATFORM_MESSAGE])
{
	if (access(KERNFS_PCI, F_OK) == 0)
		return 0;
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "the kernel's backend is not at work: " KERNFS_PCI " is not "
	    "there; hide the devices and reboot, or have kernfs mounted at /kern");
	return -ENOENT;
}

void
pciback_kernel_play(char **argv)
{
	(void)argv;
}

int
pciback_kernel_interrupt(void *world, const struct pciback_address *address, uint32_t *ret_gsi)
{
	size_t length = 0;
	int r = -ENOENT;
	char *text;

	(void)world;
	if (sysctlbyname("kern.msgbuf", NULL, &length, NULL, 0) == 0 && (text = malloc(length)) != NULL) {
		if (sysctlbyname("kern.msgbuf", text, &length, NULL, 0) == 0)
			r = pciback_boot_messages_gsi(text, length, address, ret_gsi);
		free(text);
	}
	if (r == 0 || pciback_read_file(MESSAGES_OF_BOOT, MESSAGES_MAX, &text, &length) < 0)
		return r;
	r = pciback_boot_messages_gsi(text, length, address, ret_gsi);
	free(text);
	return r;
}

#else

int
pciback_kernel_check(char message[PCIBACK_PLATFORM_MESSAGE])
{
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "pcibackctl gives devices to the kernel's backend of NetBSD "
	    "alone; on Linux xl does that by itself");
	return -ENOSYS;
}

/* That it can't be had is for pciback_kernel_check() to say. */
void
pciback_kernel_play(char **argv)
{
	(void)pciback_beside_become("pcibackctl-simulated", argv);
}

int
pciback_kernel_interrupt(void *world, const struct pciback_address *address, uint32_t *ret_gsi)
{
	(void)world;
	(void)address;
	(void)ret_gsi;
	return -ENOSYS;
}

#endif
