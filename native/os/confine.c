/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#endif

#include <pciback/platform.h>

#if defined(__linux__)

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/capability.h>
#include <unistd.h>

/*
 * What stays with devices: CAP_SYS_ADMIN, without which the kernel shows only 64 bytes of a
 * configuration space, and uid 0, which owns the files of the devices. Whoever holds privcmd can
 * make any hypercall, so towards Xen the process keeps the rights of dom0; that can't be dropped.
 */
static int
drop_capabilities(uint32_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = keep, .permitted = keep },
		{ .effective = 0 },
	};

	/* Also for what might be executed later. */
	for (int capability = 0; capability < 64; capability++)
		if (capability >= 32 || (keep & UINT32_C(1) << capability) == 0)
			(void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	return (int)syscall(SYS_capset, &header, data);
}

const char *
pciback_confine(bool has_devices, bool has_children)
{
	uint32_t keep = has_devices ? UINT32_C(1) << CAP_SYS_ADMIN : 0;
	struct rlimit none = { 0, 0 };

	/* To give their processes another root and another user, and to end them. */
	if (has_children)
		keep |= UINT32_C(1) << CAP_SYS_CHROOT | UINT32_C(1) << CAP_SETUID | UINT32_C(1) << CAP_SETGID |
		    UINT32_C(1) << CAP_KILL;
	/* A core would hold what guests wrote; and nothing is ever executed from here. */
	(void)setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || drop_capabilities(keep) < 0)
		return NULL;
	if (has_children)
		return "all capabilities dropped but CAP_SYS_ADMIN and those to confine processes";
	return has_devices ? "all capabilities but CAP_SYS_ADMIN dropped" :
	    "all capabilities dropped";
}

#else

#include <sys/resource.h>

#include <stddef.h>

/* NetBSD has no capabilities, and both /dev/pciN and privcmd need uid 0. */
const char *
pciback_confine(bool has_devices, bool has_children)
{
	struct rlimit none = { 0, 0 };

	(void)has_devices;
	(void)has_children;
	(void)setrlimit(RLIMIT_CORE, &none);
	return NULL;
}

#endif
