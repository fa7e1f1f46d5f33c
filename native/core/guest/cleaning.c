/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cleaning.h"

#include <errno.h>
#include <string.h>

#include <pciback/job.h>

#include "entry.h"
#include "remember.h"
#include "take.h"
#include "toolstack.h"
#include "wait.h"

/* Who waits for it looks again. */
static void
end(struct pciback_slot *slot, int result)
{
	struct pciback_backend *backend = slot->backend;
	char message[PCIBACK_LOG_LINE];

	slot->reset_at = 0;
	slot->reset_error = pciback_slot_finish_cleaning(slot, result, message);
	if (slot->reset_error == 0)
		slot->awaited_by = 0;
	else if (slot->is_new || slot->awaited_by != 0)
		memcpy(slot->problem, message, sizeof(slot->problem));
	else
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, "%s; nobody gets it before it can be", message);
	pciback_remember(slot, PCIBACK_SETTLED);
	backend->look_backends = true;
}

static void
go_on(struct pciback_slot *slot)
{
	const struct pciback_backend *backend = slot->backend;
	const struct pciback_hardware *hardware = &backend->hardware;
	int r = hardware->reset(hardware->world, slot->settings.handle);

	slot->is_stuck = r > 0 && backend->now >= slot->reset_end;
	if (slot->is_stuck)
		r = -ETIMEDOUT;
	if (r > 0)
		slot->reset_at = backend->now + (unsigned)r;
	else
		end(slot, r);
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

int
pciback_cleaning_run(struct pciback_backend *backend)
{
	int wait = -1;

	for (size_t i = 0; i < backend->n_slots; i++) {
		struct pciback_slot *slot = &backend->slots[i];

		if (!slot->is_taken || slot->guest != NULL)
			continue;
		if (slot->reset_at != 0 && backend->now >= slot->reset_at)
			go_on(slot);
		if (slot->reset_at != 0)
			wait = pciback_wait_shorter(wait, pciback_wait_until(backend->now, slot->reset_at));
		else if (slot->is_new && slot->domain == 0 && !is_wanted(slot))
			pciback_slot_drop(slot);
	}
	return wait;
}

void
pciback_cleaning_end(struct pciback_backend *backend)
{
	uint64_t last = backend->now + PCIBACK_WAIT_LAST_RESETS;
	int wait;

	while ((wait = pciback_cleaning_run(backend)) >= 0 && backend->now < last) {
		/* One that is due at once is looked after in the next turn, too. */
		wait = wait > 0 ? wait : 1;
		backend->hardware.pause(backend->hardware.world, (unsigned)wait);
		backend->now += (unsigned)wait;
	}
}
