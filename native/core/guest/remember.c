/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "remember.h"

#include <errno.h>
#include <string.h>

static uint64_t
offset_of(const struct pciback_slot *slot, uint64_t sequence)
{
	uint64_t number = (uint64_t)(slot - slot->backend->slots);

	return (number * 2 + (sequence & 1)) * PCIBACK_RECORD_SIZE;
}

/* What it says is no longer so, and nobody may believe it. */
static void
discard(struct pciback_backend *backend, int error)
{
	struct pciback_record_store *store = &backend->record_store;

	store->operations->discard(store->world);
	store->operations = NULL;
	pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, "the record can't be written, and is given up: %s; whoever "
	    "follows this process resets the devices that guests have", strerror(-error));
}

static void
write_down(struct pciback_slot *slot, const struct pciback_record *record)
{
	struct pciback_backend *backend = slot->backend;
	const struct pciback_record_store *store = &backend->record_store;
	int r;

	pciback_record_write(record, ++slot->sequence, backend->record_bytes);
	r = store->operations->write(store->world, offset_of(slot, slot->sequence), backend->record_bytes,
	    PCIBACK_RECORD_SIZE);
	if (r < 0)
		discard(backend, r);
}

void
pciback_remember(struct pciback_slot *slot, enum pciback_remembered remembered)
{
	struct pciback_backend *backend = slot->backend;
	struct pciback_record *record = &backend->record;

	if (backend->record_store.operations == NULL)
		return;
	/* Of one that was not saved yet nobody could go on. */
	if (!slot->is_taken || slot->pristine.size == 0) {
		write_down(slot, NULL);
		return;
	}
	/* What a child has served, it has told at its end. */
	if (remembered == PCIBACK_EXACT && slot->guest != NULL && backend->children.operations == NULL)
		pciback_device_save(&slot->device, &slot->state);
	*record = (struct pciback_record){
		.is_settled = remembered != PCIBACK_UNDER_WAY && !slot->is_moving,
		.is_exact = remembered == PCIBACK_EXACT,
		.settings = slot->settings,
		.consent = slot->consent,
		.irq = slot->irq,
		.is_in_quarantine = slot->is_in_quarantine,
		.has_table = slot->has_table,
		.is_clean = slot->is_clean,
		.was_mappable = slot->was_mappable,
		.command = slot->command,
		.pristine = slot->pristine,
		.domain = slot->domain,
		.identity = slot->identity,
		.has_guest = slot->guest != NULL,
		.rdm_relaxed = slot->rdm_relaxed,
		.permissive = slot->device.settings.permissive,
		.line = slot->device.settings.interrupt_line,
		.pirq = slot->device.settings.pirq,
		.place = slot->place,
		.state = slot->state,
		.ledger = slot->ledger,
	};
	if (slot->guest != NULL)
		record->channel = slot->guest->recorded;
	write_down(slot, record);
}

void
pciback_remember_channel(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	struct pciback_recorded_channel now = { .is_open = guest->is_open }, *before = &guest->recorded;

	if (backend->record_store.operations == NULL || guest->is_adopted)
		return;
	if (guest->is_open)
		now = (struct pciback_recorded_channel){
			.is_open = true,
			.passed_initialised = guest->passed_initialised,
			.handles_all_states = guest->handles_all_states,
			.reference = guest->reference,
			.remote_port = guest->remote_port,
		};
	if (pciback_recorded_channel_is(&now, before))
		return;
	*before = now;
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].guest == guest)
			pciback_remember(&backend->slots[i], PCIBACK_SETTLED);
}

void
pciback_remember_domain(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;
	const struct pciback_xen *xen = &backend->xen;

	memset(&slot->identity, 0, sizeof(slot->identity));
	if (backend->record_store.operations != NULL && xen->operations->domain_identity != NULL)
		(void)xen->operations->domain_identity(xen->world, slot->domain, &slot->identity);
}

int
pciback_recall(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;
	const struct pciback_record_store *store = &backend->record_store;
	uint64_t newest = 0;
	bool is_damaged = false;
	int r = 0, result = 0;

	/* The second time, the newer one is read again: there is room for one. */
	for (unsigned i = 0; i < 3; i++) {
		uint64_t copy = i < 2 ? i : newest, sequence = 0;

		r = store->operations->read(store->world, offset_of(slot, copy), backend->record_bytes,
		    PCIBACK_RECORD_SIZE);
		if (r == 0)
			r = pciback_record_read(backend->record_bytes, &sequence, &backend->record);
		is_damaged = is_damaged || r < 0;
		if (i < 2 && r >= 0 && sequence > newest)
			newest = sequence;
		result = r;
	}
	slot->sequence = newest;
	if (newest == 0)
		return is_damaged ? -EBADMSG : 0;
	if (is_damaged)
		backend->record.is_settled = false;
	return result;
}
