/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)

#define _GNU_SOURCE

#include "watchdog.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/beside.h>
#include <pciback/os.h>

#define PRIVCMD	"/dev/xen/privcmd"
#define BOOT_ID	"/proc/sys/kernel/random/boot_id"

int
watchdog_set(uint32_t number, uint32_t seconds)
{
	struct sched_watchdog argument = { number, seconds };
	struct linux_hypercall call = {
		.op = HYPERVISOR_SCHED_OP,
		.arg = { SCHEDOP_WATCHDOG, (uintptr_t)&argument },
	};
	int fd = open(PRIVCMD, O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	/* Xen reads it where it lies, so it has to be in memory; it was just written. */
	(void)mlock(&argument, sizeof(argument));
	r = ioctl(fd, LINUX_HYPERCALL, &call);
	if (r < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

int
watchdog_identify(char ret_boot[PCIBACK_TRIAL_BOOT])
{
	char *bytes;
	size_t length;
	int r = pciback_read_file(BOOT_ID, PCIBACK_TRIAL_BOOT - 1, &bytes, &length);

	if (r < 0)
		return r;
	while (length > 0 && bytes[length - 1] == '\n')
		length--;
	memcpy(ret_boot, bytes, length);
	ret_boot[length] = '\0';
	free(bytes);
	return length == 0 ? -ENODATA : 0;
}

/* Where Xen's kernel is not, nobody is asked in its place unless a test has put that program there. */
void
watchdog_play(char **argv)
{
	if (access(PRIVCMD, F_OK) < 0)
		(void)pciback_beside_become("pciback-trial-simulated", argv);
}

#else

/* ISO C wants something in every file. */
typedef int watchdog_linux_is_empty;

#endif
