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

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/trial_block.h>
#include <pciback/trial_host.h>

#include "../../os/watchdog.h"

/* A directory that stands for / . */
#define ROOT	"build/test-trial"
#define RECORD	ROOT PCIBACK_TRIAL_RECORD

static bool
put(const char *path, const char *bytes, size_t length, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	bool done = fd >= 0 && write(fd, bytes, length) == (ssize_t)length && fchmod(fd, mode) == 0;

	return fd >= 0 && close(fd) == 0 && done;
}

static void
test_record(struct harness *harness, struct pciback_trial_world *world)
{
	char record[PCIBACK_TRIAL_SIZE], bytes[PCIBACK_TRIAL_SIZE + 1];
	struct stat before, after;
	size_t length = 0;

	memset(record, 'a', sizeof(record));
	CHECK_NUMBER(world->read(world->context, bytes, sizeof(bytes), &length), -ENOENT);
	/* It is only written over. */
	CHECK_NUMBER(world->write(world->context, record), -ENOENT);
	CHECK(put(RECORD, record, sizeof(record), 0600));
	CHECK_NUMBER(stat(RECORD, &before), 0);
	memset(record, 'b', sizeof(record));
	CHECK_NUMBER(world->write(world->context, record), 0);
	CHECK_NUMBER(stat(RECORD, &after), 0);
	CHECK(before.st_ino == after.st_ino && before.st_size == after.st_size);
	CHECK_NUMBER(world->read(world->context, bytes, sizeof(bytes), &length), 0);
	CHECK_NUMBER(length, PCIBACK_TRIAL_SIZE);
	CHECK(memcmp(bytes, record, length) == 0);
	CHECK(put(RECORD, "short", 5, 0644));
	CHECK_NUMBER(world->read(world->context, bytes, sizeof(bytes), &length), 0);
	CHECK_NUMBER(length, 5);
	/* Others may have written it, or it is elsewhere. */
	CHECK(put(RECORD, record, sizeof(record), 0620));
	CHECK_NUMBER(world->read(world->context, bytes, sizeof(bytes), &length), -EPERM);
	CHECK_NUMBER(world->write(world->context, record), -EPERM);
	CHECK_NUMBER(unlink(RECORD), 0);
	CHECK(put(ROOT "/elsewhere", record, sizeof(record), 0600));
	CHECK_NUMBER(symlink("../../elsewhere", RECORD), 0);
	CHECK_NUMBER(world->read(world->context, bytes, sizeof(bytes), &length), -EPERM);
	CHECK_NUMBER(unlink(RECORD), 0);
}

static void
test_link(struct harness *harness, struct pciback_trial_world *world)
{
	const struct pciback_trial none = { .link = "/t", .xen = "/none" }, trial = { .link = "/t", .xen = "/xen.gz" };
	struct stat status;

	CHECK(put(ROOT "/xen.gz", "xen", 3, 0644));
	CHECK_NUMBER(world->arming(world->context, &trial), PCIBACK_TRIAL_OFF);
	CHECK_NUMBER(world->keep(world->context, &none), -ENOENT);
	CHECK_NUMBER(world->keep(world->context, &trial), 0);
	CHECK_NUMBER(world->keep(world->context, &trial), 0);
	CHECK_NUMBER(stat(ROOT "/xen.gz", &status), 0);
	CHECK_NUMBER(status.st_nlink, 2);
	CHECK_NUMBER(world->arming(world->context, &trial), PCIBACK_TRIAL_ON);
	CHECK_NUMBER(world->disarm(world->context, &trial), 0);
	CHECK_NUMBER(world->disarm(world->context, &trial), 0);
	CHECK_NUMBER(world->arming(world->context, &trial), PCIBACK_TRIAL_OFF);
	/* Another's file of that name. */
	CHECK(put(ROOT "/t", "x", 1, 0644));
	CHECK_NUMBER(world->keep(world->context, &trial), -EEXIST);
	CHECK_NUMBER(world->disarm(world->context, &trial), 0);
	CHECK_NUMBER(mkdir(ROOT "/t", 0700), 0);
	CHECK(world->disarm(world->context, &trial) < 0);
	CHECK_NUMBER(rmdir(ROOT "/t"), 0);
}

