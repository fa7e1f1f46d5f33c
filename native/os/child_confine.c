/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "child.h"

#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <unistd.h>

#include <pciback/policy.h>

#define FILES_MAX	(PCIBACK_ENTRIES_MAX + 16)

/* Its resources are of a type of their own with some C libraries. */
#define LIMIT(resource, most) \
	setrlimit((resource), &(const struct rlimit){ .rlim_cur = (most), .rlim_max = (most) })

/* The standard files, which are taken. */
#define NO_FILES	3

/* As small as it can be: it opens no files but those that come, starts nothing, writes no file that grows. */
static int
limit_all(const struct child_setup *setup)
{
	rlim_t files = setup->is_proxy || setup->beside < 0 ? FILES_MAX : NO_FILES;

	if (LIMIT(RLIMIT_CORE, 0) < 0 || LIMIT(RLIMIT_FSIZE, PCIBACK_CONFIG_EXPRESS) < 0 ||
	    LIMIT(RLIMIT_NOFILE, files) < 0)
		return -errno;
#ifdef RLIMIT_NPROC
	if (LIMIT(RLIMIT_NPROC, 0) < 0)
		return -errno;
#endif
#if defined(__linux__) && defined(RLIMIT_RTTIME)
	/* In the real-time class its parent's brake is its own, and one that does not brake is killed. */
	if (setrlimit(RLIMIT_RTTIME, &(const struct rlimit){ .rlim_cur = PCIBACK_LONGEST_WITHOUT_REST,
	    .rlim_max = 2 * PCIBACK_LONGEST_WITHOUT_REST }) < 0)
		return -errno;
#endif
	return 0;
}

/* Whoever is not root, as in tests, has nothing to give up. */
static int
become_nobody(const struct child_setup *setup, uint16_t domain)
{
	uid_t uid = setup->has_range ? setup->uid + domain : setup->uid;

	if (geteuid() != 0)
		return 0;
	if (fchdir(setup->root) < 0 || chroot(".") < 0 || setgroups(0, NULL) < 0 || setgid(setup->gid) < 0 ||
	    setuid(uid) < 0)
		return -errno;
	/* It must not come back. */
	return setuid(0) < 0 && geteuid() == uid ? 0 : -EPERM;
}

#if defined(__linux__)

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* [Linux: include/uapi/xen/evtchn.h] With the size of what it takes, although it neither reads nor writes for the kernel. */
#define IOCTL_EVTCHN_NOTIFY	_IOC(_IOC_NONE, 'E', 4, sizeof(uint32_t))

#define REFUSED	(SECCOMP_RET_ERRNO | EPERM)

struct filter {
	unsigned short n;
	struct sock_filter code[128];
};

static void
add(struct filter *filter, int code, uint32_t k, unsigned yes, unsigned no)
{
	filter->code[filter->n++] = (struct sock_filter){ (uint16_t)code, (uint8_t)yes, (uint8_t)no, k };
}

#ifdef ARCHITECTURE

static void
load(struct filter *filter, size_t offset)
{
	add(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The lower or the upper half of an argument; both architectures are little-endian. */
static void
load_argument(struct filter *filter, unsigned number, bool is_upper)
{
	load(filter, offsetof(struct seccomp_data, args) + 8 * number + (is_upper ? 4 : 0));
}

static void
allow(struct filter *filter, long call)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* A call for two files only, or for one; -1 is none. */
static void
allow_files(struct filter *filter, long call, int fd, int other)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 5);
	load_argument(filter, 0, false);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)fd, 1, 0);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(other < 0 ? fd : other), 0, 1);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
}

static void
allow_notify(struct filter *filter, int fd)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 6);
	load_argument(filter, 0, false);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)fd, 0, 3);
	load_argument(filter, 1, false);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, IOCTL_EVTCHN_NOTIFY, 0, 1);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
}

/* Out of the real-time class, as on_no_rest() of priority.c does it, and into no other. */
static void
allow_brake(struct filter *filter)
{
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setscheduler, 0, 6);
	load_argument(filter, 0, false);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
	load_argument(filter, 1, false);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, SCHED_OTHER, 0, 1);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
}

