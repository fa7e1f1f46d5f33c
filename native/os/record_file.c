/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/record.h>

#include <sys/stat.h>

#if defined(__NetBSD__)
#include <sys/param.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/os.h>

/* What the file begins with: whose it is, and of which boot. The rest is the record's. */
#define HEAD_SIZE 4096
#define MAGIC "record of pcibackd\n"

struct file {
	int fd;
};

/* Zeros behind a text. */
static int
find_boot(char ret_boot[64])
{
#if defined(__linux__)
	char *text;
	size_t length;
	int r = pciback_read_file("/proc/sys/kernel/random/boot_id", 63, &text, &length);

	if (r < 0)
		return r;
	memcpy(ret_boot, text, length);
	free(text);
	return length > 0 ? 0 : -ENODATA;
#elif defined(__NetBSD__)
	/* It moves with the clock: a record that is older than a step of the clock is of another boot. */
	int name[] = { CTL_KERN, KERN_BOOTTIME };
	struct timeval time;
	size_t length = sizeof(time);

	if (sysctl(name, 2, &time, &length, NULL, 0) < 0)
		return -errno;
	(void)snprintf(ret_boot, 64, "%lld.%06ld", (long long)time.tv_sec, (long)time.tv_usec);
	return 0;
#else
	(void)ret_boot;
	return -ENOSYS;
#endif
}

static int
read_at(int fd, uint64_t offset, void *bytes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(fd, (char *)bytes + done, n - done, (off_t)(offset + done));

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			break;
		if (r > 0)
			done += (size_t)r;
	}
	memset((char *)bytes + done, 0, n - done);
	return 0;
}

static int
write_at(int fd, uint64_t offset, const void *bytes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pwrite(fd, (const char *)bytes + done, n - done, (off_t)(offset + done));

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			return -EIO;
		if (r > 0)
			done += (size_t)r;
	}
	return 0;
}

static int
read_record(void *world, uint64_t offset, void *ret_bytes, size_t n)
{
	const struct file *file = world;

	return read_at(file->fd, HEAD_SIZE + offset, ret_bytes, n);
}

/* It outlives the process, not the host, and neither do the guests. */
static int
write_record(void *world, uint64_t offset, const void *bytes, size_t n)
{
	const struct file *file = world;

	return write_at(file->fd, HEAD_SIZE + offset, bytes, n);
}

/* A file of no size has no head. */
static void
discard_record(void *world)
{
	const struct file *file = world;

	if (ftruncate(file->fd, 0) < 0)
		(void)write_at(file->fd, 0, "", 1);
}

static const struct pciback_record_operations operations = {
	.read = read_record,
	.write = write_record,
	.discard = discard_record,
};

/* Whether nobody but its owner, who is this process's, can have written it. */
static int
check(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0 ||
	    status.st_nlink != 1)
		return -EPERM;
	return 0;
}

/* Empty, unless this boot has written it. */
static int
begin(int fd)
{
	char head[HEAD_SIZE] = "", expected[HEAD_SIZE] = "";
	int r;

	memcpy(expected, MAGIC, sizeof(MAGIC));
	r = find_boot(expected + 32);
	if (r == 0)
		r = read_at(fd, 0, head, sizeof(head));
	if (r < 0 || memcmp(head, expected, sizeof(head)) == 0)
		return r;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return write_at(fd, 0, expected, sizeof(expected));
}

int
pciback_record_open(const char *path, struct pciback_record_store *ret_store)
{
	struct file *file = malloc(sizeof(*file));
	int r;

	if (file == NULL)
		return -ENOMEM;
	file->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	r = file->fd < 0 ? -errno : check(file->fd);
	if (r == 0)
		r = begin(file->fd);
	if (r < 0) {
		if (file->fd >= 0)
			(void)close(file->fd);
		free(file);
		return r == -ELOOP ? -EPERM : r;
	}
	*ret_store = (struct pciback_record_store){ .operations = &operations, .world = file };
	return 0;
}

void
pciback_record_close(struct pciback_record_store *store)
{
	struct file *file = store->world;

	if (file == NULL)
		return;
	(void)close(file->fd);
	free(file);
	*store = (struct pciback_record_store){ .operations = NULL };
}
