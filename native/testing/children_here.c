/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "children_here.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/config_proxy.h>
#include <pciback/policy.h>
#include <pciback/server.h>

#include "../core/guest/child.h"

#define QUEUE_MAX	160	/* messages */

struct queue {
	size_t first, n;
	uint8_t messages[QUEUE_MAX][PCIBACK_MESSAGE_SIZE];
};

struct child {
	struct pciback_backend *backend;
	size_t number;
	bool is_used, is_busy;		/* busy: its server is on the stack */
	struct pciback_server server;
	struct queue to_child, to_parent;
	bool is_proxied;		/* it has no devices: the proxy has */
	struct pciback_config_proxy proxy;
	struct pciback_page *page;
	uint32_t port;
	bool is_bound;
	void *arrived;			/* a device with the message that was taken last */
	void *arriving[QUEUE_MAX];	/* beside the queue */
	void *devices[PCIBACK_ENTRIES_MAX];
	enum capture capture;
	uint32_t random;
};

struct children {
	struct pciback_backend *backend;
	size_t n;
	struct child *list;
};

static bool
push(struct queue *queue, const uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	if (queue->n == QUEUE_MAX)
		return false;
	memcpy(queue->messages[(queue->first + queue->n++) % QUEUE_MAX], bytes, PCIBACK_MESSAGE_SIZE);
	return true;
}

static bool
pop(struct queue *queue, uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	if (queue->n == 0)
		return false;
	memcpy(bytes, queue->messages[queue->first], PCIBACK_MESSAGE_SIZE);
	queue->first = (queue->first + 1) % QUEUE_MAX;
	queue->n--;
	return true;
}

static bool
take(struct child *child, uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	child->arrived = child->arriving[child->to_child.first];
	return pop(&child->to_child, bytes);
}

/* ---- The child's side ----------------------------------------------------------------------- */

static int
server_start(void *world, const struct pciback_message *start, struct pciback_page **ret_page,
    enum pciback_start_step *ret_step)
{
	struct child *child = world;
	const struct pciback_xen *xen = &child->backend->xen;
	int r = xen->operations->page_map(xen->world, start->domain, start->reference, &child->page);

	*ret_step = PCIBACK_START_PAGE;
	if (r < 0)
		return r;
	*ret_step = PCIBACK_START_EVENT;
	r = xen->operations->event_bind(xen->world, start->domain, start->port, &child->port);
	if (r < 0)
		return r;
	child->is_bound = true;
	*ret_page = child->page;
	*ret_step = PCIBACK_START_DONE;
	return 0;
}

static void
server_adopt(void *world, uint32_t number)
{
	struct child *child = world;

	child->devices[number] = child->arrived;
}

/* As a real one asks its proxy. */
static int
ask_proxy(struct child *child, const struct pciback_message *question, uint32_t *ret_value)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE], answer_bytes[PCIBACK_MESSAGE_SIZE];
	struct pciback_message answer;

	pciback_message_write(question, bytes);
	if (pciback_config_proxy_answer(&child->proxy, bytes, answer_bytes) < 0 ||
	    pciback_message_read(answer_bytes, false, &answer) < 0)
		return -EPIPE;
	*ret_value = answer.value;
	return answer.result;
}

static int
server_read(void *world, uint32_t number, unsigned offset, unsigned size, uint32_t *ret_value)
{
	struct child *child = world;
	const struct pciback_hardware *hardware = &child->backend->hardware;
	const struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_READ, .number = number,
		.offset = offset, .size = size };

	if (child->is_proxied)
		return ask_proxy(child, &question, ret_value);
	return hardware->operations->config_read(hardware->world, child->devices[number], offset, size, ret_value);
}

static int
server_write(void *world, uint32_t number, unsigned offset, unsigned size, uint32_t value)
{
	struct child *child = world;
	const struct pciback_hardware *hardware = &child->backend->hardware;
	const struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_WRITE, .number = number,
		.offset = offset, .size = size, .value = value };
	uint32_t nothing;

	if (child->is_proxied)
		return ask_proxy(child, &question, &nothing);
	/* As the filter of a real one has it. */
	if (!pciback_policy_may_write(offset, size))
		return -EPERM;
	return hardware->operations->config_write(hardware->world, child->devices[number], offset, size, value);
}

static void
server_notify(void *world)
{
	const struct child *child = world;
	const struct pciback_xen *xen = &child->backend->xen;

	(void)xen->operations->event_notify(xen->world, child->port);
}

static void
server_unmask(void *world)
{
	const struct child *child = world;
	const struct pciback_xen *xen = &child->backend->xen;

	(void)xen->operations->event_unmask(xen->world, child->port);
}

