/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "child.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "child_answer.h"

/* Messages that may come before the one that is waited for, and that are taken in one turn. */
#define MESSAGES_AT_ONCE 64

static size_t
number_of(const struct pciback_guest *guest)
{
	return (size_t)(guest - guest->backend->guests);
}

/* Its end, by whomever: nothing is with it any more. */
static void
end(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;

	if (guest->child.is_running)
		backend->children.operations->end(backend->children.world, number_of(guest));
	guest->child.is_running = guest->child.is_ready = false;
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].guest == guest)
			backend->slots[i].is_served = false;
}

/* It is ended; its guest is released as soon as somebody looks at it. */
static void
lose(struct pciback_guest *guest, const char *why)
{
	if (!guest->child.is_running)
		return;
	end(guest);
	guest->child.is_lost = true;
	guest->look_life = true;
	pciback_backend_log(guest->backend, PCIBACK_LOG_ERROR, guest->domain,
	    "the process that serves its page %s; it is ended, and the guest released", why);
}

static int
send(struct pciback_guest *guest, const struct pciback_message *message, void *device)
{
	struct pciback_children *children = &guest->backend->children;
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	pciback_message_write(message, bytes);
	if (guest->child.is_running &&
	    children->operations->send(children->world, number_of(guest), bytes, device) < 0)
		lose(guest, "takes no message");
	return guest->child.is_running ? 0 : -EPIPE;
}

/* ---- What it says --------------------------------------------------------------------------- */

static struct pciback_slot *
find_served(const struct pciback_guest *guest, uint32_t number)
{
	struct pciback_backend *backend = guest->backend;

	for (size_t i = 0; i < backend->n_slots; i++) {
		struct pciback_slot *slot = &backend->slots[i];

		if (slot->guest == guest && slot->is_served && slot->number == number)
			return slot;
	}
	return NULL;
}

static void
answer(struct pciback_guest *guest, const struct pciback_message *message)
{
	struct pciback_slot *slot = find_served(guest, message->number);
	struct pciback_message reply;

	if (slot == NULL) {
		lose(guest, "asks for a device that it does not have");
		return;
	}
	pciback_child_answer(slot, message, &reply);
	(void)send(guest, &reply, NULL);
}

/* A line of its log says of which guest it is, as all of them do. */
static void
log_said(struct pciback_guest *guest, const struct pciback_message *message)
{
	char prefix[32];
	int n = snprintf(prefix, sizeof(prefix), "domain %u: ", (unsigned)guest->domain);

	if (strncmp(message->line, prefix, (size_t)n) != 0)
		lose(guest, "speaks of another guest");
	else
		pciback_log_write(&guest->log, message->level, "%s", message->line + n);
}

/* Of a report that is out. */
static void
note_reported(struct pciback_guest *guest, const struct pciback_message *message)
{
	/* One that was given up meanwhile may still be answered. */
	guest->child.has_reported = guest->report.is_out;
	guest->child.recovery = message->result == 0 ? (enum pciback_recovery)message->recovery :
	    PCIBACK_RECOVERY_DISCONNECT;
}

static void
take(struct pciback_guest *guest, const struct pciback_message *message)
{
	switch (message->type) {
	case PCIBACK_MESSAGE_ASK:
		answer(guest, message);
		break;
	case PCIBACK_MESSAGE_LOG:
		log_said(guest, message);
		break;
	case PCIBACK_MESSAGE_COUNTS:
		guest->child.n_requests = message->n_requests;
		guest->child.n_refused = message->n_refused;
		guest->child.handles_errors = guest->child.handles_errors || message->handles_errors;
		guest->handles_all_states = guest->handles_all_states || message->handles_errors;
		break;
	case PCIBACK_MESSAGE_REPORTED:
		note_reported(guest, message);
		break;
	default:
		lose(guest, "says what nobody has asked");
		break;
	}
}

/* Takes the next message, after waiting for it; false if there is none, or the child is lost. */
static bool
receive(struct pciback_guest *guest, unsigned wait, struct pciback_message *ret_message)
{
	struct pciback_children *children = &guest->backend->children;
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];
	int r;

	if (!guest->child.is_running)
		return false;
	r = children->operations->receive(children->world, number_of(guest), bytes, wait);
	if (r < 0)
		lose(guest, "has ended");
	else if (r > 0 && pciback_message_read(bytes, true, ret_message) < 0)
		lose(guest, "says what no such process says");
	return r > 0 && guest->child.is_running;
}

/* Waits for an answer; what else it says before, is heard. */
static int
expect(struct pciback_guest *guest, enum pciback_message_type type, uint32_t number,
    struct pciback_message *ret_message)
{
	for (unsigned i = 0; i < MESSAGES_AT_ONCE * 2 && guest->child.is_running; i++) {
		if (!receive(guest, PCIBACK_WAIT_CHILD, ret_message))
			break;
		if (ret_message->type == type && ret_message->number == number)
			return 0;
		take(guest, ret_message);
	}
	lose(guest, "does not answer");
	return -EPIPE;
}

/* ---- Its life ------------------------------------------------------------------------------- */

static uint32_t
free_number(const struct pciback_guest *guest)
{
	uint32_t number = 0;

	while (number < PCIBACK_ENTRIES_MAX && find_served(guest, number) != NULL)
		number++;
	return number;
}

int
pciback_child_give(struct pciback_slot *slot)
{
	struct pciback_guest *guest = slot->guest;
	struct pciback_message message = { .type = PCIBACK_MESSAGE_GIVE, .place = slot->place,
		.settings = slot->device.settings, .state = slot->state };
	int r;

	if (!guest->child.is_running)
		return 0;
	message.number = free_number(guest);
	if (message.number == PCIBACK_ENTRIES_MAX)
		return -ENOSPC;
	r = send(guest, &message, slot->settings.handle);
	if (r < 0)
		return r;
	/* From here on the child may have it. */
	slot->number = message.number;
	slot->is_served = true;
	r = expect(guest, PCIBACK_MESSAGE_GIVEN, slot->number, &message);
	return r < 0 ? r : message.result;
}

