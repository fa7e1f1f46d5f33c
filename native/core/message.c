/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/message.h>

#include <errno.h>
#include <string.h>

#include "policy/raw.h"
#include "walk.h"

/* 0 or a negative errno value, as its positive one. */
static void
result(struct pciback_walk *walk, int32_t *value)
{
	*value = -(int32_t)pciback_walk_number(walk, 2, (uint64_t)-(int64_t)*value, 0, 4095);
}

static void
vectors(struct pciback_walk *walk, struct pciback_message *message)
{
	pciback_walk_word(walk, &message->n_vectors, 0, PCIBACK_VECTORS_MAX);
	for (uint32_t i = 0; i < message->n_vectors; i++) {
		pciback_walk_half(walk, &message->vectors[i].vector);
		pciback_walk_half(walk, &message->vectors[i].entry);
	}
}

static void
ask(struct pciback_walk *walk, struct pciback_message *message)
{
	message->ask = (enum pciback_ask)pciback_walk_number(walk, 1, (uint64_t)message->ask, PCIBACK_ASK_MSI_ENABLE,
	    PCIBACK_ASK_WRITE);
	if (message->ask == PCIBACK_ASK_READ || message->ask == PCIBACK_ASK_WRITE) {
		pciback_walk_word(walk, &message->offset, 0, PCIBACK_CONFIG_EXPRESS - 1);
		pciback_walk_word(walk, &message->size, 1, 4);
		walk->failed = walk->failed || !pciback_is_access(message->offset, message->size);
	}
	if (message->ask == PCIBACK_ASK_POWER)
		pciback_walk_word(walk, &message->value, 0, 3);
	else if (message->ask == PCIBACK_ASK_WRITE)
		pciback_walk_word(walk, &message->value, 0, walk->failed ? 0 : pciback_size_mask(message->size));
	else if (message->ask == PCIBACK_ASK_MSIX_ENABLE)
		vectors(walk, message);
}

/* A line ends with its only NUL, and zeros are behind it, which the rest of the message is as well. */
static void
line(struct pciback_walk *walk, struct pciback_message *message)
{
	uint8_t length = (uint8_t)strlen(message->line);

	message->level = (enum pciback_log_level)pciback_walk_number(walk, 1, (uint64_t)message->level, 0, PCIBACK_LOG_ERROR);
	pciback_walk_byte(walk, &length, PCIBACK_LOG_LINE - 1);
	for (uint8_t i = 0; i < length; i++)
		message->line[i] = (char)pciback_walk_number(walk, 1, (uint8_t)message->line[i], ' ', '~');
}