static int
server_send(void *world, const uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	struct child *child = world;

	return push(&child->to_parent, bytes) ? 0 : -EPIPE;
}

/* The parent has its turn meanwhile, however much was said before. */
static int
server_receive(void *world, uint8_t bytes[PCIBACK_MESSAGE_SIZE])
{
	struct child *child = world;
	struct pciback_guest *guest = &child->backend->guests[child->number];

	if (child->is_used && child->to_child.n == 0) {
		guest->child.retry = 0;
		pciback_limit_init(&guest->child.limit, 1000, 1000, child->backend->now);
		pciback_child_run(guest);
	}
	return child->is_used && take(child, bytes) ? 0 : -EPIPE;
}

static const struct pciback_server_operations server_operations = {
	.start = server_start,
	.adopt = server_adopt,
	.config_read = server_read,
	.config_write = server_write,
	.notify = server_notify,
	.unmask = server_unmask,
	.send = server_send,
	.receive = server_receive,
};

/* ---- Captured ones -------------------------------------------------------------------------- */

static uint32_t
any(struct child *child)
{
	child->random = child->random * UINT32_C(1664525) + UINT32_C(1013904223);
	return child->random >> 8;
}

static void
say_anything(struct child *child)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];
	struct pciback_message message = {
		.type = (enum pciback_message_type)(PCIBACK_MESSAGE_STARTED + any(child) % 8),
		.number = any(child) % (any(child) % 4 == 0 ? PCIBACK_ENTRIES_MAX : 2),
	};

	switch (message.type) {
	case PCIBACK_MESSAGE_ASK:
		message.ask = (enum pciback_ask)(PCIBACK_ASK_MSI_ENABLE + any(child) % 7);
		message.size = 4;
		message.offset = any(child) % 1024 * 4;
		message.value = any(child) % 4;
		message.n_vectors = message.ask == PCIBACK_ASK_MSIX_ENABLE ? any(child) % 4 : 0;
		for (uint32_t i = 0; i < message.n_vectors; i++)
			message.vectors[i].entry = (uint16_t)(any(child) % 8);
		break;
	case PCIBACK_MESSAGE_LOG:
		memcpy(message.line, "domain 1: anything", 18);
		break;
	case PCIBACK_MESSAGE_REPORTED:
		message.recovery = 1 + any(child) % 5;
		break;
	case PCIBACK_MESSAGE_STATE:
		message.state.command = (uint16_t)any(child);
		message.state.interrupt = (enum pciback_interrupt)(any(child) % 3);
		message.state.interrupt_by_registers = any(child) % 2 != 0;
		break;
	default:
		break;
	}
	pciback_message_write(&message, bytes);
	if (child->capture == CAPTURE_GARBAGE)
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)any(child);
	(void)push(&child->to_parent, bytes);
}

/* All that its filter lets through, or that it can ask its proxy for. */
static void
write_anything(struct child *child)
{

	for (uint32_t i = 0; i < PCIBACK_ENTRIES_MAX; i++) {
		if (!child->server.devices[i].is_given || any(child) % 2 != 0)
			continue;
		for (unsigned offset = 0; offset < PCIBACK_CONFIG_PCI + 16; offset += 4)
			(void)server_write(child, i, offset, 4, any(child));
		for (unsigned offset = 0; child->is_proxied && offset < PCIBACK_CONFIG_PCI; offset++) {
			(void)server_write(child, i, offset, 1, any(child) & 0xff);
			if (offset % 2 == 0)
				(void)server_write(child, i, offset, 2, any(child) & 0xffff);
		}
	}
}

/* What it does instead of serving, and whether that is all. */
static bool
misbehave(struct child *child)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	switch (child->capture) {
	case CAPTURE_GARBAGE:
	case CAPTURE_LIES:
		while (child->capture == CAPTURE_LIES && take(child, bytes))
			continue;
		say_anything(child);
		return true;
	case CAPTURE_SILENCE:
	case CAPTURE_DEATH:
		return true;
	case CAPTURE_DEVICES:
		write_anything(child);
		return false;
	case CAPTURE_NONE:
	case CAPTURES:
		break;
	}
	return false;
}

/* ---- The parent's side ---------------------------------------------------------------------- */

/* What is left of one that was ended while its server was on the stack. */
static void
let_go(struct child *child)
{
	const struct pciback_xen *xen = &child->backend->xen;

	if (child->is_bound)
		(void)xen->operations->event_unbind(xen->world, child->port);
	if (child->page != NULL)
		(void)xen->operations->page_unmap(xen->world, child->page);
	child->is_bound = false;
	child->page = NULL;
}

