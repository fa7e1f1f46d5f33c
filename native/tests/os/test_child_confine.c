/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "harness.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/policy.h>

#include "../../os/child.h"
#include "child_fixture.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <sched.h>

/* As strace shows it of libxenevtchn. */
#define NOTIFY	0x44504

static long
set_class(pid_t process, int class)
{
	struct sched_param parameter;

	memset(&parameter, 0, sizeof(parameter));
	parameter.sched_priority = class == SCHED_OTHER ? 0 : 1;
	return syscall(SYS_sched_setscheduler, process, class, &parameter);
}

/* What a child that its guest has taken over tries: each is refused, or else its number is in the answer. */
static uint32_t
try_all(int device, int other, pid_t parent)
{
	uint32_t done = 0;
	char byte = 0;

	done |= (uint32_t)(open("/", O_RDONLY) >= 0) << 0;
	done |= (uint32_t)(open("/dev/null", O_RDWR) >= 0) << 1;
	done |= (uint32_t)(socket(AF_UNIX, SOCK_STREAM, 0) >= 0) << 2;
	done |= (uint32_t)(fork() >= 0) << 3;
	done |= (uint32_t)(kill(parent, 0) == 0) << 4;
	done |= (uint32_t)(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	    MAP_FAILED) << 5;
	done |= (uint32_t)(ioctl(device, NOTIFY, &byte) >= 0 || errno != EPERM) << 6;
	done |= (uint32_t)(execl("/bin/true", "true", (char *)NULL) >= 0) << 7;
	done |= (uint32_t)(setuid(0) == 0) << 8;
	done |= (uint32_t)(chroot(".") == 0) << 9;
	/* A file that was open before. */
	done |= (uint32_t)(pread(other, &byte, 1, 0) >= 0) << 10;
	done |= (uint32_t)(write(device, &byte, 1) >= 0) << 11;
	done |= (uint32_t)(ftruncate(device, 0) == 0) << 12;
	done |= (uint32_t)(set_class(parent, SCHED_OTHER) == 0 || errno != EPERM) << 13;
	done |= (uint32_t)(set_class(0, SCHED_RR) == 0 || errno != EPERM) << 14;
	return done;
}

/* What an honest one needs, as far as a file that is no event channel lets it through. */
static uint32_t
try_needed(int events)
{
	uint32_t port = 1;
	uint32_t refused = 0;

	refused |= (uint32_t)(ioctl(events, NOTIFY, &port) < 0 && errno == EPERM) << 0;
	refused |= (uint32_t)(set_class(0, SCHED_OTHER) < 0) << 1;
	return refused;
}

/* Whether what a process would print goes nowhere; also if this process may not know. */
static bool
says_nothing(pid_t process)
{
	char path[64], target[64];

	for (int fd = 0; fd <= 2; fd++) {
		ssize_t n;

		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)process, fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			return errno == EACCES;
		target[n] = '\0';
		if (strcmp(target, "/dev/null") != 0)
			return false;
	}
	return true;
}

/* Each write to a configuration space goes through, or is refused, as policy.h says. */
static uint32_t
try_writes(int device)
{
	uint8_t bytes[8] = { 0 };
	uint32_t n_wrong = 0;

	for (unsigned size = 1; size <= 8; size++)
		for (unsigned offset = 0; offset < 0x110; offset++) {
			bool is_written = pwrite(device, bytes, size, (off_t)offset) == (ssize_t)size;

			n_wrong += is_written != pciback_policy_may_write(offset, size);
		}
	n_wrong += pwrite(device, bytes, 4, (off_t)1 << 32 | 0x40) >= 0;
	return n_wrong;
}

/*
 * Everything that it does not need is gone, whatever of the process is the guest's: files, other processes, programs, the
 * machine; of its devices, BARs and extended space.
 */