/* What it is given at its start. */
static uint32_t
count_placed(const struct pciback_guest *guest)
{
	const struct pciback_backend *backend = guest->backend;
	uint32_t n = 0;

	for (size_t i = 0; i < backend->n_slots; i++)
		n += backend->slots[i].guest == guest && backend->slots[i].is_placed;
	return n;
}

int
pciback_child_start(struct pciback_guest *guest, uint32_t reference, uint32_t port,
    enum pciback_start_step *ret_step)
{
	struct pciback_backend *backend = guest->backend;
	struct pciback_children *children = &backend->children;
	struct pciback_message message = {
		.type = PCIBACK_MESSAGE_START,
		.domain = guest->domain,
		.topology = backend->topology,
		.reference = reference,
		.port = port,
		.n_polls = backend->xen.n_polls,
		.n_devices = count_placed(guest),
		.has_power = backend->operations.power_set != NULL,
	};
	int r = children->operations->start(children->world, number_of(guest));

	*ret_step = PCIBACK_START_CONFINE;
	if (r < 0)
		return r;
	guest->child = (struct pciback_child){ .is_running = true, .checked = backend->now };
	pciback_limit_init(&guest->child.limit, PCIBACK_MESSAGES_PER_SECOND, PCIBACK_MESSAGES_BURST, backend->now);
	r = send(guest, &message, NULL);
	if (r == 0)
		r = expect(guest, PCIBACK_MESSAGE_STARTED, 0, &message);
	if (r == 0) {
		*ret_step = message.step;
		r = message.result;
		guest->child.handles_errors = message.handles_errors;
	}
	for (size_t i = 0; r == 0 && i < backend->n_slots; i++)
		if (backend->slots[i].guest == guest && backend->slots[i].is_placed)
			r = pciback_child_give(&backend->slots[i]);
	if (r < 0)
		end(guest);
	/* There is nothing to be released yet. */
	guest->child.is_lost = false;
	return r;
}

/* What it says of a device: of interrupts that were asked for, this process knows. */
static void
keep_state(struct pciback_guest *guest, const struct pciback_message *message)
{
	struct pciback_slot *slot = find_served(guest, message->number);
	uint16_t kept;

	if (slot == NULL) {
		lose(guest, "speaks of a device that it does not have");
		return;
	}
	kept = slot->state.kept;
	slot->state = message->state;
	slot->state.kept = kept;
	if (!slot->state.interrupt_by_registers || slot->device.interrupt != PCIBACK_INTX) {
		slot->state.interrupt = slot->device.interrupt;
		slot->state.interrupt_by_registers = false;
	}
}

void
pciback_child_stop(struct pciback_guest *guest)
{
	struct pciback_message message = { .type = PCIBACK_MESSAGE_STOP };

	if (!guest->child.is_running)
		return;
	(void)send(guest, &message, NULL);
	for (unsigned i = 0; i < MESSAGES_AT_ONCE * 3 && receive(guest, PCIBACK_WAIT_CHILD, &message); i++) {
		if (message.type == PCIBACK_MESSAGE_ENDED) {
			end(guest);
			return;
		}
		if (message.type == PCIBACK_MESSAGE_STATE)
			keep_state(guest, &message);
		else
			take(guest, &message);
	}
	lose(guest, "does not end");
}

/* An honest one leaves three quarters of a processor to dom0, as is said at PCIBACK_WORK_PER_SECOND. */
static void
check_use(struct pciback_guest *guest)
{
	struct pciback_children *children = &guest->backend->children;
	struct pciback_child *child = &guest->child;
	uint64_t now = guest->backend->now, passed = now - child->checked, work;

	if (!child->is_running || children->operations->work == NULL || passed < PCIBACK_WAIT_USE)
		return;
	work = children->operations->work(children->world, number_of(guest));
	if (work > child->work && work - child->work > passed * 1000 / 4 * 3)
		lose(guest, "uses a processor for itself");
	child->checked = now;
	child->work = work;
}

void
pciback_child_run(struct pciback_guest *guest)
{
	struct pciback_child *child = &guest->child;
	bool is_polled = guest->backend->children.operations->wait != NULL;
	struct pciback_message message;

	check_use(guest);
	if (!child->is_running || (!child->is_ready && !is_polled) || guest->backend->now < child->retry)
		return;
	for (unsigned i = 0; i < MESSAGES_AT_ONCE; i++) {
		if (!receive(guest, 0, &message)) {
			child->is_ready = false;
			return;
		}
		take(guest, &message);
		if (!pciback_limit_take(&child->limit, guest->backend->now)) {
			child->retry = guest->backend->now + PCIBACK_WAIT_MESSAGES;
			return;
		}
	}
}

/* ---- Error reports -------------------------------------------------------------------------- */

int
pciback_child_report(struct pciback_guest *guest, enum pciback_command command, int32_t error,
    const struct pciback_address *place)
{
	const struct pciback_message message = { .type = PCIBACK_MESSAGE_REPORT, .command = (uint32_t)command,
		.error = error, .place = *place };

	if (!guest->child.handles_errors)
		return -ENOTSUP;
	guest->child.has_reported = false;
	return send(guest, &message, NULL);
}

void
pciback_child_cancel_report(struct pciback_guest *guest)
{
	const struct pciback_message message = { .type = PCIBACK_MESSAGE_CANCEL };

	(void)send(guest, &message, NULL);
}
