/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "daemon.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/json.h>
#include <pciback/version.h>

/*
 * One line in, then the answer and the end of the connection:
 *
 *	status json|text
 *	attach json|text DOMAIN [permissive] ADDRESS...
 *	detach json|text DOMAIN [force] ADDRESS...
 *
 * The answer's first line is pcibackctl's exit status, and with it, when it is not 0, one
 * sentence; what follows is to be printed.
 */

#define WAIT_REQUEST	5000	/* milliseconds for a client to say what it wants */

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* ---- Answers ---------------------------------------------------------------------------- */

static int
append(void *context, const char *bytes, size_t length)
{
	struct client *client = context;

	if (length > client->out_size - client->out_length) {
		size_t size = (client->out_size + length) * 2;
		char *larger = realloc(client->out, size);

		if (larger == NULL)
			return -ENOMEM;
		client->out = larger;
		client->out_size = size;
	}
	memcpy(client->out + client->out_length, bytes, length);
	client->out_length += length;
	return 0;
}

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
say(struct client *client, const char *format, ...)
{
	char text[512];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)append(client, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void
drop(struct client *client)
{
	(void)close(client->fd);
	free(client->out);
	/* A job goes on without its client; its place is free once it is done. */
	if (client->job != NULL && client->job->stage == PCIBACK_JOB_DONE)
		client->job->kind = PCIBACK_JOB_NONE;
	*client = (struct client){ .fd = -1 };
}

static const char *
interrupt_name(enum pciback_interrupt interrupt)
{
	switch (interrupt) {
	case PCIBACK_INTX:
		return "intx";
	case PCIBACK_MSI:
		return "msi";
	case PCIBACK_MSIX:
		return "msix";
	}
	return "?";
}

static void
json_device(struct pciback_json *json, const struct pciback_slot *slot)
{
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_json_object(json, NULL);
	pciback_address_format(&slot->address, name);
	pciback_json_string(json, "address", name);
	pciback_address_format(&slot->place, name);
	pciback_json_string(json, "place", name);
	pciback_json_string(json, "interrupt", interrupt_name(slot->device.interrupt));
	pciback_json_bool(json, "permissive", slot->device.settings.permissive);
	pciback_json_unsigned(json, "permissions", slot->ledger.n);
	pciback_json_object_end(json);
}

static void
json_guest(struct pciback_json *json, const struct pciback_guest *guest)
{
	const struct pciback_backend *backend = guest->backend;

	pciback_json_object(json, NULL);
	pciback_json_unsigned(json, "domain", guest->domain);
	pciback_json_string(json, "phase", pciback_phase_name(guest->phase));
	pciback_json_unsigned(json, "state", (unsigned)guest->own);
	pciback_json_unsigned(json, "frontend_state", (unsigned)guest->frontend);
	pciback_json_bool(json, "hot_plug", guest->knows_all);
	pciback_json_unsigned(json, "requests", guest->page != NULL ? guest->channel.n_requests : 0);
	pciback_json_unsigned(json, "refused", guest->page != NULL ? guest->channel.n_refused : 0);
	if (guest->message[0] != '\0')
		pciback_json_string(json, "message", guest->message);
	else
		pciback_json_null(json, "message");
	pciback_json_array(json, "devices");
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].guest == guest)
			json_device(json, &backend->slots[i]);
	pciback_json_array_end(json);
	pciback_json_object_end(json);
}

static void
status_json(const struct pciback_backend *backend, struct client *client)
{
	struct pciback_json json;

	pciback_json_init(&json, append, client);
	pciback_json_object(&json, NULL);
	pciback_json_string(&json, "schema", "xen.pciback/status/1");
	pciback_json_string(&json, "version", PCIBACK_VERSION);
	pciback_json_unsigned(&json, "pid", (uint64_t)getpid());
	pciback_json_array(&json, "guests");
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used)
			json_guest(&json, &backend->guests[i]);
	pciback_json_array_end(&json);
	pciback_json_object(&json, "permissions");
	pciback_json_unsigned(&json, "granted", backend->n_granted);
	pciback_json_unsigned(&json, "taken_back", backend->n_taken_back);
	pciback_json_unsigned(&json, "not_taken_back", backend->n_not_taken_back);
	pciback_json_object_end(&json);
	pciback_json_object_end(&json);
	(void)pciback_json_finish(&json);
}

