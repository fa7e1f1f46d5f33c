/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "server_fixture.h"

#include <errno.h>
#include <string.h>

static int
start(void *world, const struct pciback_message *message, struct pciback_page **ret_page,
    enum pciback_start_step *ret_step)
{
	struct served *served = world;

	(void)message;
	*ret_page = &served->fixture.page;
	*ret_step = served->start_error == 0 ? PCIBACK_START_DONE : PCIBACK_START_EVENT;
	return served->start_error;
}

static void
adopt(void *world, uint32_t number)
{
	struct served *served = world;

	(void)number;
	served->n_adopted++;
}

static int
config_read(void *world, uint32_t number, unsigned offset, unsigned size, uint32_t *ret_value)
{
	struct served *served = world;
	const struct pciback_host *host = &served->fixture.host;

	(void)number;
	return host->operations->config_read(host->world, served->fixture.settings.handle, offset, size, ret_value);
}

static int
config_write(void *world, uint32_t number, unsigned offset, unsigned size, uint32_t value)
{
	struct served *served = world;
	const struct pciback_host *host = &served->fixture.host;

	(void)number;
	return host->operations->config_write(host->world, served->fixture.settings.handle, offset, size, value);
}

static void
notify(void *world)
{
	struct served *served = world;

	served->fixture.n_notified++;
}

static void
unmask(void *world)
{
	struct served *served = world;

	served->n_unmasked++;
}

static uint64_t
work(void *world)
{
	struct served *served = world;

	return served->work;
}

static int
send(void *world, const uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	struct served *served = world;
	struct pciback_message *place = &served->said[served->n_said++ % 64];

	if (served->send_error < 0)
		return served->send_error;
	return pciback_message_read(bytes, true, place);
}

static int
receive(void *world, uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	struct served *served = world;
	struct pciback_message *next = served->before.type != 0 ? &served->before : &served->answer;

	if (next->type == 0)
		return -ECONNRESET;
	pciback_message_write(next, bytes);
	if (next == &served->before)
		served->before.type = (enum pciback_message_type)0;
	return 0;
}

void
served_tell(struct served *served, const struct pciback_message *message)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	pciback_message_write(message, bytes);
	pciback_server_take(&served->server, bytes, served->fixture.now);
}

struct pciback_message
served_give(struct served *served, uint32_t number)
{
	struct pciback_message message = { .type = PCIBACK_MESSAGE_GIVE, .number = number,
		.settings = served->fixture.settings };

	pciback_device_save(&served->fixture.device, &message.state);
	return message;
}

void
served_init(struct served *served, bool is_given)
{
	const struct pciback_message started = { .type = PCIBACK_MESSAGE_START, .domain = 7, .n_polls = 1,
		.has_power = true };

	memset(served, 0, sizeof(*served));
	fixture_init_card(&served->fixture);
	served->fixture.now = 1000;
	served->operations = (struct pciback_server_operations){
		.start = start,
		.adopt = adopt,
		.config_read = config_read,
		.config_write = config_write,
		.notify = notify,
		.unmask = unmask,
		.work = work,
		.send = send,
		.receive = receive,
	};
	served->answer.type = PCIBACK_MESSAGE_ANSWER;
	pciback_server_init(&served->server, &served->operations, served, served->fixture.now);
	served_tell(served, &started);
	if (is_given) {
		struct pciback_message give = served_give(served, 0);

		served_tell(served, &give);
	}
	(void)pciback_server_run(&served->server, served->fixture.now);
}

int32_t
served_request(struct served *served, uint32_t command, int32_t offset, int32_t size, uint32_t value)
{
	struct pciback_page *page = &served->fixture.page;

	atomic_store(&page->request.command, command);
	atomic_store(&page->request.offset, offset);
	atomic_store(&page->request.size, size);
	atomic_store(&page->request.value, value);
	atomic_store(&page->request.error, 99);
	atomic_fetch_or(&page->flags, (uint32_t)PCIBACK_FLAG_REQUEST);
	pciback_server_event(&served->server);
	(void)pciback_server_run(&served->server, ++served->fixture.now);
	return atomic_load(&page->request.error);
}

const struct pciback_message *
served_said(const struct served *served)
{
	static const struct pciback_message nothing;

	return served->n_said == 0 ? &nothing : &served->said[(served->n_said - 1) % 64];
}