/* Writes to a configuration space where a policy ever writes: as pciback_policy_may_write() says. */
static void
allow_writes(struct filter *filter)
{
	static const struct pciback_policy_range ranges[] = PCIBACK_POLICY_RANGES;
	size_t first = filter->n;

	add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 0, 0);
	load_argument(filter, 2, true);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
	load_argument(filter, 3, true);
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
	load_argument(filter, 2, false);
	add(filter, BPF_JMP | BPF_JGT | BPF_K, 4, 0, 1);
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
	add(filter, BPF_MISC | BPF_TAX, 0, 0, 0);
	load_argument(filter, 3, false);
	add(filter, BPF_JMP | BPF_JGE | BPF_K, PCIBACK_CONFIG_PCI, 0, 1);
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
	/* The offset in the first word of the filter's memory, the end in the second. */
	add(filter, BPF_ST, 0, 0, 0);
	add(filter, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
	add(filter, BPF_ST, 1, 0, 0);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		add(filter, BPF_LD | BPF_MEM, 0, 0, 0);
		add(filter, BPF_JMP | BPF_JGE | BPF_K, ranges[i].first, 0, 3);
		add(filter, BPF_LD | BPF_MEM, 1, 0, 0);
		add(filter, BPF_JMP | BPF_JGT | BPF_K, ranges[i].end, 1, 0);
		add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	}
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
	/* Any other call goes on behind it. */
	filter->code[first].jf = (uint8_t)(filter->n - first - 1);
}

/* Its messages, its events, its devices' files; the time; its end; its brake. */
static void
write_filter(struct filter *filter, const struct child_setup *setup, int event_fd)
{
	bool has_files = setup->is_proxy || setup->beside < 0;

	load(filter, offsetof(struct seccomp_data, arch));
	add(filter, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
	add(filter, BPF_RET | BPF_K, SECCOMP_RET_KILL, 0, 0);
	load(filter, offsetof(struct seccomp_data, nr));
	if (has_files)
		allow(filter, SYS_pread64);
#ifdef SYS_poll
	allow(filter, SYS_poll);
#endif
	allow(filter, SYS_ppoll);
	allow(filter, SYS_clock_gettime);
	allow(filter, SYS_rt_sigreturn);
	allow(filter, SYS_restart_syscall);
	allow(filter, SYS_exit_group);
	allow_files(filter, SYS_recvmsg, setup->socket, setup->beside);
	allow_files(filter, SYS_sendto, setup->socket, setup->beside);
	allow_files(filter, SYS_read, event_fd, -1);
	allow_files(filter, SYS_write, event_fd, -1);
	allow_notify(filter, event_fd);
	allow_brake(filter);
	if (has_files)
		allow_writes(filter);
	add(filter, BPF_RET | BPF_K, REFUSED, 0, 0);
}

static int
filter_calls(const struct child_setup *setup, int event_fd)
{
	struct filter filter = { .n = 0 };
	struct sock_fprog program = { .filter = filter.code };

	write_filter(&filter, setup, event_fd);
	program.len = filter.n;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}

#else

/* No filter was written for this processor; all else holds. */
static int
filter_calls(const struct child_setup *setup, int event_fd)
{
	(void)setup;
	(void)event_fd;
	(void)add;
	return 0;
}

#endif

/* A change of the uid forgets the first; and the parent may be gone by now, which the socket says. */
static int
hold(const struct child_setup *setup, int event_fd)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return filter_calls(setup, event_fd);
}

#else

/* There is neither a filter of system calls nor a way to keep privileges from coming back. */
static int
hold(const struct child_setup *setup, int event_fd)
{
	(void)setup;
	(void)event_fd;
	return 0;
}

#endif

void
child_close_between(int first, int last)
{
	if (first > last)
		return;
#if defined(SYS_close_range)
	if (syscall(SYS_close_range, first, last, 0) == 0)
		return;
#elif defined(F_CLOSEM)
	if (last == INT_MAX) {
		(void)fcntl(first, F_CLOSEM, 0);
		return;
	}
#endif
	for (int fd = first; fd <= last && fd < 65536; fd++)
		(void)close(fd);
}

static void
close_others(const struct child_setup *setup, int event_fd, int null)
{
	int kept[] = { setup->socket, setup->beside, event_fd }, first = 3, next;

	/* A line that a library writes goes nowhere. */
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		(void)dup2(null, fd);
	do {
		next = INT_MAX;
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			if (kept[i] >= first && kept[i] < next)
				next = kept[i];
		child_close_between(first, next == INT_MAX ? next : next - 1);
		first = next == INT_MAX ? next : next + 1;
	} while (next != INT_MAX);
}

int
child_confine(const struct child_setup *setup, uint16_t domain, int event_fd)
{
	/* Its root will have none. */
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), r = null < 0 ? -errno : become_nobody(setup, domain);

	close_others(setup, event_fd, null);
	if (r == 0)
		r = limit_all(setup);
	return r == 0 ? hold(setup, event_fd) : r;
}