static void
status_text(const struct pciback_backend *backend, struct client *client)
{
	size_t n = 0;

	for (size_t i = 0; i < backend->n_guests; i++) {
		const struct pciback_guest *guest = &backend->guests[i];

		if (!guest->used)
			continue;
		n++;
		say(client, "domain %u  %s  backend %d %s, frontend %d %s%s\n", (unsigned)guest->domain,
		    pciback_phase_name(guest->phase), (int)guest->own, pciback_xenbus_name(guest->own),
		    (int)guest->frontend, pciback_xenbus_name(guest->frontend),
		    guest->knows_all ? "" : ", no hot plug");
		for (size_t j = 0; j < backend->n_slots; j++) {
			const struct pciback_slot *slot = &backend->slots[j];
			char name[PCIBACK_ADDRESS_SIZE], place[PCIBACK_ADDRESS_SIZE];

			if (slot->guest != guest)
				continue;
			pciback_address_format(&slot->address, name);
			pciback_address_format(&slot->place, place);
			say(client, "  %s  seen as %s  %s%s\n", name, place,
			    interrupt_name(slot->device.interrupt),
			    slot->device.settings.permissive ? "  permissive" : "");
		}
		if (guest->message[0] != '\0')
			say(client, "  %s\n", guest->message);
	}
	if (n == 0)
		say(client, "no guest has devices\n");
}

/* What came of an attach or a detach. */
static void
answer_job(struct pciback_backend *backend, struct client *client, const struct pciback_job *job)
{
	bool is_attach = job->kind == PCIBACK_JOB_ATTACH;
	struct pciback_json json;

	if (job->error != 0) {
		say(client, "1 %s\n", job->message);
		return;
	}
	say(client, "0\n");
	if (client->json) {
		pciback_json_init(&json, append, client);
		pciback_json_object(&json, NULL);
		pciback_json_string(&json, "schema",
		    is_attach ? "xen.pciback/attach/1" : "xen.pciback/detach/1");
		pciback_json_unsigned(&json, "domain", job->domain);
		pciback_json_array(&json, "devices");
	}
	for (size_t i = 0; i < job->n; i++) {
		const struct pciback_slot *slot = pciback_backend_slot(backend, &job->addresses[i]);
		char name[PCIBACK_ADDRESS_SIZE];

		if (client->json && is_attach && slot != NULL) {
			json_device(&json, slot);
			continue;
		}
		pciback_address_format(&job->addresses[i], name);
		if (!client->json) {
			say(client, "%s %s domain %u\n", name,
			    is_attach ? "is attached to" : "is detached from", (unsigned)job->domain);
			continue;
		}
		pciback_json_object(&json, NULL);
		pciback_json_string(&json, "address", name);
		pciback_json_object_end(&json);
	}
	if (client->json) {
		pciback_json_array_end(&json);
		pciback_json_object_end(&json);
		(void)pciback_json_finish(&json);
	}
}

bool
control_answer(struct control *control)
{
	bool any = false;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || client->job == NULL || client->job->stage != PCIBACK_JOB_DONE)
			continue;
		answer_job(control->backend, client, client->job);
		client->job->kind = PCIBACK_JOB_NONE;
		client->job = NULL;
		any = true;
	}
	return any;
}

/* ---- Requests --------------------------------------------------------------------------- */

/* The next word of a line, which is cut there; NULL at its end. */
static char *
next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " ");

	if (*word == '\0')
		return NULL;
	*rest = word + strcspn(word, " ");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return word;
}

static struct pciback_job *
free_job(struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_jobs; i++) {
		struct pciback_job *job = &backend->jobs[i];

		/* Of a client that did not wait for the end. */
		if (job->kind != PCIBACK_JOB_NONE && job->stage == PCIBACK_JOB_DONE && job->abandoned)
			job->kind = PCIBACK_JOB_NONE;
		if (job->kind == PCIBACK_JOB_NONE)
			return job;
	}
	return NULL;
}

