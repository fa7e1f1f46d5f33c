/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "lost.h"

#include <errno.h>

#include "take.h"
#include "wait.h"

static void
tell(const struct pciback_slot *slot)
{
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(&slot->address, name);
	if (slot->lost == -ENODEV)
		pciback_backend_log(slot->backend, PCIBACK_LOG_ERROR, slot->domain,
		    "%s is gone from this machine", name);
	else
		pciback_backend_log(slot->backend, PCIBACK_LOG_ERROR, slot->domain,
		    "%s was taken by a driver of this system, and is served no more; that driver reaches no memory "
		    "with it", name);
}

void
pciback_lost_check_one(struct pciback_slot *slot)
{
	struct pciback_backend *backend = slot->backend;
	int before = slot->lost;

	slot->lost = backend->hardware.check(backend->hardware.world, slot->settings.handle);
	if (slot->lost < 0 && slot->lost != before)
		tell(slot);
	if (slot->lost < 0 && slot->guest != NULL)
		slot->guest->look_backend = true;
	/* What its driver did to it is undone for the next guest, and one may wait for it. */
	if (slot->lost == 0 && before < 0) {
		slot->is_clean = false;
		backend->look_backends = true;
	}
	if (slot->lost == -ENODEV && slot->guest == NULL && slot->ledger.n == 0)
		pciback_slot_return(slot, false);
}

int
pciback_lost_check(struct pciback_backend *backend)
{
	if (backend->n_taken == 0)
		return -1;
	if (backend->now >= backend->check_at) {
		for (size_t i = 0; i < backend->n_slots; i++)
			/* One that is being reset may read as if it were gone. */
			if (backend->slots[i].is_taken && !pciback_slot_is_cleaned(&backend->slots[i]))
				pciback_lost_check_one(&backend->slots[i]);
		backend->check_at = backend->now + PCIBACK_WAIT_CHECK;
	}
	return pciback_wait_until(backend->now, backend->check_at);
}