static void
test_refused(struct harness *harness)
{
	char path[] = "/tmp/test-confine.XXXXXX";
	struct child_setup setup = { .beside = -1, .uid = 65534, .gid = 65534 };
	uint32_t found[4] = { 99, 99, 99, 99 };
	int sockets[2], events[2], device, status = -1;
	pid_t child, parent = getpid();

	CHECK(pciback_policy_may_write(0x40, 4));
	if (child_fixture_is_watched())
		return;
	device = mkstemp(path);
	CHECK(device >= 0 && unlink(path) == 0 && ftruncate(device, 4096) == 0);
	setup.root = open("/proc", O_RDONLY | O_DIRECTORY);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, events) == 0);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		struct msghdr message = { .msg_iovlen = 1 };
		union {
			struct cmsghdr header;
			char bytes[CMSG_SPACE(sizeof(int))];
		} control;
		struct iovec part = { .iov_base = found, .iov_len = 1 };

		setup.socket = sockets[1];
		found[2] = (uint32_t)-child_confine(&setup, 7, events[1]);
		message.msg_iov = &part;
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		if (send(sockets[1], found, 1, 0) != 1 || recvmsg(sockets[1], &message, 0) != 1)
			_exit(2);
		memcpy(&device, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(device));
		found[0] = try_all(device, events[0], parent);
		found[1] = try_writes(device);
		found[3] = try_needed(events[1]);
		/* A sanitizer that looks for leaks at the end would need what is refused. */
		(void)syscall(SYS_exit_group, send(sockets[1], found, sizeof(found), 0) == (ssize_t)sizeof(found) ? 0 : 3);
	}
	{
		union {
			struct cmsghdr header;
			char bytes[CMSG_SPACE(sizeof(int))];
		} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS } };
		struct iovec part = { .iov_base = path, .iov_len = 1 };
		struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
			.msg_controllen = sizeof(control.bytes) };

		memcpy(CMSG_DATA(&control.header), &device, sizeof(device));
		(void)close(sockets[1]);
		CHECK_NUMBER(recv(sockets[0], found, sizeof(found), 0), 1);
		CHECK(says_nothing(child));
		CHECK_NUMBER(sendmsg(sockets[0], &message, 0), 1);
	}
	CHECK_NUMBER(recv(sockets[0], found, sizeof(found), 0), sizeof(found));
	CHECK_NUMBER(found[2], 0);
	CHECK_NUMBER(found[0], 0);
	CHECK_NUMBER(found[1], 0);
	CHECK_NUMBER(found[3], 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)close(device);
	(void)close(setup.root);
	(void)close(sockets[0]);
	(void)close(events[0]);
	(void)close(events[1]);
}

/* A child with a proxy gets no file any more, by whatever way: no call makes one, and none comes with a message. */
static void
test_no_files(struct harness *harness)
{
	struct child_setup setup = { .uid = 65534, .gid = 65534 };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE] = { 0 };
	struct iovec part = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	int sockets[2], beside[2], events[2], status = -1;
	pid_t child;

	if (child_fixture_is_watched())
		return;
	setup.root = open("/proc", O_RDONLY | O_DIRECTORY);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, beside) == 0 &&
	    socketpair(AF_UNIX, SOCK_STREAM, 0, events) == 0);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		int file = -1;
		bool is_wrong;

		setup.socket = sockets[1];
		setup.beside = beside[1];
		is_wrong = child_confine(&setup, 7, events[1]) != 0 || child_receive(setup.socket, bytes, &file) != 0;
		is_wrong = is_wrong || file >= 0 || dup(0) >= 0 || open("/", O_RDONLY) >= 0 ||
		    socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || pread(setup.beside, bytes, 1, 0) >= 0 || errno != EPERM ||
		    pwrite(setup.beside, bytes, 1, 0x40) >= 0 || errno != EPERM;
		/* Both sockets are there. */
		is_wrong = is_wrong || child_send(setup.beside, bytes) < 0 || child_send(setup.socket, bytes) < 0;
		(void)syscall(SYS_exit_group, is_wrong ? 1 : 0);
	}
	memcpy(CMSG_DATA(&control.header), &setup.root, sizeof(int));
	CHECK(sendmsg(sockets[0], &message, 0) == (ssize_t)sizeof(bytes));
	CHECK(waitpid(child, &status, 0) == child);
	CHECK_NUMBER(status, 0);
	(void)close(setup.root);
	for (int i = 0; i < 2; i++) {
		(void)close(sockets[i]);
		(void)close(beside[i]);
		(void)close(events[i]);
	}
}

/*
 * One that computes for its guest without a rest leaves the real-time class in time, through the filter: in it it would be
 * killed. Where the class may not be entered nothing is shown.
 */
static void
test_brakes(struct harness *harness)
{
	struct child_setup setup = { .uid = 65534, .gid = 65534, .beside = -1 };
	int sockets[2], events[2], status = -1;
	pid_t child;

	if (child_fixture_is_watched())
		return;
	setup.root = open("/proc", O_RDONLY | O_DIRECTORY);
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, events) == 0);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		uint64_t begin;

		(void)pciback_raise_priority();
		setup.socket = sockets[1];
		if (child_confine(&setup, 7, events[1]) < 0)
			_exit(2);
		begin = pciback_work();
		while (pciback_work() - begin < 5 * PCIBACK_LONGEST_WITHOUT_REST / 2)
			continue;
		(void)syscall(SYS_exit_group, 0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)close(setup.root);
	for (int i = 0; i < 2; i++) {
		(void)close(sockets[i]);
		(void)close(events[i]);
	}
}

#else

static void
test_no_files(struct harness *harness)
{
	(void)harness;
}

static void
test_refused(struct harness *harness)
{
	CHECK(pciback_policy_may_write(0x40, 4));
}

static void
test_brakes(struct harness *harness)
{
	(void)harness;
}

#endif

void
test_os_child_confine(struct harness *harness)
{
	test_refused(harness);
	test_no_files(harness);
	test_brakes(harness);
}
