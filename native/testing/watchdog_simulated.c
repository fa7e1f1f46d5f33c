/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../os/watchdog.h"

/*
 * A Xen for pciback-trial, in the place of os/: its watchdog is the file PCIBACK_SIMULATED_WATCHDOG, which has the second
 * since 1970 in which it fires; who plays the machine looks at it. PCIBACK_SIMULATED_SECOND is how many milliseconds a
 * second of it lasts, and PCIBACK_SIMULATED_BOOT names the boot.
 */

static const char *
setting(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

int
watchdog_set(uint32_t number, uint32_t seconds)
{
	const char *path = setting("PCIBACK_SIMULATED_WATCHDOG");
	unsigned long long lasts = strtoull(setting("PCIBACK_SIMULATED_SECOND"), NULL, 10);
	FILE *file;
	int r = 0;

	if (path[0] == '\0')
		return -ENOSYS;
	if (number > PCIBACK_TRIAL_WATCHDOG_MAX || (number != 0 && access(path, F_OK) < 0))
		return -EINVAL;
	if (seconds == 0)
		return unlink(path) < 0 ? -errno : 0;
	file = fopen(path, "w");
	if (file == NULL)
		return -errno;
	if (fprintf(file, "%llu\n", (unsigned long long)time(NULL) + (seconds * lasts + 999) / 1000) < 0)
		r = -EIO;
	if (fclose(file) != 0)
		r = -EIO;
	if (r < 0)
		return r;
	return number == 0 ? 1 : 0;
}

int
watchdog_identify(char ret_boot[PCIBACK_TRIAL_BOOT])
{
	const char *boot = setting("PCIBACK_SIMULATED_BOOT");

	if (boot[0] == '\0' || strlen(boot) >= PCIBACK_TRIAL_BOOT)
		return -ENODATA;
	memcpy(ret_boot, boot, strlen(boot) + 1);
	return 0;
}

/* It plays one already. */
void
watchdog_play(char **argv)
{
	(void)argv;
}