static void
test_grub(struct harness *harness, struct pciback_trial_world *world)
{
	const struct pciback_trial trial = { .link = "grub", .xen = "/boot/grub/grubenv" };
	const char *path = ROOT "/boot/grub/grubenv", *line = "root=/dev/a xen-pciback-trial.run panic=30\n";
	static const char lines[] = "# GRUB Environment Block\nxen_pciback_trial=armed\nsaved_entry=0\n";
	char block[PCIBACK_TRIAL_BLOCK_SIZE], bytes[PCIBACK_TRIAL_BLOCK_SIZE];
	int fd;

	/* Its file system is not mounted yet, and GRUB has tried it or not. */
	CHECK_NUMBER(world->arming(world->context, &trial), PCIBACK_TRIAL_OFF);
	CHECK_NUMBER(world->disarm(world->context, &trial), 0);
	CHECK_NUMBER(world->keep(world->context, &trial), -ENOENT);
	CHECK(put(ROOT "/proc/cmdline", line, strlen(line), 0444));
	CHECK_NUMBER(world->arming(world->context, &trial), PCIBACK_TRIAL_THIS_BOOT);
	CHECK_NUMBER(world->disarm(world->context, &trial), 0);
	CHECK(put(ROOT "/proc/cmdline", "root=/dev/a\n", 12, 0444));
	memset(block, '#', sizeof(block));
	memcpy(block, lines, sizeof(lines) - 1);
	CHECK(put(path, block, sizeof(block), 0644));
	CHECK_NUMBER(world->arming(world->context, &trial), PCIBACK_TRIAL_NEXT_BOOT);
	CHECK_NUMBER(world->disarm(world->context, &trial), 0);
	CHECK_NUMBER(world->arming(world->context, &trial), PCIBACK_TRIAL_OFF);
	CHECK_NUMBER(world->keep(world->context, &trial), 0);
	CHECK_NUMBER(world->arming(world->context, &trial), PCIBACK_TRIAL_NEXT_BOOT);
	CHECK_NUMBER(world->disarm(world->context, &trial), 0);
	/* A few bytes have changed, where they lie. */
	fd = open(path, O_RDONLY);
	CHECK_NUMBER(read(fd, bytes, sizeof(bytes)), PCIBACK_TRIAL_BLOCK_SIZE);
	CHECK_NUMBER(close(fd), 0);
	CHECK(memcmp(bytes + 25, "xen_pciback_trial=tried\nsaved_entry=0\n##", 40) == 0);
	/* Others may write it; it is elsewhere; it is none. */
	CHECK_NUMBER(chmod(path, 0664), 0);
	CHECK_NUMBER(world->arming(world->context, &trial), -EPERM);
	CHECK(put(path, block, sizeof(block) - 1, 0644));
	CHECK_NUMBER(world->arming(world->context, &trial), -EINVAL);
	CHECK_NUMBER(world->disarm(world->context, &trial), -EINVAL);
	CHECK_NUMBER(world->keep(world->context, &trial), -EINVAL);
	CHECK_NUMBER(unlink(path), 0);
	CHECK_NUMBER(symlink("/etc/passwd", path), 0);
	CHECK_NUMBER(world->keep(world->context, &trial), -EPERM);
	CHECK_NUMBER(unlink(path), 0);
}

static void
test_boot(struct harness *harness, struct pciback_trial_world *world)
{
	char boot[PCIBACK_TRIAL_BOOT] = "", again[PCIBACK_TRIAL_BOOT] = "", said[64];
	uint32_t before = world->clock(world->context);
	ssize_t n;
	int fd;

	CHECK_NUMBER(world->identify(world->context, boot), 0);
	CHECK_NUMBER(world->identify(world->context, again), 0);
	CHECK_TEXT(again, boot);
	CHECK(strlen(boot) > 10 && strspn(boot, "0123456789abcdef.-") == strlen(boot));
	CHECK(world->clock(world->context) - before < 60);
	/* Without a console, and with one. */
	world->say(world->context, "lost");
	CHECK(put(ROOT "/dev/console", "", 0, 0600));
	world->say(world->context, "a line");
	fd = open(ROOT "/dev/console", O_RDONLY);
	n = read(fd, said, sizeof(said) - 1);
	said[n < 0 ? 0 : n] = '\0';
	CHECK_TEXT(said, "a line\n");
	CHECK_NUMBER(close(fd), 0);
}

/* The numbers of the ioctls, as a 64-bit machine has them. */
static void
test_hypercall(struct harness *harness)
{
	if (sizeof(long) == 8) {
		CHECK_NUMBER(NETBSD_HYPERCALL, 0xc0385000);
		CHECK_NUMBER(sizeof(struct netbsd_hypercall), 56);
	} else {
		CHECK_NUMBER(NETBSD_HYPERCALL, 0xc01c5000);
	}
	CHECK_NUMBER(LINUX_HYPERCALL, 0x305000);
	CHECK_NUMBER(sizeof(struct sched_watchdog), 8);
	CHECK_NUMBER(offsetof(struct sched_watchdog, timeout), 4);
	CHECK_NUMBER(HYPERVISOR_SCHED_OP, 29);
	CHECK_NUMBER(SCHEDOP_WATCHDOG, 6);
}

void
test_trial_host(struct harness *harness)
{
	struct pciback_trial_host host = { ROOT };
	struct pciback_trial_world world = pciback_trial_host_world(&host);

	CHECK_NUMBER(system("rm -rf " ROOT " && mkdir -p " ROOT "/etc/xen-pciback " ROOT "/dev " ROOT "/proc " ROOT "/boot/grub"), 0);
	test_record(harness, &world);
	test_link(harness, &world);
	test_grub(harness, &world);
	test_boot(harness, &world);
	test_hypercall(harness);
}
