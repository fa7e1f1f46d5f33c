/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "state.h"

#include <stdarg.h>
#include <stdio.h>

struct pciback_guest *
pciback_backend_find(struct pciback_backend *backend, uint16_t domain)
{
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used && backend->guests[i].domain == domain)
			return &backend->guests[i];
	return NULL;
}

struct pciback_slot *
pciback_backend_taken(struct pciback_backend *backend, const struct pciback_address *address)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].is_taken &&
		    pciback_address_compare(&backend->slots[i].address, address) == 0)
			return &backend->slots[i];
	return NULL;
}

struct pciback_slot *
pciback_backend_slot(struct pciback_backend *backend, const struct pciback_address *address)
{
	struct pciback_slot *slot = pciback_backend_taken(backend, address);

	return slot != NULL && slot->guest != NULL ? slot : NULL;
}

bool
pciback_slot_is_held_back(const struct pciback_slot *slot)
{
	return slot->guest == NULL && slot->domain != 0;
}

bool
pciback_backend_is_any_cleaned(struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pciback_slot *slot = pciback_backend_taken(backend, &devices[i].address);

		if (slot != NULL && pciback_slot_is_cleaned(slot))
			return true;
	}
	return false;
}

bool
pciback_slot_is_coming(const struct pciback_slot *slot, uint16_t domain)
{
	return slot != NULL && pciback_slot_is_cleaned(slot) && !slot->is_refused &&
	    (slot->domain == 0 || slot->domain == domain);
}

bool
pciback_guest_is_idle(const struct pciback_guest *guest)
{
	return guest->phase == PCIBACK_PHASE_NEW || guest->phase == PCIBACK_PHASE_RELEASED ||
	    guest->phase == PCIBACK_PHASE_CLOSED;
}

void
pciback_backend_log(const struct pciback_backend *backend, enum pciback_log_level level,
    uint16_t domain, const char *format, ...)
{
	char line[PCIBACK_LOG_LINE];
	size_t length = 0;
	va_list arguments;

	if (domain != 0)
		length = (size_t)snprintf(line, sizeof(line), "domain %u: ", (unsigned)domain);
	va_start(arguments, format);
	(void)vsnprintf(line + length, sizeof(line) - length, format, arguments);
	va_end(arguments);
	/* Values of the store are in it. */
	for (char *c = line; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	backend->hardware.log(backend->hardware.world, level, line);
}
