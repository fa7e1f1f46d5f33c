/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "server_asks.h"

#include <errno.h>
#include <string.h>

void
pciback_server_end(struct pciback_server *server, int why)
{
	if (server->ended == 0)
		server->ended = why;
}

void
pciback_server_tell(struct pciback_server *server, const struct pciback_message *message)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	pciback_message_write(message, bytes);
	if (server->ended == 0 && server->operations->send(server->world, bytes) < 0)
		pciback_server_end(server, -EPIPE);
}

/* ---- What only the parent can do ------------------------------------------------------------ */

/* Waits for the parent's answer; what else it says meanwhile is taken later. */
static int
ask(struct pciback_server *server, const struct pciback_message *question, struct pciback_message *ret_answer)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	pciback_server_tell(server, question);
	while (server->ended == 0) {
		if (server->operations->receive(server->world, bytes) < 0 ||
		    pciback_message_read(bytes, false, ret_answer) < 0)
			pciback_server_end(server, -EPIPE);
		else if (ret_answer->type == PCIBACK_MESSAGE_ANSWER)
			return ret_answer->result;
		else if (server->n_later == PCIBACK_SERVER_LATER)
			pciback_server_end(server, -EPROTO);
		else
			server->later[server->n_later++] = *ret_answer;
	}
	return -EPIPE;
}

static int
ask_simply(const struct pciback_served *served, enum pciback_ask what, uint32_t value,
    struct pciback_message *ret_answer)
{
	const struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .number = served->number,
		.ask = what, .value = value };

	return ask(served->server, &question, ret_answer);
}

static int
msi_enable(void *world, void *handle, uint32_t *ret_pirq)
{
	struct pciback_message answer;
	int r = ask_simply(handle, PCIBACK_ASK_MSI_ENABLE, 0, &answer);

	(void)world;
	if (r == 0)
		*ret_pirq = answer.value;
	return r;
}

static int
msi_disable(void *world, void *handle)
{
	struct pciback_message answer;

	(void)world;
	return ask_simply(handle, PCIBACK_ASK_MSI_DISABLE, 0, &answer);
}

static int
msix_enable(void *world, void *handle, struct pciback_vector *vectors, size_t n)
{
	const struct pciback_served *served = handle;
	struct pciback_message message = { .type = PCIBACK_MESSAGE_ASK, .number = served->number,
		.ask = PCIBACK_ASK_MSIX_ENABLE, .n_vectors = (uint32_t)n };
	struct pciback_message answer;
	int r;

	(void)world;
	memcpy(message.vectors, vectors, n * sizeof(*vectors));
	r = ask(served->server, &message, &answer);
	if (r == 0 && answer.n_vectors != n)
		r = -EIO;
	for (size_t i = 0; r == 0 && i < n; i++)
		vectors[i].vector = answer.vectors[i].vector;
	return r;
}

static int
msix_disable(void *world, void *handle)
{
	struct pciback_message answer;

	(void)world;
	return ask_simply(handle, PCIBACK_ASK_MSIX_DISABLE, 0, &answer);
}

static int
power_set(void *world, void *handle, unsigned state)
{
	struct pciback_message answer;

	(void)world;
	return ask_simply(handle, PCIBACK_ASK_POWER, state, &answer);
}

/* ---- What a device's policy asks of this process -------------------------------------------- */

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	const struct pciback_served *served = handle;
	const struct pciback_server *server = served->server;

	(void)world;
	return server->operations->config_read(server->world, served->number, offset, size, ret_value);
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	const struct pciback_served *served = handle;
	const struct pciback_server *server = served->server;

	(void)world;
	return server->operations->config_write(server->world, served->number, offset, size, value);
}

static void
notify(void *world, void *handle)
{
	struct pciback_server *server = handle;

	(void)world;
	server->operations->notify(server->world);
}

static void
log_line(void *world, enum pciback_log_level level, const char *line)
{
	struct pciback_message message = { .type = PCIBACK_MESSAGE_LOG, .level = level };

	memcpy(message.line, line, strlen(line));
	pciback_server_tell(world, &message);
}

void
pciback_server_fill(struct pciback_operations *ret_operations)
{
	*ret_operations = (struct pciback_operations){
		.config_read = config_read,
		.config_write = config_write,
		.power_set = power_set,
		.msi_enable = msi_enable,
		.msi_disable = msi_disable,
		.msix_enable = msix_enable,
		.msix_disable = msix_disable,
		.notify = notify,
		.log = log_line,
	};
}
