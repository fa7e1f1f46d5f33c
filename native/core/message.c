/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/message.h>

#include <errno.h>
#include <string.h>

#include <pciback/policy.h>

#include "policy/raw.h"

/* The bytes of a message, which are written or read by the same functions, so that the two can't differ. */
struct walk {
	uint8_t *to;			/* NULL: it is read */
	const uint8_t *from;
	size_t position;
	bool failed;			/* a number is out of its range */
};

/* One number of some bytes, the lowest first; read, it is at least `first` and at most `last`. */
static uint64_t
number(struct walk *walk, unsigned bytes, uint64_t value, uint64_t first, uint64_t last)
{
	uint64_t read = 0;

	for (unsigned i = 0; i < bytes; i++) {
		if (walk->to != NULL)
			walk->to[walk->position] = (uint8_t)(value >> 8 * i);
		else
			read |= (uint64_t)walk->from[walk->position] << 8 * i;
		walk->position++;
	}
	if (walk->to != NULL)
		return value;
	if (read >= first && read <= last)
		return read;
	walk->failed = true;
	return first;
}

static void
byte(struct walk *walk, uint8_t *value, uint8_t last)
{
	*value = (uint8_t)number(walk, 1, *value, 0, last);
}

static void
flag(struct walk *walk, bool *value)
{
	*value = number(walk, 1, *value, 0, 1) != 0;
}

static void
half(struct walk *walk, uint16_t *value)
{
	*value = (uint16_t)number(walk, 2, *value, 0, UINT16_MAX);
}

static void
word(struct walk *walk, uint32_t *value, uint32_t first, uint32_t last)
{
	*value = (uint32_t)number(walk, 4, *value, first, last);
}

static void
wide(struct walk *walk, uint64_t *value)
{
	*value = number(walk, 8, *value, 0, UINT64_MAX);
}

/* 0 or a negative errno value, as its positive one. */
static void
result(struct walk *walk, int32_t *value)
{
	*value = -(int32_t)number(walk, 2, (uint64_t)-(int64_t)*value, 0, 4095);
}

static void
address(struct walk *walk, struct pciback_address *value)
{
	value->domain = (uint16_t)number(walk, 2, value->domain, 0, UINT16_MAX);
	value->bus = (uint8_t)number(walk, 1, value->bus, 0, UINT8_MAX);
	value->device = (uint8_t)number(walk, 1, value->device, 0, 31);
	value->function = (uint8_t)number(walk, 1, value->function, 0, 7);
}

static void
resource(struct walk *walk, struct pciback_resource *value)
{
	value->kind = (enum pciback_resource_kind)number(walk, 1, (uint64_t)value->kind, 0,
	    PCIBACK_RESOURCE_MEM64);
	flag(walk, &value->prefetchable);
	wide(walk, &value->address);
	wide(walk, &value->size);
}

static void
settings(struct walk *walk, struct pciback_device_settings *value)
{
	uint32_t unset_bars = value->unset_bars;
	bool has_quirks = value->quirks != NULL;

	address(walk, &value->address);
	half(walk, &value->vendor);
	half(walk, &value->device);
	half(walk, &value->config_size);
	flag(walk, &value->is_virtual_function);
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++)
		resource(walk, &value->bars[i]);
	resource(walk, &value->rom);
	word(walk, &unset_bars, 0, (1u << PCIBACK_RESOURCES) - 1);
	byte(walk, &value->interrupt_line, UINT8_MAX);
	word(walk, &value->pirq, 0, UINT32_MAX);
	flag(walk, &value->permissive);
	flag(walk, &value->interrupt_control);
	flag(walk, &has_quirks);
	if (walk->to != NULL)
		return;
	value->unset_bars = unset_bars;
	if (has_quirks)
		value->quirks = pciback_quirks(&value->n_quirks);
}

static void
state(struct walk *walk, struct pciback_device_state *value)
{
	value->interrupt = (enum pciback_interrupt)number(walk, 1, (uint64_t)value->interrupt, 0, PCIBACK_MSIX);
	flag(walk, &value->interrupt_by_registers);
	half(walk, &value->command);
	half(walk, &value->kept);
	byte(walk, &value->sized, (1u << (PCIBACK_RESOURCES + 1)) - 1);
}

static void
vectors(struct walk *walk, struct pciback_message *message)
{
	word(walk, &message->n_vectors, 0, PCIBACK_VECTORS_MAX);
	for (uint32_t i = 0; i < message->n_vectors; i++) {
		half(walk, &message->vectors[i].vector);
		half(walk, &message->vectors[i].entry);
	}
}

