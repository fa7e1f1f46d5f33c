/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#endif

#include <pciback/platform.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where a child could not be held. */
static int
refuse(char message[PCIBACK_PLATFORM_MESSAGE])
{
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "--children yes: this system has no process that could serve "
	    "one guest and reach nothing else");
	return -ENOSYS;
}

bool
pciback_children_are_default(void)
{
#if defined(__linux__)
	return true;
#else
	/* They can be had on NetBSD, and never ran on a real one. */
	return false;
#endif
}

#if defined(__linux__) || defined(__NetBSD__)

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define USER		"nobody"
#define NOBODY		65534
/* As Xen's own range for device models: a uid for each domain. */
#define RANGE_USER	"pcibackd-range-base"
#define RANGE		0x7f000000	/* on NetBSD, without that user; the proxies have this one, as of domain 0 */

struct one {
	pid_t pid;			/* 0: none */
	int socket;
	pid_t proxy;			/* the same of its proxy */
	int proxy_socket;
};

struct children {
	struct child_setup setup;
	struct pciback_child_machine machine;
	size_t n;
	struct one *list;
};

static struct one *
find(void *world, size_t number)
{
	const struct children *children = world;

	return &children->list[number];
}

/* A process with one end of a new pair of sockets, whose other end is this one's. */
static int
make(struct children *children, bool is_proxy, int beside, pid_t *ret_pid, int *ret_socket)
{
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int error = errno;

		(void)close(sockets[0]);
		(void)close(sockets[1]);
		return -error;
	}
	if (pid == 0) {
		children->setup.socket = sockets[1];
		children->setup.beside = beside;
		children->setup.is_proxy = is_proxy;
		if (is_proxy)
			child_proxy_serve(&children->setup);
		child_serve(&children->setup);
	}
	(void)close(sockets[1]);
	(void)fcntl(sockets[0], F_SETFL, O_NONBLOCK);
	*ret_pid = pid;
	*ret_socket = sockets[0];
	return 0;
}

/* Whatever it does, it is gone. */
static void
end_process(pid_t *pid, int *socket)
{
	if (*pid == 0)
		return;
	(void)kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	(void)close(*socket);
	*pid = 0;
	*socket = -1;
}

/* A process that is killed leaves the kernel with what it is at: an access to a device, no more. */
static void
end(void *world, size_t number)
{
	struct one *one = find(world, number);

	end_process(&one->pid, &one->socket);
	end_process(&one->proxy, &one->proxy_socket);
}

static int
start(void *world, size_t number)
{
	struct children *children = world;
	struct one *one = find(world, number);
	int beside[2] = { -1, -1 }, r = 0;

	if (children->machine.adopt != NULL) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, beside) < 0)
			return -errno;
		r = make(children, true, beside[1], &one->proxy, &one->proxy_socket);
	}
	if (r == 0)
		r = make(children, false, beside[0], &one->pid, &one->socket);
	for (int i = 0; i < 2 && beside[i] >= 0; i++)
		(void)close(beside[i]);
	if (r < 0)
		end(world, number);
	return r;
}

/* Without waiting; `fd` is -1 or goes with it. */
static int
send_with(int socket, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], int fd)
{
	struct iovec part = { .iov_base = (uint8_t *)(uintptr_t)bytes, .iov_len = PCIBACK_MESSAGE_SIZE };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	ssize_t n;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
	}
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == PCIBACK_MESSAGE_SIZE ? 0 : -EPIPE;
}

static int
send_message(void *world, size_t number, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], void *device)
{
	const struct children *children = world;
	const struct one *one = find(world, number);
	int fd = device == NULL ? -1 : children->machine.config_file(children->machine.devices, device);

	if (fd >= 0 && children->machine.adopt != NULL) {
		/* The proxy has it before the child knows of it. */
		if (send_with(one->proxy_socket, bytes, fd) < 0)
			return -EPIPE;
		fd = -1;
	}
	return send_with(one->socket, bytes, fd);
}

