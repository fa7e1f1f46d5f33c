/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "share.h"

#include <errno.h>
#include <string.h>

#include "../guest/error.h"
#include "../guest/neighbour.h"
#include "owner.h"

struct search {
	const struct pciback_slot *slot;
	char *message;
	bool is_explained;
};

/* What a device has in common with this one that the owner does not allow; NULL for nothing. `line` is its interrupt. */
static const char *
find_shared(const struct pciback_slot *slot, const struct pciback_neighbour *other, unsigned line)
{
	unsigned allow = pciback_slot_allow(slot), own = slot->settings.interrupt_line;

	if (own != 0 && line == own && (allow & PCIBACK_ALLOW_SHARED_IRQ) == 0)
		return "its interrupt line";
	if (own != 0 && line == PCIBACK_NEIGHBOUR_UNTOLD && (allow & PCIBACK_ALLOW_SHARED_IRQ) == 0)
		return "perhaps its interrupt line (the other's is not told any more)";
	if (pciback_neighbour_shares_page(&slot->settings, other) && (allow & PCIBACK_ALLOW_SHARED_PAGE) == 0)
		return "a page of its memory";
	return NULL;
}

static int
visit(void *context, const struct pciback_neighbour *other)
{
	struct search *search = context;
	const char *shared = find_shared(search->slot, other, other->line);
	char name[PCIBACK_ADDRESS_SIZE];
	uint8_t irq = 0;
	int r;

	/* Those that are taken now are of the same guest. */
	if (shared == NULL || pciback_backend_taken(search->slot->backend, &other->address) != NULL)
		return 0;
	r = pciback_kernel_find_owner(search->slot->backend, &other->address, pciback_slot_allow(search->slot), &irq,
	    search->message);
	search->is_explained = r < 0;
	if (r != -EBUSY)
		return r;
	if (other->line == PCIBACK_NEIGHBOUR_UNTOLD && irq != 0)
		shared = find_shared(search->slot, other, irq);
	if (shared == NULL) {
		search->is_explained = false;
		return 0;
	}
	pciback_address_format(&other->address, name);
	pciback_error_explain(search->message, &search->slot->address, "has %s in common with %s, which another guest has; see "
	    "--allow", shared, name);
	return r;
}

int
pciback_kernel_check_shared(const struct pciback_slot *slot, const struct pciback_kernel_host *host,
    char message[PCIBACK_LOG_LINE])
{
	struct search search = { .slot = slot, .message = message };
	int r = host->visit(host->world, visit, &search);

	if (r < 0 && !search.is_explained)
		pciback_error_explain(message, &slot->address, "can't be compared with other hidden devices: %s", strerror(-r));
	return r;
}