/* What a type has, in its order. */
static void
content(struct pciback_walk *walk, struct pciback_message *message)
{
	switch (message->type) {
	case PCIBACK_MESSAGE_START:
		pciback_walk_half(walk, &message->domain);
		message->topology = (enum pciback_topology_kind)pciback_walk_number(walk, 1, (uint64_t)message->topology, 0,
		    PCIBACK_TOPOLOGY_REAL);
		pciback_walk_word(walk, &message->reference, 0, UINT32_MAX);
		pciback_walk_word(walk, &message->port, 0, UINT32_MAX);
		pciback_walk_word(walk, &message->n_polls, 0, UINT32_MAX);
		pciback_walk_word(walk, &message->n_devices, 0, PCIBACK_ENTRIES_MAX);
		pciback_walk_flag(walk, &message->has_power);
		break;
	case PCIBACK_MESSAGE_GIVE:
		pciback_walk_word(walk, &message->number, 0, PCIBACK_ENTRIES_MAX - 1);
		pciback_walk_address(walk, &message->place);
		pciback_walk_settings(walk, &message->settings);
		pciback_walk_state(walk, &message->state);
		break;
	case PCIBACK_MESSAGE_ANSWER:
		result(walk, &message->result);
		pciback_walk_word(walk, &message->value, 0, UINT32_MAX);
		vectors(walk, message);
		break;
	case PCIBACK_MESSAGE_REPORT:
		pciback_walk_word(walk, &message->command, PCIBACK_AER_DETECTED, PCIBACK_AER_SLOT_RESET);
		message->error = (int32_t)(uint32_t)pciback_walk_number(walk, 4, (uint32_t)message->error, 0, UINT32_MAX);
		pciback_walk_address(walk, &message->place);
		break;
	case PCIBACK_MESSAGE_STARTED:
		message->step = (enum pciback_start_step)pciback_walk_number(walk, 1, (uint64_t)message->step, 0,
		    PCIBACK_START_CONFINE);
		result(walk, &message->result);
		pciback_walk_flag(walk, &message->handles_errors);
		walk->failed = walk->failed || (message->step == PCIBACK_START_DONE) != (message->result == 0);
		break;
	case PCIBACK_MESSAGE_GIVEN:
		pciback_walk_word(walk, &message->number, 0, PCIBACK_ENTRIES_MAX - 1);
		result(walk, &message->result);
		break;
	case PCIBACK_MESSAGE_ASK:
		pciback_walk_word(walk, &message->number, 0, PCIBACK_ENTRIES_MAX - 1);
		ask(walk, message);
		break;
	case PCIBACK_MESSAGE_LOG:
		line(walk, message);
		break;
	case PCIBACK_MESSAGE_COUNTS:
		pciback_walk_wide(walk, &message->n_requests);
		pciback_walk_wide(walk, &message->n_refused);
		pciback_walk_flag(walk, &message->handles_errors);
		break;
	case PCIBACK_MESSAGE_REPORTED:
		result(walk, &message->result);
		pciback_walk_word(walk, &message->recovery, 0, PCIBACK_RECOVERY_DONE);
		walk->failed = walk->failed || (message->result == 0) != (message->recovery != 0);
		break;
	case PCIBACK_MESSAGE_STATE:
		pciback_walk_word(walk, &message->number, 0, PCIBACK_ENTRIES_MAX - 1);
		pciback_walk_state(walk, &message->state);
		break;
	case PCIBACK_MESSAGE_CANCEL:
	case PCIBACK_MESSAGE_STOP:
	case PCIBACK_MESSAGE_ENDED:
		break;
	}
}

/* The longest one, ANSWER or ASK, with all its vectors. */
_Static_assert(1 + 4 + 1 + 4 + 4 * PCIBACK_VECTORS_MAX <= PCIBACK_MESSAGE_SIZE, "each message fits");
_Static_assert(1 + 2 + PCIBACK_LOG_LINE <= PCIBACK_MESSAGE_SIZE, "a line fits");

void
pciback_message_write(const struct pciback_message *message, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE])
{
	struct pciback_message copy = *message;
	struct pciback_walk walk = { .to = ret_bytes };

	memset(ret_bytes, 0, PCIBACK_MESSAGE_SIZE);
	(void)pciback_walk_number(&walk, 1, (uint64_t)message->type, 0, UINT8_MAX);
	content(&walk, &copy);
}

static bool
is_sent(uint64_t type, bool from_child)
{
	return from_child ? type >= PCIBACK_MESSAGE_STARTED && type <= PCIBACK_MESSAGE_ENDED :
	    type >= PCIBACK_MESSAGE_START && type <= PCIBACK_MESSAGE_STOP;
}

int
pciback_message_read(const uint8_t bytes[PCIBACK_MESSAGE_SIZE], bool from_child,
    struct pciback_message *ret_message)
{
	struct pciback_walk walk = { .from = bytes };
	struct pciback_message message = { .number = 0 };
	uint64_t type = pciback_walk_number(&walk, 1, 0, 0, UINT8_MAX);

	if (!is_sent(type, from_child))
		return -EBADMSG;
	message.type = (enum pciback_message_type)type;
	content(&walk, &message);
	for (size_t i = walk.position; i < PCIBACK_MESSAGE_SIZE; i++)
		walk.failed = walk.failed || bytes[i] != 0;
	if (walk.failed)
		return -EBADMSG;
	*ret_message = message;
	return 0;
}