/* A message has its size, and no file comes with it: there is no room for one. */
static int
receive(void *world, size_t number, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE], unsigned wait)
{
	const struct one *one = find(world, number);
	struct pollfd readable = { .fd = one->socket, .events = POLLIN };
	struct iovec part = { .iov_base = ret_bytes, .iov_len = PCIBACK_MESSAGE_SIZE };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n = recvmsg(one->socket, &message, 0);

	if (n < 0 && errno == EAGAIN && wait > 0 && poll(&readable, 1, (int)wait) > 0)
		n = recvmsg(one->socket, &message, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	return n == PCIBACK_MESSAGE_SIZE && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 ? 1 : -EBADMSG;
}

static uint64_t
work(void *world, size_t number)
{
	const struct one *one = find(world, number);

	return child_work(one->pid) + child_work(one->proxy);
}

static size_t
fds(void *world, struct pciback_child_fd *ret_fds)
{
	const struct children *children = world;
	size_t n = 0;

	for (size_t i = 0; i < children->n; i++)
		if (children->list[i].pid != 0)
			ret_fds[n++] = (struct pciback_child_fd){ .number = i, .fd = children->list[i].socket };
	return n;
}

static const struct pciback_child_operations operations = {
	.start = start,
	.send = send_message,
	.receive = receive,
	.end = end,
	.work = work,
	.fds = fds,
};

#if defined(__linux__)

/* A directory that has no name any more: nothing can be made in it. */
static int
open_empty(void)
{
	char path[] = "/tmp/pcibackd.XXXXXX";
	int fd;

	if (mkdtemp(path) == NULL)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rmdir(path) < 0 || fd < 0) {
		int error = errno;

		if (fd >= 0)
			(void)close(fd);
		return -error;
	}
	return fd;
}

#else

/* Only root writes to /var/run, and nobody else may even look into it. What has no name any more is not known to be a root
 * that processes can have there. */
#define ROOT		"/var/run/pcibackd.root"

static int
open_empty(void)
{
	struct stat status;
	int fd;

	if (mkdir(ROOT, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(ROOT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &status) < 0 || status.st_uid != 0 || (status.st_mode & 0777) != 0700)) {
		(void)close(fd);
		return -EPERM;
	}
	return fd < 0 ? -errno : fd;
}

#endif

static void
choose_user(struct child_setup *setup)
{
	const struct passwd *user = getpwnam(RANGE_USER);

	setup->has_range = user != NULL && user->pw_uid != 0;
	if (!setup->has_range)
		user = getpwnam(USER);
	setup->uid = user != NULL && user->pw_uid != 0 ? user->pw_uid : NOBODY;
#if defined(__NetBSD__)
	/* Nothing but its uid keeps a process from sending signals to others. */
	if (!setup->has_range)
		setup->uid = RANGE;
	setup->has_range = true;
#endif
	setup->gid = user != NULL && user->pw_gid != 0 ? user->pw_gid : NOBODY;
}

int
pciback_children_open(struct pciback_children *ret_children, const struct pciback_child_machine *machine,
    size_t n_guests, char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct children *children = NULL;
	int root, r = 0;

	if (machine->config_file == NULL)
		return refuse(message);
	root = open_empty();
	if (root < 0)
		r = root;
	else
		children = calloc(1, sizeof(*children));
	if (children != NULL)
		children->list = calloc(n_guests, sizeof(*children->list));
	if (r == 0 && (children == NULL || children->list == NULL))
		r = -ENOMEM;
	if (r < 0) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "processes that serve one guest each can't be made: %s",
		    strerror(-r));
		if (root >= 0)
			(void)close(root);
		free(children);
		return r;
	}
	children->machine = *machine;
	children->n = n_guests;
	children->setup.machine = &children->machine;
	children->setup.root = root;
	choose_user(&children->setup);
	*ret_children = (struct pciback_children){ .operations = &operations, .world = children };
	return 0;
}

void
pciback_children_close(struct pciback_children *children)
{
	struct children *all = children->world;

	for (size_t i = 0; i < all->n; i++)
		end(all, i);
	(void)close(all->setup.root);
	free(all->list);
	free(all);
}

#else

int
pciback_children_open(struct pciback_children *ret_children, const struct pciback_child_machine *machine,
    size_t n_guests, char message[PCIBACK_PLATFORM_MESSAGE])
{
	(void)ret_children;
	(void)machine;
	(void)n_guests;
	return refuse(message);
}

void
pciback_children_close(struct pciback_children *children)
{
	(void)children;
}

#endif
