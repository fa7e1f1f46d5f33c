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

#if defined(__linux__)

#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "child.h"

#define USER		"nobody"
#define NOBODY		65534
/* As Xen's own range for device models: a uid for each domain. */
#define RANGE_USER	"pcibackd-range-base"

struct one {
	pid_t pid;			/* 0: none */
	int socket;
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

static int
start(void *world, size_t number)
{
	struct children *children = world;
	struct one *one = find(world, number);
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
		child_serve(&children->setup);
	}
	(void)close(sockets[1]);
	(void)fcntl(sockets[0], F_SETFL, O_NONBLOCK);
	*one = (struct one){ .pid = pid, .socket = sockets[0] };
	return 0;
}

static int
send_message(void *world, size_t number, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], void *device)
{
	const struct children *children = world;
	struct iovec part = { .iov_base = (uint8_t *)(uintptr_t)bytes, .iov_len = PCIBACK_MESSAGE_SIZE };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	int fd = device == NULL ? -1 : children->machine.config_file(children->machine.devices, device);
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
		n = sendmsg(find(world, number)->socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == PCIBACK_MESSAGE_SIZE ? 0 : -EPIPE;
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

/* A process that is killed leaves the kernel with what it is at: an access to a device, no more. */
static void
end(void *world, size_t number)
{
	struct one *one = find(world, number);

	if (one->pid == 0)
		return;
	(void)kill(one->pid, SIGKILL);
	while (waitpid(one->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	(void)close(one->socket);
	*one = (struct one){ .socket = -1 };
}

static uint64_t
work(void *world, size_t number)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(find(world, number)->pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
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

static void
choose_user(struct child_setup *setup)
{
	const struct passwd *user = getpwnam(RANGE_USER);

	setup->has_range = user != NULL && user->pw_uid != 0;
	if (!setup->has_range)
		user = getpwnam(USER);
	setup->uid = user != NULL && user->pw_uid != 0 ? user->pw_uid : NOBODY;
	setup->gid = user != NULL && user->pw_gid != 0 ? user->pw_gid : NOBODY;
}

bool
pciback_children_exist(void)
{
	return true;
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

bool
pciback_children_exist(void)
{
	return false;
}

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
