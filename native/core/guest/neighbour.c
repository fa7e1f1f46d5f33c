/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "neighbour.h"

#include <errno.h>
#include <string.h>

#include <pciback/registers.h>

#include "error.h"

struct search {
	const struct pciback_slot *slot;
	char *message;
};

/* Whether a frame of memory is one of the device's. */
static bool
has_frame(const struct pciback_device_settings *settings, uint64_t frame)
{
	for (unsigned i = 0; i <= PCIBACK_RESOURCES; i++) {
		uint64_t first, n;

		if (pciback_resource_frames(pciback_settings_resource(settings, i), &first, &n) &&
		    first <= frame && frame < first + n)
			return true;
	}
	return false;
}

bool
pciback_neighbour_shares_page(const struct pciback_device_settings *settings,
    const struct pciback_neighbour *neighbour)
{
	for (size_t i = 0; i < neighbour->n_bars; i++)
		if (neighbour->bars[i].kind != PCIBACK_BAR_IO &&
		    has_frame(settings, neighbour->bars[i].address >> 12))
			return true;
	return false;
}

static int
visit(void *context, const struct pciback_neighbour *neighbour)
{
	const struct search *search = context;
	const struct pciback_device_settings *settings = &search->slot->settings;
	unsigned allow = pciback_slot_allow(search->slot), line = pciback_slot_line(search->slot);
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(&neighbour->address, name);
	if (line != 0 && line != INTERRUPT_LINE_NONE && neighbour->line == line &&
	    (allow & PCIBACK_ALLOW_SHARED_IRQ) == 0) {
		pciback_error_explain(search->message, &settings->address, "has the interrupt line of %s, which a "
		    "driver of this system uses (allow shared-irq if you trust the guest)", name);
		return -EPERM;
	}
	if (pciback_neighbour_shares_page(settings, neighbour) && (allow & PCIBACK_ALLOW_SHARED_PAGE) == 0) {
		pciback_error_explain(search->message, &settings->address, "has memory in the same 4096 bytes as %s, "
		    "which a driver of this system uses (allow shared-bar-page if you trust the guest)", name);
		return -EPERM;
	}
	return 0;
}

int
pciback_slot_check_neighbours(const struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	struct search search = { .slot = slot, .message = message };
	int r = hardware->visit_neighbours(hardware->world, visit, &search);

	if (r < 0 && r != -EPERM)
		pciback_error_explain(message, &slot->address, "can't be compared with the devices of this system: "
		    "%s", strerror(-r));
	return r;
}