static void
start_job(struct control *control, struct client *client, enum pciback_job_kind kind, char *rest)
{
	const char *flag = kind == PCIBACK_JOB_ATTACH ? "permissive" : "force";
	struct pciback_job *job = free_job(control->backend);
	char *word = next_word(&rest);
	uint32_t domain;
	bool has_flag = false;

	if (job == NULL) {
		say(client, "1 too many changes at once; try again\n");
		return;
	}
	if (word == NULL || pciback_decimal_parse(word, 0x7fef, &domain) < 0 || domain == 0) {
		say(client, "2 a domain's number from 1 to 32751 would follow --domain\n");
		return;
	}
	*job = (struct pciback_job){ .domain = (uint16_t)domain };
	while ((word = next_word(&rest)) != NULL) {
		struct pciback_address *address = &job->addresses[job->n];

		if (strcmp(word, flag) == 0 && job->n == 0 && !has_flag) {
			has_flag = true;
			continue;
		}
		if (job->n == PCIBACK_ENTRIES_MAX) {
			say(client, "2 no guest has more than %d devices\n", PCIBACK_ENTRIES_MAX);
			return;
		}
		if (pciback_address_parse(word, strlen(word), address) < 0) {
			say(client, "2 '%.40s' is no address of a device, such as 0000:03:00.0\n", word);
			return;
		}
		for (size_t i = 0; i < job->n; i++) {
			if (pciback_address_compare(&job->addresses[i], address) == 0) {
				say(client, "2 %.40s is named twice\n", word);
				return;
			}
		}
		job->n++;
	}
	if (job->n == 0) {
		say(client, "2 addresses of devices would follow\n");
		return;
	}
	job->permissive = kind == PCIBACK_JOB_ATTACH && has_flag;
	job->force = kind == PCIBACK_JOB_DETACH && has_flag;
	job->kind = kind;
	client->job = job;
}

static void
take_request(struct control *control, struct client *client)
{
	char *rest = client->in;
	const char *verb = next_word(&rest), *form = next_word(&rest);

	client->json = form != NULL && strcmp(form, "json") == 0;
	if (verb == NULL || form == NULL || (!client->json && strcmp(form, "text") != 0)) {
		say(client, "2 no such request\n");
	} else if (strcmp(verb, "status") == 0) {
		say(client, "0\n");
		if (client->json)
			status_json(control->backend, client);
		else
			status_text(control->backend, client);
	} else if (strcmp(verb, "attach") == 0) {
		start_job(control, client, PCIBACK_JOB_ATTACH, rest);
	} else if (strcmp(verb, "detach") == 0) {
		start_job(control, client, PCIBACK_JOB_DETACH, rest);
	} else {
		say(client, "2 no such request\n");
	}
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
	if (client->job != NULL || client->out_length > 0)
		return;
	client->n_in += (size_t)n;
	end = memchr(client->in, '\n', client->n_in);
	if (end != NULL) {
		*end = '\0';
		client->deadline = 0;
		take_request(control, client);
	} else if (client->n_in == sizeof(client->in)) {
		say(client, "2 a request has at most %d bytes\n", CONTROL_LINE - 1);
	}
}

static void
send_answer(struct client *client)
{
	ssize_t n = send(client->fd, client->out + client->out_sent,
	    client->out_length - client->out_sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		client->out_sent += (size_t)n;
	if (n <= 0 || client->out_sent == client->out_length)
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
			.events = client->out_length > 0 ? POLLOUT : POLLIN,
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
	(void)control_answer(control);
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

/* Whether somebody listens behind a path that is taken. */
static bool
is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool alive;

	if (fd < 0)
		return true;
	alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED;
	(void)close(fd);
	return alive;
}

int
control_open(struct control *control, const char *path, struct pciback_backend *backend)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	mode_t mask;
	int r = 0;

	*control = (struct control){ .backend = backend, .fd = -1, .path = path };
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
	control->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (control->fd < 0)
		return -errno;
	(void)fcntl(control->fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(control->fd, F_SETFL, O_NONBLOCK);
	/* 0600 from its first moment on. */
	mask = umask(0177);
	if (bind(control->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	(void)umask(mask);
	if (r == 0 && listen(control->fd, CONTROL_CLIENTS) < 0) {
		r = -errno;
		(void)unlink(path);
	}
	if (r < 0) {
		(void)close(control->fd);
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
		if (client->out_length > client->out_sent)
			send_answer(client);
		if (client->fd >= 0)
			drop(client);
	}
	(void)close(control->fd);
	(void)unlink(control->path);
	control->fd = -1;
}
