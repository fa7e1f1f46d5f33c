/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "entry.h"

const struct pciback_entry *
pciback_guest_entry(const struct pciback_guest *guest, const struct pciback_address *address)
{
	for (size_t i = 0; i < guest->n_entries; i++)
		if (guest->entries[i].valid &&
		    pciback_address_compare(&guest->entries[i].address, address) == 0)
			return &guest->entries[i];
	return NULL;
}

bool
pciback_entry_wanted(const struct pciback_guest *guest, const struct pciback_entry *entry)
{
	if (!entry->valid || entry->state == PCIBACK_XENBUS_CLOSING)
		return false;
	/* One that failed is tried again when all of them are. */
	return entry->state != PCIBACK_XENBUS_CLOSED || pciback_guest_is_idle(guest);
}
