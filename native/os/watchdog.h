/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_WATCHDOG_H
#define PCIBACK_OS_WATCHDOG_H

#include <stdint.h>

#include <pciback/trial.h>

#include "xen_abi.h"

/* What the kernels' privcmd takes for a hypercall. NetBSD's [sys/arch/xen/include/xenio.h, since 2014]: */
struct netbsd_hypercall {
	unsigned long op;
	unsigned long arg[5];
	long retval;
};
/* _IOWR('P', 0, struct netbsd_hypercall) */
#define NETBSD_HYPERCALL (0xc0000000UL | (unsigned long)sizeof(struct netbsd_hypercall) << 16 | 'P' << 8 | 0)

/* Linux's [include/uapi/xen/privcmd.h]: what the hypercall returns is what ioctl() does. */
struct linux_hypercall {
	uint64_t op;
	uint64_t arg[5];
};
/* _IOC(_IOC_NONE, 'P', 0, sizeof(struct linux_hypercall)) */
#define LINUX_HYPERCALL ((unsigned long)sizeof(struct linux_hypercall) << 16 | 'P' << 8 | 0)

/* As the functions of struct pciback_trial_world. -ENOSYS where there is no such system. */
int watchdog_set(uint32_t number, uint32_t seconds);
int watchdog_identify(char ret_boot[PCIBACK_TRIAL_BOOT]);

/* See pciback_trial_host_play(). */
void watchdog_play(char **argv);

#endif