static struct child *
find(void *world, size_t number)
{
	const struct children *children = world;

	return &children->list[number];
}

static int
start(void *world, size_t number)
{
	struct child *child = find(world, number);

	let_go(child);
	child->is_used = true;
	child->to_child.n = child->to_parent.n = 0;
	child->capture = CAPTURE_NONE;
	/* Every other one, so that both ways are gone. */
	child->is_proxied = number % 2 != 0;
	pciback_config_proxy_init(&child->proxy, child->backend->hardware.operations, child->backend->hardware.world);
	pciback_server_init(&child->server, &server_operations, child, child->backend->now);
	return 0;
}

static int
send(void *world, size_t number, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], void *device)
{
	struct child *child = find(world, number);
	size_t place = (child->to_child.first + child->to_child.n) % QUEUE_MAX;

	if (device != NULL && child->is_proxied)
		(void)pciback_config_proxy_give(&child->proxy, bytes, device);
	if (!push(&child->to_child, bytes))
		return -EAGAIN;
	child->arriving[place] = device;
	return 0;
}

/* It does all that it can before it is heard. */
static void
run(struct child *child)
{
	uint64_t now = child->backend->now;
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	child->is_busy = true;
	if (!misbehave(child)) {
		do {
			while (take(child, bytes))
				pciback_server_take(&child->server, bytes, now);
		} while (child->is_used && pciback_server_run(&child->server, now) == 0 && child->server.ended == 0);
	}
	child->is_busy = false;
	if (!child->is_used)
		let_go(child);
}

static int
receive(void *world, size_t number, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE], unsigned wait)
{
	struct child *child = find(world, number);

	(void)wait;
	if (child->to_parent.n == 0 && !child->is_busy)
		run(child);
	if (child->capture == CAPTURE_DEATH)
		return -ECONNRESET;
	if (pop(&child->to_parent, ret_bytes))
		return 1;
	return child->server.ended != 0 ? -ECONNRESET : 0;
}

static void
end(void *world, size_t number)
{
	struct child *child = find(world, number);

	child->is_used = false;
	if (!child->is_busy)
		let_go(child);
}

static int
event(void *world, uint32_t port)
{
	const struct children *children = world;

	for (size_t i = 0; i < children->n; i++) {
		struct child *child = &children->list[i];

		if (child->is_used && child->is_bound && child->port == port) {
			pciback_server_event(&child->server);
			return (int)i;
		}
	}
	return -1;
}

static int
wait(void *world, size_t number)
{
	struct child *child = find(world, number);
	const struct pciback_server *server = &child->server;
	uint64_t now = child->backend->now;

	if (child->capture == CAPTURE_SILENCE)
		return -1;
	if (child->capture != CAPTURE_NONE && child->capture != CAPTURE_DEVICES)
		return 0;
	if (child->to_child.n > 0 || child->to_parent.n > 0 || server->serving.is_pending || server->ended != 0)
		return 0;
	if (server->serving.retry != 0)
		return server->serving.retry > now ? (int)(server->serving.retry - now) : 0;
	if (server->page != NULL && server->n_told != server->channel.n_requests)
		return server->counts_at > now ? (int)(server->counts_at - now) : 0;
	return -1;
}

static const struct pciback_child_operations operations = {
	.start = start,
	.send = send,
	.receive = receive,
	.end = end,
	.event = event,
	.wait = wait,
};

int
children_here_open(struct pciback_children *ret_children, struct pciback_backend *backend, size_t n_guests)
{
	struct children *children = calloc(1, sizeof(*children));

	if (children == NULL)
		return -ENOMEM;
	children->list = calloc(n_guests, sizeof(*children->list));
	if (children->list == NULL) {
		free(children);
		return -ENOMEM;
	}
	children->backend = backend;
	children->n = n_guests;
	for (size_t i = 0; i < n_guests; i++) {
		children->list[i].random = 1;
		children->list[i].backend = backend;
		children->list[i].number = i;
	}
	*ret_children = (struct pciback_children){ .operations = &operations, .world = children };
	return 0;
}

void
children_here_close(struct pciback_children *children)
{
	struct children *all = children->world;

	free(all->list);
	free(all);
}

void
children_here_capture(const struct pciback_children *children, uint16_t domain, enum capture capture, uint32_t seed)
{
	struct children *all = children->world;

	for (size_t i = 0; i < all->n; i++) {
		if (!all->list[i].is_used || all->backend->guests[i].domain != domain)
			continue;
		all->list[i].capture = capture;
		all->list[i].random = seed;
		pciback_backend_child(all->backend, i);
	}
}
