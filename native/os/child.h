/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_CHILD_H
#define PCIBACK_OS_CHILD_H

#include <pciback/platform.h>

#include <sys/types.h>

/*
 * The process that serves one guest's page. It has its socket, its event channel and the files of its devices, and
 * whatever of it is its guest's can do no more than read and write those.
 */
struct child_setup {
	const struct pciback_child_machine *machine;
	int socket;			/* to the parent */
	int root;			/* an empty directory */
	uid_t uid;
	gid_t gid;
	bool has_range;			/* the domain is added to the uid */
};

/* Serves until the parent is gone or has it stop. In a process of its own, which is never left. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void child_serve(const struct child_setup *setup);

/*
 * Unmaps all memory that the process shares with the one that it was made of: Xen's library writes the arguments of calls
 * into such. Its own page is mapped after that. Returns 0, or a negative errno value: it must not serve.
 */
int child_leave_shared_memory(void);

/*
 * Gives up all but two files: for root everything that being root is, on Linux all system calls but those that are
 * needed for these files. `domain` may tell its uid from others. Returns 0, or a negative errno value: it must not serve.
 */
int child_confine(const struct child_setup *setup, uint16_t domain, int event_fd);

#endif
