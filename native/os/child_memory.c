/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _DEFAULT_SOURCE
#endif

#include "child.h"

void
child_forget(const struct child_setup *setup)
{
	if (setup->machine->forget != NULL)
		setup->machine->forget(setup->machine->known);
}

#if defined(__linux__)

#include <sys/mman.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a line of /proc/self/maps, "start-end rw-s ...": whether its memory is shared, and where it is. */
static bool
is_shared(const char *line, uintptr_t *ret_start, uintptr_t *ret_end)
{
	char *end;

	*ret_start = (uintptr_t)strtoull(line, &end, 16);
	if (*end != '-')
		return false;
	*ret_end = (uintptr_t)strtoull(end + 1, &end, 16);
	return end[0] == ' ' && end[1] != '\0' && end[2] != '\0' && end[3] != '\0' && end[4] == 's';
}

int
child_leave_shared_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	bool is_start = true;
	int r = 0;

	if (maps == NULL)
		return -errno;
	while (r == 0 && fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t start, end;

		/* A long path comes in parts. */
		if (is_start && is_shared(line, &start, &end) && munmap((void *)start, end - start) < 0)
			r = -errno;
		is_start = strchr(line, '\n') != NULL;
	}
	if (r == 0 && ferror(maps))
		r = -EIO;
	(void)fclose(maps);
	return r;
}

#else

/* Whatever would be shared is not known here. */
int
child_leave_shared_memory(void)
{
	return 0;
}

#endif
