/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/taken.h>

#include <errno.h>
#include <string.h>

#include "error.h"
#include "remember.h"
#include "slot.h"
#include "take.h"

int
pciback_backend_find_device(const struct pciback_backend *backend, const struct pciback_address *address,
    struct pciback_found *ret_found)
{
	return backend->hardware.identify(backend->hardware.world, address, ret_found);
}

/* Whether a device is the one that is meant. */
static int
check(const struct pciback_backend *backend, const struct pciback_wanted *wanted, char message[PCIBACK_LOG_LINE])
{
	static const char why[] = "the buses have other numbers now, or another card is there";
	const struct pciback_identity *expected = &wanted->identity;
	struct pciback_found found = { .driver = "" };
	const struct pciback_identity *is = &found.identity;
	int r = pciback_backend_find_device(backend, &wanted->address, &found);

	if (r < 0) {
		if (r == -ENODEV)
			pciback_error_explain(message, &wanted->address, "is no device of this machine");
		else
			pciback_error_explain(message, &wanted->address, "does not say what it is: %s", strerror(-r));
		return r;
	}
	if (wanted->has_id && (is->vendor != expected->vendor || is->device != expected->device)) {
		pciback_error_explain(message, &wanted->address, "is %04x:%04x, expected is %04x:%04x: %s",
		    (unsigned)is->vendor, (unsigned)is->device, (unsigned)expected->vendor,
		    (unsigned)expected->device, why);
		return -EXDEV;
	}
	if (wanted->has_subsystem && (is->subsystem_vendor != expected->subsystem_vendor ||
	    is->subsystem != expected->subsystem)) {
		pciback_error_explain(message, &wanted->address,
		    "is of subsystem %04x:%04x, expected is %04x:%04x: %s", (unsigned)is->subsystem_vendor,
		    (unsigned)is->subsystem, (unsigned)expected->subsystem_vendor,
		    (unsigned)expected->subsystem, why);
		return -EXDEV;
	}
	return 0;
}

int
pciback_backend_check(const struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n,
    char message[PCIBACK_LOG_LINE])
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = check(backend, &devices[i], message);
	return r;
}

int
pciback_backend_take(struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n,
    char message[PCIBACK_LOG_LINE])
{
	struct pciback_slot *new[PCIBACK_ENTRIES_MAX];
	size_t n_new = 0;
	int r = pciback_backend_check(backend, devices, n, message);

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct pciback_slot *slot = pciback_backend_taken(backend, &devices[i].address);

		if (slot == NULL) {
			r = pciback_slot_take(backend, &devices[i].address, 0, devices[i].allow, &new[n_new], message);
			n_new += r == 0;
		} else if (slot->lost < 0) {
			pciback_slot_explain_lost(slot, message);
			r = slot->lost;
		}
	}
	for (size_t i = 0; i < n_new && r < 0; i++)
		pciback_slot_return(new[i], true);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct pciback_slot *slot = pciback_backend_taken(backend, &devices[i].address);

		slot->consent = devices[i].allow;
		pciback_remember(slot, PCIBACK_SETTLED);
	}
	return r;
}

int
pciback_backend_return(struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n,
    char message[PCIBACK_LOG_LINE])
{
	for (size_t i = 0; i < n; i++) {
		int r = pciback_slot_check_free(backend, &devices[i].address, 0, message);

		if (r == 0 && pciback_backend_taken(backend, &devices[i].address) == NULL) {
			pciback_error_explain(message, &devices[i].address, "was not taken from dom0");
			r = -ENOENT;
		}
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++)
		pciback_slot_return(pciback_backend_taken(backend, &devices[i].address), true);
	return 0;
}
