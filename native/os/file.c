/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/os.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Reads until the limit or the end; the buffer grows as it must. */
static int
read_all(int fd, size_t limit, char **ret_bytes, size_t *ret_length)
{
	size_t allocated = limit < 4096 ? limit : 4096, length = 0;
	char *bytes = malloc(allocated + 1);

	if (bytes == NULL)
		return -ENOMEM;
	while (length < limit) {
		ssize_t n;

		if (length == allocated) {
			size_t wanted = allocated > limit / 2 ? limit : allocated * 2;
			char *larger = realloc(bytes, wanted + 1);

			if (larger == NULL) {
				free(bytes);
				return -ENOMEM;
			}
			bytes = larger;
			allocated = wanted;
		}
		n = read(fd, bytes + length, allocated - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			/* A pipe whose writer has nothing yet. */
			struct pollfd wait = { .fd = fd, .events = POLLIN };

			(void)poll(&wait, 1, -1);
			continue;
		}
		if (n < 0) {
			int error = errno;

			free(bytes);
			return -error;
		}
		if (n == 0)
			break;
		length += (size_t)n;
	}
	bytes[length] = '\0';
	*ret_bytes = bytes;
	*ret_length = length;
	return 0;
}

int
pciback_read_file(const char *path, size_t limit, char **ret_bytes, size_t *ret_length)
{
	/* A named pipe without a writer would hold a blocking open() for ever. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	char *bytes = NULL;
	size_t length = 0;
	int r;

	if (fd < 0)
		return -errno;
	r = fstat(fd, &status) < 0 ? -errno : read_all(fd, limit, &bytes, &length);
	if (r == 0 && length == 0 && S_ISFIFO(status.st_mode)) {
		free(bytes);
		r = -ENODATA;
	}
	if (r == 0) {
		*ret_bytes = bytes;
		*ret_length = length;
	}
	(void)close(fd);
	return r;
}

bool
pciback_file_exists(const char *root, const char *path)
{
	char whole[PATH_MAX];
	struct stat status;
	int n = snprintf(whole, sizeof(whole), "%s/%s", root, path);

	if (n < 0 || (size_t)n >= sizeof(whole))
		return false;
	return stat(whole, &status) == 0 && S_ISREG(status.st_mode);
}
