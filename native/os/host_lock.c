/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/host_lock.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOK 50			/* milliseconds between two tries */

int
pciback_host_lock_take(const char *path, long *ret_holder)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat status;
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		(void)close(fd);
		return -EINVAL;
	}
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return 0;
	r = errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
	*ret_holder = 0;
	if (r == -EBUSY && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		*ret_holder = (long)lock.l_pid;
	(void)close(fd);
	return r;
}

int
pciback_host_lock_wait(const char *path, unsigned milliseconds, char message[PCIBACK_PLATFORM_MESSAGE])
{
	long holder = 0;
	int r = pciback_host_lock_take(path, &holder);

	for (unsigned waited = 0; r == -EBUSY && waited < milliseconds; waited += LOOK) {
		pciback_pause(NULL, LOOK);
		r = pciback_host_lock_take(path, &holder);
	}
	if (r == -EBUSY)
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "process %ld gives out devices of this host, and still has %s "
		    "locked", holder, path);
	else if (r < 0)
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s, which keeps others from giving out devices, can't be locked: "
		    "%s", path, strerror(-r));
	return r;
}
