/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/status.h>

#include <errno.h>

#include "state.h"

static void
describe(const struct pciback_slot *slot, struct pciback_device_status *ret_status)
{
	*ret_status = (struct pciback_device_status){
		.address = slot->address,
		.place = slot->place,
		.interrupt = slot->device.interrupt,
		.permissive = slot->device.settings.permissive,
		.line = slot->device.settings.interrupt_line,
		.irq = slot->irq,
		.rdm_relaxed = slot->rdm_relaxed,
		.allow = slot->consent,
		.n_permissions = slot->ledger.n,
	};
}

bool
pciback_status_guest(const struct pciback_backend *backend, size_t *position,
    struct pciback_guest_status *ret_status)
{
	const struct pciback_guest *guest;

	while (*position < backend->n_guests && !backend->guests[*position].used)
		(*position)++;
	if (*position == backend->n_guests)
		return false;
	guest = &backend->guests[(*position)++];
	*ret_status = (struct pciback_guest_status){
		.domain = guest->domain,
		.phase = guest->phase,
		.own = guest->own,
		.frontend = guest->frontend,
		.hot_plug = guest->handles_all_states,
		.n_requests = guest->page != NULL ? guest->channel.n_requests : guest->child.n_requests,
		.n_refused = guest->page != NULL ? guest->channel.n_refused : guest->child.n_refused,
		.message = guest->message,
	};
	return true;
}

bool
pciback_status_device(const struct pciback_backend *backend, uint16_t domain, size_t *position,
    struct pciback_device_status *ret_status)
{
	while (*position < backend->n_slots) {
		const struct pciback_slot *slot = &backend->slots[(*position)++];

		if (slot->guest != NULL && slot->guest->domain == domain) {
			describe(slot, ret_status);
			return true;
		}
	}
	return false;
}

bool
pciback_status_held_back(const struct pciback_backend *backend, size_t *position,
    struct pciback_held_back *ret_status)
{
	while (*position < backend->n_slots) {
		const struct pciback_slot *slot = &backend->slots[(*position)++];

		if (pciback_slot_is_held_back(slot)) {
			*ret_status = (struct pciback_held_back){
				.address = slot->address,
				.domain = slot->domain,
				.allow = slot->consent,
				.irq = slot->irq,
				.n_permissions = slot->ledger.n,
				.is_lost = !slot->is_taken || slot->lost < 0,
			};
			return true;
		}
	}
	return false;
}

bool
pciback_status_taken(const struct pciback_backend *backend, size_t *position,
    struct pciback_taken_status *ret_status)
{
	while (*position < backend->n_slots) {
		const struct pciback_slot *slot = &backend->slots[(*position)++];

		if (slot->is_taken && slot->domain == 0) {
			*ret_status = (struct pciback_taken_status){
				.address = slot->address,
				.is_clean = slot->is_clean,
				.is_reset = pciback_slot_is_cleaned(slot),
				.allow = slot->consent,
				.irq = slot->irq,
				.is_lost = slot->lost < 0,
			};
			return true;
		}
	}
	return false;
}

int
pciback_status_find(const struct pciback_backend *backend, const struct pciback_address *address,
    struct pciback_device_status *ret_status)
{
	for (size_t i = 0; i < backend->n_slots; i++) {
		const struct pciback_slot *slot = &backend->slots[i];

		if (slot->guest != NULL && pciback_address_compare(&slot->address, address) == 0) {
			describe(slot, ret_status);
			return 0;
		}
	}
	return -ENOENT;
}

void
pciback_status_counts(const struct pciback_backend *backend, struct pciback_counts *ret_counts)
{
	*ret_counts = (struct pciback_counts){
		.n_granted = backend->n_granted,
		.n_revoked = backend->n_revoked,
		.n_not_revoked = backend->n_not_revoked,
	};
}
