/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__NetBSD__)

#include "watchdog.h"

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysctl.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define KERN	"/kern"
#define PRIVCMD	KERN "/xen/privcmd"

static int
hypercall(int fd, struct sched_watchdog *argument)
{
	struct netbsd_hypercall call = {
		.op = HYPERVISOR_SCHED_OP,
		.arg = { SCHEDOP_WATCHDOG, (unsigned long)argument },
	};

	/* Xen reads it where it lies, so it has to be in memory; it was just written. */
	(void)mlock(argument, sizeof(*argument));
	return ioctl(fd, NETBSD_HYPERCALL, &call) < 0 ? -errno : (int)call.retval;
}

/* Early in the boot nobody has mounted /kern yet. It is left as it was: a second one would lie on top
 * of it. */
int
watchdog_set(uint32_t number, uint32_t seconds)
{
	struct sched_watchdog argument = { number, seconds };
	bool is_mounted = false;
	int fd = open(PRIVCMD, O_RDWR | O_CLOEXEC), r;

	if (fd < 0 && errno == ENOENT) {
		if (mkdir(KERN, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (mount("kernfs", KERN, 0, NULL, 0) < 0)
			return -errno;
		is_mounted = true;
		fd = open(PRIVCMD, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0) {
		r = -errno;
	} else {
		r = hypercall(fd, &argument);
		(void)close(fd);
	}
	if (is_mounted)
		(void)unmount(KERN, 0);
	return r;
}

/* When init(8) was started. The kernel notes that once, after it has set its clock. */
int
watchdog_identify(char ret_boot[PCIBACK_TRIAL_BOOT])
{
	struct kinfo_proc2 process;
	size_t size = sizeof(process);
	int name[] = { CTL_KERN, KERN_PROC2, KERN_PROC_PID, 1, sizeof(process), 1 };

	if (sysctl(name, sizeof(name) / sizeof(name[0]), &process, &size, NULL, 0) < 0)
		return -errno;
	if (size < sizeof(process) || process.p_uvalid == 0)
		return -ESRCH;
	(void)snprintf(ret_boot, PCIBACK_TRIAL_BOOT, "%lu.%06lu", (unsigned long)process.p_ustart_sec,
	    (unsigned long)process.p_ustart_usec);
	return 0;
}

void
watchdog_play(char **argv)
{
	(void)argv;
}

#else

/* ISO C wants something in every file. */
typedef int watchdog_netbsd_is_empty;

#endif
