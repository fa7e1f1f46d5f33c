/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "control.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/taken.h>

#include "request.h"

#define WAIT_REQUEST	5000	/* milliseconds for a client to say what it wants */

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* ---- Clients ---------------------------------------------------------------------------- */

static void
drop(struct client *client)
{
	(void)close(client->fd);
	free(client->answer.bytes);
	/* A job goes on without its client; its place is free once it is done. */
	if (client->job != NULL && client->job->stage == PCIBACK_JOB_DONE)
		client->job->kind = PCIBACK_JOB_NONE;
	*client = (struct client){ .fd = -1 };
}

void
control_answer(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || client->job == NULL || client->job->stage != PCIBACK_JOB_DONE)
			continue;
		answer_job(&client->answer, control->backend, client->job, client->json);
		client->job->kind = PCIBACK_JOB_NONE;
		client->job = NULL;
	}
}

static void
check_devices(const struct control *control, struct client *client, const struct pciback_job *job)
{
	char message[PCIBACK_LOG_LINE];

	if (pciback_backend_check(control->backend, job->devices, job->n, message) < 0)
		answer_say(&client->answer, "1 %s\n", message);
	else
		answer_checked(&client->answer, control->backend, job, client->json);
}

static void
take_request(struct control *control, struct client *client)
{
	char message[REQUEST_MESSAGE];
	struct request request;
	struct pciback_job *job;

	if (request_read(client->in, &request, &client->json, message) < 0) {
		answer_say(&client->answer, "2 %s\n", message);
		return;
	}
	if (request.kind == REQUEST_STATUS) {
		answer_status(&client->answer, control->backend, client->json, (uint64_t)getpid());
		return;
	}
	if (request.kind == REQUEST_CHECK) {
		check_devices(control, client, &request.job);
		return;
	}
	job = pciback_backend_job(control->backend);
	if (job == NULL) {
		answer_say(&client->answer, "1 too many changes at once; try again\n");
		return;
	}
	*job = request.job;
	client->job = job;
}

static void
read_request(struct control *control, struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->n_in, sizeof(client->in) - client->n_in, 0);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (client->job != NULL)
			client->job->abandoned = true;
		drop(client);
		return;
	}
	/* After the request there is nothing to say. */
	if (client->job != NULL || client->answer.length > 0)
		return;
	client->n_in += (size_t)n;
	end = memchr(client->in, '\n', client->n_in);
	if (end != NULL) {
		*end = '\0';
		client->deadline = 0;
		take_request(control, client);
	} else if (client->n_in == sizeof(client->in)) {
		answer_say(&client->answer, "2 a request has at most %d bytes\n", PCIBACK_CONTROL_LINE - 1);
	}
}

static void
send_answer(struct client *client)
{
	ssize_t n = send(client->fd, client->answer.bytes + client->n_sent,
	    client->answer.length - client->n_sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		client->n_sent += (size_t)n;
	if (n <= 0 || client->n_sent == client->answer.length)
		drop(client);
}

static void
accept_client(struct control *control, uint64_t now)
{
	int fd = accept(control->fd, NULL, NULL);

	if (fd < 0)
		return;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0)
			continue;
		*client = (struct client){ .fd = fd, .deadline = now + WAIT_REQUEST };
		return;
	}
	(void)close(fd);
}

/* ---- The socket ------------------------------------------------------------------------- */

size_t
control_poll(const struct control *control, struct pollfd *fds)
{
	size_t n = 0;

	fds[n++] = (struct pollfd){ .fd = control->fd, .events = POLLIN };
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *client = &control->clients[i];

		fds[n++] = (struct pollfd){
			.fd = client->fd,
			.events = client->answer.length > 0 ? POLLOUT : POLLIN,
		};
	}
	return n;
}

void
control_run(struct control *control, const struct pollfd *fds, size_t n, uint64_t now)
{
	for (size_t i = 1; i < n; i++) {
		struct client *client = &control->clients[i - 1];

		if (client->fd < 0)
			continue;
		if (fds[i].fd == client->fd && fds[i].revents != 0) {
			if ((fds[i].events & POLLOUT) != 0)
				send_answer(client);
			else
				read_request(control, client);
		} else if (client->deadline != 0 && now >= client->deadline) {
			drop(client);
		}
	}
	if ((fds[0].revents & POLLIN) != 0)
		accept_client(control, now);
	control_answer(control);
}

int
control_wait(const struct control *control, uint64_t now)
{
	int wait = -1;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *client = &control->clients[i];
		int left;

		if (client->fd < 0 || client->deadline == 0)
			continue;
		left = client->deadline <= now ? 0 : (int)(client->deadline - now);
		wait = wait < 0 || left < wait ? left : wait;
	}
	return wait;
}

/* Whether somebody listens behind a path that is taken: also one who hangs and takes no more clients. */
static bool
is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool alive;

	if (fd < 0)
		return true;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED;
	(void)close(fd);
	return alive;
}

/* Keeps hold of the directory of a path: the process leaves its own. */
static int
open_directory(struct control *control, const char *path)
{
	char directory[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = ".";
	const char *slash = strrchr(path, '/');
	size_t length = slash != NULL ? (size_t)(slash + 1 - path) : 0;

	if (length >= sizeof(directory))
		return -ENAMETOOLONG;
	if (slash != NULL) {
		memcpy(directory, path, length);
		directory[length] = '\0';
	}
	control->name = path + length;
	control->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return control->directory < 0 ? -errno : 0;
}

/* Removes what is at the path if it is the socket that was made here. */
static void
remove_socket(const struct control *control)
{
	struct stat status;

	if (fstatat(control->directory, control->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    status.st_dev == control->device && status.st_ino == control->inode)
		(void)unlinkat(control->directory, control->name, 0);
}

/* Binds to an address whose path is free, and listens. */
static int
listen_at(struct control *control, const struct sockaddr_un *address)
{
	struct stat status;
	/* 0600 from its first moment on. */
	mode_t mask = umask(0177);
	int r = bind(control->fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	(void)umask(mask);
	if (r < 0)
		return r;
	if (fstatat(control->directory, control->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	control->device = status.st_dev;
	control->inode = status.st_ino;
	if (listen(control->fd, CONTROL_CLIENTS) < 0) {
		r = -errno;
		remove_socket(control);
	}
	return r;
}

int
control_open(struct control *control, const char *path, struct pciback_backend *backend)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	int r;

	*control = (struct control){ .backend = backend, .fd = -1, .directory = -1 };
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i].fd = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (lstat(path, &status) == 0) {
		if (!S_ISSOCK(status.st_mode))
			return -EEXIST;
		if (is_alive(&address))
			return -EADDRINUSE;
		if (unlink(path) < 0)
			return -errno;
	}
	r = open_directory(control, path);
	if (r < 0)
		return r;
	control->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (control->fd >= 0) {
		(void)fcntl(control->fd, F_SETFD, FD_CLOEXEC);
		(void)fcntl(control->fd, F_SETFL, O_NONBLOCK);
		r = listen_at(control, &address);
	} else {
		r = -errno;
	}
	if (r < 0) {
		if (control->fd >= 0)
			(void)close(control->fd);
		(void)close(control->directory);
		control->fd = -1;
	}
	return r;
}

void
control_close(struct control *control)
{
	if (control->fd < 0)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0)
			continue;
		if (client->answer.length > client->n_sent)
			send_answer(client);
		if (client->fd >= 0)
			drop(client);
	}
	(void)close(control->fd);
	remove_socket(control);
	(void)close(control->directory);
	control->fd = -1;
}
