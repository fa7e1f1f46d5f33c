/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_KERNEL_HOST_H
#define PCIBACK_KERNEL_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/platform.h>

/* The backend of this system's own kernel, of which one pcibackctl or pcibackd takes note. */

/* What shows that it is at work, a path; NULL if it is not. */
const char *pciback_kernel_sign(void);

/* The sentence of a pcibackd that does not start because `sign` shows that: two backends for the same guests would take
 * each other's devices. */
void pciback_kernel_refuse(const char *sign, char message[PCIBACK_PLATFORM_MESSAGE]);

/* Whether pcibackctl can give devices to it: 0, or a negative errno value with a sentence. Linux's xl does so by
 * itself, and -ENOSYS is for all systems but NetBSD. */
int pciback_kernel_check(char message[PCIBACK_PLATFORM_MESSAGE]);

/* Where no kernel has such a backend, becomes what plays one in tests: pcibackctl-simulated of the directory that this
 * pcibackctl is in, with the arguments `argv`. Returns if there is none, and on NetBSD at once. */
void pciback_kernel_play(char **argv);

/* Whether it keeps a device for guests, as /kern/xen/pci shows. `world` is not used. */
bool pciback_kernel_holds(void *world, const struct pciback_address *address);

/*
 * The global system interrupt that the kernel said in this boot a device has: in the buffer of its messages, or, when
 * later messages have taken their place, in /var/run/dmesg.boot. `world` is not used. Returns 0, -ENOENT if they say
 * none, or -ENOSYS where the kernel says none.
 */
int pciback_kernel_interrupt(void *world, const struct pciback_address *address, uint32_t *ret_gsi);

/* Calls `visit` for each device that it keeps for guests, as that of struct pciback_kernel_host; -ENOSYS elsewhere than on
 * NetBSD. `world` is not used. Allocates while it runs. */
int pciback_kernel_visit(void *world, int (*visit)(void *context, const struct pciback_neighbour *held), void *context);

#endif