static void
ask(struct walk *walk, struct pciback_message *message)
{
	message->ask = (enum pciback_ask)number(walk, 1, (uint64_t)message->ask, PCIBACK_ASK_MSI_ENABLE,
	    PCIBACK_ASK_WRITE);
	if (message->ask == PCIBACK_ASK_READ || message->ask == PCIBACK_ASK_WRITE) {
		word(walk, &message->offset, 0, PCIBACK_CONFIG_EXPRESS - 1);
		word(walk, &message->size, 1, 4);
		walk->failed = walk->failed || !pciback_is_access(message->offset, message->size);
	}
	if (message->ask == PCIBACK_ASK_POWER)
		word(walk, &message->value, 0, 3);
	else if (message->ask == PCIBACK_ASK_WRITE)
		word(walk, &message->value, 0, walk->failed ? 0 : pciback_size_mask(message->size));
	else if (message->ask == PCIBACK_ASK_MSIX_ENABLE)
		vectors(walk, message);
}

/* A line ends with its only NUL, and zeros are behind it, which the rest of the message is as well. */
static void
line(struct walk *walk, struct pciback_message *message)
{
	uint8_t length = (uint8_t)strlen(message->line);

	message->level = (enum pciback_log_level)number(walk, 1, (uint64_t)message->level, 0, PCIBACK_LOG_ERROR);
	byte(walk, &length, PCIBACK_LOG_LINE - 1);
	for (uint8_t i = 0; i < length; i++)
		message->line[i] = (char)number(walk, 1, (uint8_t)message->line[i], ' ', '~');
}

/* What a type has, in its order. */
static void
content(struct walk *walk, struct pciback_message *message)
{
	switch (message->type) {
	case PCIBACK_MESSAGE_START:
		half(walk, &message->domain);
		message->topology = (enum pciback_topology_kind)number(walk, 1, (uint64_t)message->topology, 0,
		    PCIBACK_TOPOLOGY_REAL);
		word(walk, &message->reference, 0, UINT32_MAX);
		word(walk, &message->port, 0, UINT32_MAX);
		word(walk, &message->n_polls, 0, UINT32_MAX);
		flag(walk, &message->has_power);
		break;
	case PCIBACK_MESSAGE_GIVE:
		word(walk, &message->number, 0, PCIBACK_ENTRIES_MAX - 1);
		address(walk, &message->place);
		settings(walk, &message->settings);
		state(walk, &message->state);
		break;
	case PCIBACK_MESSAGE_ANSWER:
		result(walk, &message->result);
		word(walk, &message->value, 0, UINT32_MAX);
		vectors(walk, message);
		break;
	case PCIBACK_MESSAGE_REPORT:
		word(walk, &message->command, PCIBACK_AER_DETECTED, PCIBACK_AER_SLOT_RESET);
		message->error = (int32_t)(uint32_t)number(walk, 4, (uint32_t)message->error, 0, UINT32_MAX);
		address(walk, &message->place);
		break;
	case PCIBACK_MESSAGE_STARTED:
		message->step = (enum pciback_start_step)number(walk, 1, (uint64_t)message->step, 0,
		    PCIBACK_START_CONFINE);
		result(walk, &message->result);
		flag(walk, &message->handles_errors);
		walk->failed = walk->failed || (message->step == PCIBACK_START_DONE) != (message->result == 0);
		break;
	case PCIBACK_MESSAGE_GIVEN:
		word(walk, &message->number, 0, PCIBACK_ENTRIES_MAX - 1);
		result(walk, &message->result);
		break;
	case PCIBACK_MESSAGE_ASK:
		word(walk, &message->number, 0, PCIBACK_ENTRIES_MAX - 1);
		ask(walk, message);
		break;
	case PCIBACK_MESSAGE_LOG:
		line(walk, message);
		break;
	case PCIBACK_MESSAGE_COUNTS:
		wide(walk, &message->n_requests);
		wide(walk, &message->n_refused);
		flag(walk, &message->handles_errors);
		break;
	case PCIBACK_MESSAGE_REPORTED:
		result(walk, &message->result);
		word(walk, &message->recovery, 0, PCIBACK_RECOVERY_DONE);
		walk->failed = walk->failed || (message->result == 0) != (message->recovery != 0);
		break;
	case PCIBACK_MESSAGE_STATE:
		word(walk, &message->number, 0, PCIBACK_ENTRIES_MAX - 1);
		state(walk, &message->state);
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
	struct walk walk = { .to = ret_bytes };

	memset(ret_bytes, 0, PCIBACK_MESSAGE_SIZE);
	(void)number(&walk, 1, (uint64_t)message->type, 0, UINT8_MAX);
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
	struct walk walk = { .from = bytes };
	struct pciback_message message = { .number = 0 };
	uint64_t type = number(&walk, 1, 0, 0, UINT8_MAX);

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
