/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/server.h>

#include <errno.h>
#include <string.h>

#include <pciback/aer.h>

#include "server_asks.h"

/* ---- Messages of the parent ----------------------------------------------------------------- */

static void
start(struct pciback_server *server, const struct pciback_message *message)
{
	struct pciback_message answer = { .type = PCIBACK_MESSAGE_STARTED };
	struct pciback_page *page = NULL;

	answer.result = server->operations->start(server->world, message, &page, &answer.step);
	if (answer.result == 0) {
		server->page = page;
		server->n_polls = message->n_polls;
		server->n_awaited = message->n_devices;
		if (!message->has_power)
			server->device_operations.power_set = NULL;
		pciback_topology_init(&server->topology, message->topology);
		pciback_log_init(&server->log, &server->host, message->domain, server->now);
		pciback_channel_init(&server->channel, server->page, &server->topology, &server->host, &server->log,
		    server, server->now);
		server->handles_errors = answer.handles_errors = pciback_aer_is_handled(&server->channel);
		/* There may be a request already. */
		server->serving.is_pending = true;
	}
	pciback_server_tell(server, &answer);
	if (answer.result < 0)
		pciback_server_end(server, answer.result);
}

static void
give(struct pciback_server *server, const struct pciback_message *message)
{
	struct pciback_message answer = { .type = PCIBACK_MESSAGE_GIVEN, .number = message->number };
	struct pciback_served *served = &server->devices[message->number];
	struct pciback_device_settings settings = message->settings;

	if (server->page == NULL || served->is_given) {
		pciback_server_end(server, -EPROTO);
		return;
	}
	if (server->operations->adopt != NULL)
		server->operations->adopt(server->world, message->number);
	served->server = server;
	served->number = message->number;
	settings.handle = served;
	answer.result = pciback_device_resume(&served->device, &server->host, &server->log, &settings, &message->state);
	if (answer.result == 0)
		answer.result = pciback_topology_add_at(&server->topology, &served->device, &message->place);
	served->is_given = answer.result == 0;
	server->n_awaited -= server->n_awaited > 0 && served->is_given;
	pciback_server_tell(server, &answer);
}

static void
say_reported(struct pciback_server *server, int error, uint32_t recovery)
{
	const struct pciback_message message = { .type = PCIBACK_MESSAGE_REPORTED, .result = error,
		.recovery = recovery };

	pciback_server_tell(server, &message);
}

static void
stop(struct pciback_server *server)
{
	struct pciback_message message = { .type = PCIBACK_MESSAGE_STATE };

	for (uint32_t i = 0; i < PCIBACK_ENTRIES_MAX; i++) {
		if (!server->devices[i].is_given)
			continue;
		message.number = i;
		pciback_device_save(&server->devices[i].device, &message.state);
		pciback_server_tell(server, &message);
	}
	message = (struct pciback_message){ .type = PCIBACK_MESSAGE_ENDED };
	pciback_server_tell(server, &message);
	pciback_server_end(server, 1);
}

static void
take(struct pciback_server *server, const struct pciback_message *message)
{
	int r;

	/* First of all, and once. */
	if ((message->type == PCIBACK_MESSAGE_START) != (server->page == NULL)) {
		pciback_server_end(server, -EPROTO);
		return;
	}
	switch (message->type) {
	case PCIBACK_MESSAGE_START:
		start(server, message);
		break;
	case PCIBACK_MESSAGE_GIVE:
		give(server, message);
		break;
	case PCIBACK_MESSAGE_REPORT:
		r = pciback_aer_send(&server->channel, (enum pciback_command)message->command, message->error,
		    &message->place);
		if (r < 0)
			say_reported(server, r, 0);
		break;
	case PCIBACK_MESSAGE_CANCEL:
		pciback_aer_cancel(&server->channel);
		break;
	case PCIBACK_MESSAGE_STOP:
		stop(server);
		break;
	default:
		/* An answer that nobody waits for. */
		pciback_server_end(server, -EPROTO);
		break;
	}
}

/* ---- The guest ------------------------------------------------------------------------------ */

static void
look_at_page(struct pciback_server *server)
{
	const struct pciback_serving_process process = {
		.unmask = server->operations->unmask,
		.world = server->world,
		.work = server->operations->work,
		.work_world = server->world,
		.counted = &server->counted_work,
		.n_polls = server->n_polls,
	};
	enum pciback_recovery recovery;

	if (!pciback_serving_begin(&server->serving, &server->log, server->now))
		return;
	if (!server->handles_errors && pciback_aer_is_handled(&server->channel)) {
		server->handles_errors = true;
		server->counts_at = 0;
		server->n_told = UINT64_MAX;
	}
	if (pciback_aer_take(&server->channel, &recovery) == 0)
		say_reported(server, 0, (uint32_t)recovery);
	pciback_serving_run(&server->serving, &server->channel, &process, server->now);
}

/* The parent knows of all that was served, a little later. */
static bool
has_untold(const struct pciback_server *server)
{
	return server->page != NULL && server->n_told != server->channel.n_requests;
}

static void
tell_counts(struct pciback_server *server)
{
	const struct pciback_message message = {
		.type = PCIBACK_MESSAGE_COUNTS,
		.n_requests = server->channel.n_requests,
		.n_refused = server->channel.n_refused,
		.handles_errors = server->handles_errors,
	};

	if (!has_untold(server) || server->now < server->counts_at)
		return;
	server->n_told = server->channel.n_requests;
	server->counts_at = server->now + PCIBACK_WAIT_COUNTS;
	pciback_server_tell(server, &message);
}

/* ---- All of it ------------------------------------------------------------------------------ */

void
pciback_server_init(struct pciback_server *server, const struct pciback_server_operations *operations,
    void *world, uint64_t now)
{
	memset(server, 0, sizeof(*server));
	server->operations = operations;
	server->world = world;
	server->now = now;
	pciback_server_fill(&server->device_operations);
	server->host = (struct pciback_host){ .operations = &server->device_operations, .world = server };
	pciback_serving_init(&server->serving, now);
}

void
pciback_server_take(struct pciback_server *server, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], uint64_t now)
{
	struct pciback_message message;

	server->now = server->log.now = now;
	if (pciback_message_read(bytes, false, &message) < 0)
		pciback_server_end(server, -EBADMSG);
	if (server->ended == 0)
		take(server, &message);
}

void
pciback_server_event(struct pciback_server *server)
{
	server->serving.is_pending = true;
}

/* Milliseconds until a time, not negative. */
static int
until(uint64_t now, uint64_t then)
{
	return then > now ? (int)(then - now) : 0;
}

int
pciback_server_run(struct pciback_server *server, uint64_t now)
{
	int wait = -1;

	server->now = server->log.now = now;
	while (server->ended == 0 && server->n_later > 0) {
		struct pciback_message message = server->later[0];

		server->n_later--;
		memmove(server->later, server->later + 1, server->n_later * sizeof(server->later[0]));
		take(server, &message);
	}
	if (server->ended != 0)
		return 0;
	/* A guest that is served on may have asked already, and is not to hear that there is no such device. */
	if (server->page == NULL || server->n_awaited > 0)
		return -1;
	if (pciback_serving_is_due(&server->serving, now))
		look_at_page(server);
	tell_counts(server);
	if (server->ended != 0 || server->n_later > 0 || server->serving.is_pending)
		return 0;
	if (has_untold(server))
		wait = until(now, server->counts_at);
	if (server->serving.retry != 0 && (wait < 0 || until(now, server->serving.retry) < wait))
		wait = until(now, server->serving.retry);
	return wait;
}
