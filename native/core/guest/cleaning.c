/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cleaning.h"

#include <stdio.h>

#include <pciback/job.h>

#include "clean.h"
#include "entry.h"
#include "remember.h"
#include "take.h"
#include "toolstack.h"
#include "wait.h"

/* Who waits for it sees that by itself. */
static void
end(struct pciback_slot *slot, int result, const char *message)
{
	slot->reset_error = result;
	slot->is_restored = result == 0 && slot->awaited_by != 0;
	if (result == 0)
		slot->awaited_by = 0;
	else if (slot->awaited_by != 0 || (slot->is_new && !slot->is_refused))
		(void)snprintf(slot->problem, sizeof(slot->problem), "%s", message);
	else
		pciback_backend_log(slot->backend, PCIBACK_LOG_ERROR, 0, "%s; nobody gets it before it can be", message);
	pciback_remember(slot, PCIBACK_SETTLED);
}

static void
go_on(struct pciback_slot *slot)
{
	bool was_saved = slot->pristine.size != 0;
	char message[PCIBACK_LOG_LINE];
	int r = pciback_clean_step(slot, message);

	if (r <= 0)
		end(slot, r, message);
	else if (!was_saved && slot->pristine.size != 0)
		pciback_remember(slot, PCIBACK_UNDER_WAY);
}

/* Whether a guest or a job would have a device. */
static bool
is_wanted(const struct pciback_slot *slot)
{
	const struct pciback_backend *backend = slot->backend;

	for (size_t i = 0; i < backend->n_guests; i++) {
		const struct pciback_guest *guest = &backend->guests[i];
		const struct pciback_entry *entry = guest->used ? pciback_guest_entry(guest, &slot->address) : NULL;

		if (entry != NULL && pciback_entry_wanted(guest, entry))
			return true;
	}
	for (size_t i = 0; i < backend->n_jobs; i++)
		if (backend->jobs[i].kind != PCIBACK_JOB_NONE && backend->jobs[i].stage != PCIBACK_JOB_DONE &&
		    pciback_job_has(&backend->jobs[i], &slot->address))
			return true;
	return false;
}

/* A step, if it is time for one, of one that no guest has. Returns whether it did one. */
static bool
step(struct pciback_slot *slot)
{
	if (pciback_slot_is_cleaned(slot)) {
		if (slot->backend->now < slot->cleaning.due)
			return false;
		go_on(slot);
		return true;
	}
	if (slot->is_restored && !is_wanted(slot))
		slot->is_restored = false;
	if (!slot->is_new || slot->domain != 0 || (!slot->is_refused && is_wanted(slot)))
		return false;
	pciback_slot_drop(slot);
	return true;
}

int
pciback_cleaning_run(struct pciback_backend *backend)
{
	size_t first = backend->next_cleaned;
	bool is_done = false;
	int wait = -1;

	for (size_t i = 0; i < backend->n_slots; i++) {
		size_t number = first + i < backend->n_slots ? first + i : first + i - backend->n_slots;
		struct pciback_slot *slot = &backend->slots[number];

		if (!slot->is_taken || slot->guest != NULL)
			continue;
		if (!is_done && step(slot)) {
			is_done = backend->has_stepped = true;
			backend->next_cleaned = number + 1;
		}
		if (slot->is_taken && pciback_slot_is_cleaned(slot))
			wait = pciback_wait_shorter(wait, pciback_wait_until(backend->now, slot->cleaning.due));
	}
	return is_done ? 0 : wait;
}

void
pciback_cleaning_end(struct pciback_backend *backend)
{
	uint64_t last = backend->now + PCIBACK_WAIT_LAST_RESETS;
	int wait;

	while ((wait = pciback_cleaning_run(backend)) >= 0 && backend->now < last) {
		if (wait == 0)
			continue;
		backend->hardware.pause(backend->hardware.world, (unsigned)wait);
		backend->now += (unsigned)wait;
	}
}
