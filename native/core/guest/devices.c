/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "devices.h"

#include <errno.h>

#include "entry.h"
#include "error.h"
#include "slot.h"

size_t
pciback_devices_count(const struct pciback_guest *guest)
{
	const struct pciback_backend *backend = guest->backend;
	size_t n = 0;

	for (size_t i = 0; i < backend->n_slots; i++)
		n += backend->slots[i].guest == guest;
	return n;
}

/* Whether a device is about to be taken back from another guest, or to come back from its reset. */
static bool
is_becoming_free(const struct pciback_guest *guest, const struct pciback_address *address)
{
	const struct pciback_slot *slot = pciback_backend_taken(guest->backend, address);
	const struct pciback_guest *owner;

	if (slot == NULL || slot->guest == guest)
		return false;
	if (slot->guest == NULL)
		return pciback_slot_is_coming(slot, guest->domain);
	owner = slot->guest;
	return owner->life != PCIBACK_LIFE_RUNNING || !owner->online || owner->look_backend ||
	    owner->look_life || owner->phase == PCIBACK_PHASE_LEAVING;
}

bool
pciback_devices_any_becomes_free(const struct pciback_guest *guest)
{
	for (size_t i = 0; i < guest->n_entries; i++)
		if (pciback_entry_wanted(guest, &guest->entries[i]) &&
		    is_becoming_free(guest, &guest->entries[i].address))
			return true;
	return false;
}

/* It goes at once, whether its guest takes part or not, and the store says so. */
static void
take_back_lost(struct pciback_slot *slot)
{
	struct pciback_guest *guest = slot->guest;
	char message[PCIBACK_LOG_LINE];

	pciback_slot_explain_lost(slot, message);
	pciback_error_set(guest, "%s", message);
	for (size_t i = 0; i < guest->n_entries; i++) {
		struct pciback_entry *entry = &guest->entries[i];

		if (!entry->valid || pciback_address_compare(&entry->address, &slot->address) != 0)
			continue;
		entry->error = slot->lost;
		entry->state = PCIBACK_XENBUS_CLOSED;
		entry->state_differs = true;
	}
	pciback_slot_take_back(slot);
}

void
pciback_devices_take_back_unwanted(struct pciback_guest *guest, bool only_unnamed)
{
	struct pciback_backend *backend = guest->backend;

	for (size_t i = backend->n_slots; i-- > 0;) {
		struct pciback_slot *slot = &backend->slots[i];
		const struct pciback_entry *entry;

		if (slot->guest != guest)
			continue;
		if (slot->lost < 0) {
			take_back_lost(slot);
			continue;
		}
		entry = pciback_guest_entry(guest, &slot->address);
		/* Which device a key that can't be read means, nobody knows. */
		if (entry == NULL ? !guest->malformed :
		    !only_unnamed && !pciback_entry_wanted(guest, entry))
			pciback_slot_take_back(slot);
	}
}

/* Whether a device can be given at once. */
static bool
is_ready(const struct pciback_guest *guest, const struct pciback_entry *entry)
{
	const struct pciback_slot *slot = pciback_backend_taken(guest->backend, &entry->address);

	return slot != NULL && (slot->guest == guest || (slot->is_clean && slot->is_restored));
}

static void
give(struct pciback_guest *guest, struct pciback_entry *entry)
{
	const struct pciback_slot *slot = pciback_backend_slot(guest->backend, &entry->address);
	bool had_it = slot != NULL && slot->guest == guest;
	enum pciback_xenbus state = PCIBACK_XENBUS_INITIALISED;
	char message[PCIBACK_LOG_LINE];

	entry->error = pciback_slot_give(guest, entry, message);
	if (entry->error == -EBUSY && is_becoming_free(guest, &entry->address)) {
		guest->waits_for_device = true;
		return;
	}
	if (entry->error < 0) {
		pciback_error_set(guest, "%s", message);
		state = PCIBACK_XENBUS_CLOSED;
	}
	entry->vdev_differs = entry->vdev_differs || (entry->error == 0 && !had_it);
	entry->state_differs = entry->state_differs || entry->state != state;
	entry->state = state;
}

size_t
pciback_devices_give_wanted(struct pciback_guest *guest)
{
	size_t n_wanted = 0;

	guest->waits_for_device = false;
	/* All of them are made ready side by side. */
	for (size_t i = 0; i < guest->n_entries; i++) {
		struct pciback_entry *entry = &guest->entries[i];

		if (!pciback_entry_wanted(guest, entry))
			continue;
		n_wanted++;
		if (!is_ready(guest, entry))
			give(guest, entry);
	}
	/* One that does not look yet gets none before it can have all; what it had meanwhile would be reset again. */
	for (size_t i = 0; i < guest->n_entries && !(guest->waits_for_device && pciback_guest_is_idle(guest)); i++) {
		struct pciback_entry *entry = &guest->entries[i];

		if (pciback_entry_wanted(guest, entry) && is_ready(guest, entry))
			give(guest, entry);
	}
	return n_wanted;
}

void
pciback_devices_take_back_all(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;

	for (size_t i = backend->n_slots; i-- > 0;)
		if (backend->slots[i].guest == guest)
			pciback_slot_take_back(&backend->slots[i]);
}
