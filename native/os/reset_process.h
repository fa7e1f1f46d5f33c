/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_RESET_PROCESS_H
#define PCIBACK_OS_RESET_PROCESS_H

#include <stdbool.h>

/*
 * A reset that is a write to a file, and takes as long as the kernel likes: Linux waits up to a minute for the device, and
 * nothing ends the write before. So a process of its own makes it, which has nothing but that file, and is nobody's to wait
 * for: it is the child of the system's first process.
 */
struct reset_process {
	bool is_running;
	int result;			/* where it says how the write has ended */
};

/*
 * Begins a reset by writing "1" to the file at `path`, unless one is under way, which is gone on with. Returns milliseconds
 * until it is looked at again; 0 when it is done; or a negative errno value, -ENOENT when there is no such file.
 */
int reset_process_run(struct reset_process *process, const char *path);

/* Nobody looks at it any more; it goes on. */
void reset_process_leave(struct reset_process *process);

#endif
