/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "view.h"

#include "entry.h"

/* Whether the store names other devices than the guest has, or one of them is lost. Once a frontend is connected, only those
 * that are no longer named at all: the others wait until it takes part. */
static bool
is_changed(const struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	bool is_ready = guest->phase == PCIBACK_PHASE_READY;

	for (size_t i = 0; i < backend->n_slots; i++) {
		const struct pciback_slot *slot = &backend->slots[i];
		const struct pciback_entry *entry;

		if (slot->guest != guest)
			continue;
		if (slot->lost < 0)
			return true;
		entry = pciback_guest_entry(guest, &slot->address);
		if (entry == NULL ? !guest->malformed :
		    is_ready && !pciback_entry_wanted(guest, entry))
			return true;
	}
	for (size_t i = 0; i < guest->n_entries; i++) {
		const struct pciback_entry *entry = &guest->entries[i];
		const struct pciback_slot *slot;

		if (entry->vdev_differs)
			return true;
		if (!is_ready || !pciback_entry_wanted(guest, entry))
			continue;
		slot = pciback_backend_taken(backend, &entry->address);
		if ((slot == NULL || slot->guest != guest) && !pciback_slot_is_coming(slot, guest->domain))
			return true;
	}
	return false;
}

bool
pciback_guest_awaits_reset(const struct pciback_guest *guest)
{
	for (size_t i = 0; i < guest->n_entries; i++) {
		const struct pciback_entry *entry = &guest->entries[i];

		if (pciback_entry_wanted(guest, entry) &&
		    pciback_slot_is_coming(pciback_backend_taken(guest->backend, &entry->address), guest->domain))
			return true;
	}
	return false;
}

bool
pciback_guest_timed_out(const struct pciback_guest *guest)
{
	return guest->deadline != 0 && guest->backend->now >= guest->deadline;
}

void
pciback_guest_view(const struct pciback_guest *guest, struct pciback_view *ret_view)
{
	*ret_view = (struct pciback_view){
		.phase = guest->phase,
		.exists = guest->exists,
		.own = guest->own,
		.frontend = guest->frontend,
		.life = guest->life,
		.online = guest->online && !guest->backend->stopping,
		.handles_all_states = guest->handles_all_states,
		.frontend_wrote = guest->frontend_wrote,
		.restarted = guest->is_open && guest->frontend == PCIBACK_XENBUS_INITIALISED &&
		    (guest->passed_initialised || guest->seen_reference != guest->reference ||
		    guest->seen_port != guest->remote_port),
		.blocked = guest->blocked || guest->refused,
		.changed = is_changed(guest),
		.awaits_reset = pciback_guest_awaits_reset(guest),
		.timed_out = pciback_guest_timed_out(guest),
		.broken = guest->child.is_lost,
		.stale_reconfiguring = guest->stale_reconfiguring,
	};
}
