/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "harness.h"

#include <sys/wait.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pciback/platform.h>

#define SYS_ADMIN	(UINT64_C(1) << 21)
/* KILL, SETGID, SETUID, SYS_CHROOT */
#define OF_CHILDREN	(UINT64_C(1) << 5 | UINT64_C(1) << 6 | UINT64_C(1) << 7 | UINT64_C(1) << 18)

/* The capabilities that this process has; 0 where there is no such thing. */
static uint64_t
capabilities(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long long value = 0;
	char line[256];

	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "CapEff: %llx", &value) == 1)
			break;
	(void)fclose(file);
	return value;
}

/* What is said is what is so. In a process of its own, since nothing comes back. */
static void
test_said(struct harness *harness, bool has_devices, bool has_children)
{
	uint64_t keep = (has_devices ? SYS_ADMIN : 0) | (has_children ? OF_CHILDREN : 0);
	int status = -1;
	pid_t child;

	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		bool can_keep = (capabilities() & keep) == keep;
		const char *said = pciback_confine(has_devices, has_children);

#if defined(__linux__)
		if (can_keep && said == NULL)
			_exit(1);
#else
		can_keep = false;
#endif
		if (said == NULL)
			_exit(can_keep ? 2 : 0);
		if (has_children)
			_exit(strcmp(said, "all capabilities dropped but CAP_SYS_ADMIN and those to confine processes")
			    != 0 ? 3 : capabilities() == keep ? 0 : 4);
		if (strcmp(said, has_devices ? "all capabilities but CAP_SYS_ADMIN dropped" :
		    "all capabilities dropped") != 0)
			_exit(3);
		_exit(capabilities() == keep ? 0 : 4);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status));
	CHECK_NUMBER(WEXITSTATUS(status), 0);
}

void
test_confine(struct harness *harness)
{
	test_said(harness, true, false);
	test_said(harness, true, true);
	test_said(harness, false, false);
}
