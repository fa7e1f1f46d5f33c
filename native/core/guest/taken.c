/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/taken.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clean.h"
#include "error.h"
#include "lost.h"
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

/* One of them, unless it is taken already. */
static int
take(struct pciback_backend *backend, const struct pciback_wanted *wanted, char message[PCIBACK_LOG_LINE])
{
	struct pciback_slot *slot = pciback_backend_taken(backend, &wanted->address);
	int r;

	/* Its driver has just been told to let go of it, for example. */
	if (slot != NULL && slot->lost < 0) {
		pciback_lost_check_one(slot);
		slot = pciback_backend_taken(backend, &wanted->address);
	}
	if (slot == NULL) {
		r = pciback_slot_take(backend, &wanted->address, 0, wanted->allow, wanted->irq, &slot, message);
		if (r == 0)
			slot->is_new = true;
		return r;
	}
	if (slot->lost < 0) {
		pciback_slot_explain_lost(slot, message);
		return slot->lost;
	}
	r = pciback_slot_check_irq(&slot->settings, wanted->irq, message);
	if (r < 0)
		return r;
	/* One that was taken before stays so, also if it can't be reset now. */
	if (!slot->is_new || slot->problem[0] == '\0')
		return 0;
	(void)snprintf(message, PCIBACK_LOG_LINE, "%s", slot->problem);
	return slot->reset_error;
}

int
pciback_backend_take(struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n,
    char message[PCIBACK_LOG_LINE])
{
	int r = pciback_backend_is_any_cleaned(backend, devices, n) ? -EINPROGRESS : pciback_backend_check(backend, devices, n, message);

	for (size_t i = 0; i < n && r == 0; i++)
		r = take(backend, &devices[i], message);
	if (r == 0 && pciback_backend_is_any_cleaned(backend, devices, n))
		r = -EINPROGRESS;
	if (r == -EINPROGRESS)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct pciback_slot *slot = pciback_backend_taken(backend, &devices[i].address);

		if (r == 0) {
			slot->is_new = false;
			slot->consent = devices[i].allow;
			slot->irq = devices[i].irq;
			pciback_remember(slot, PCIBACK_SETTLED);
		} else if (slot != NULL && slot->is_new && !pciback_slot_is_cleaned(slot) && slot->guest == NULL) {
			pciback_slot_drop(slot);
		}
	}
	return r;
}

int
pciback_backend_return(struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n,
    char message[PCIBACK_LOG_LINE])
{
	if (pciback_backend_is_any_cleaned(backend, devices, n))
		return -EINPROGRESS;
	for (size_t i = 0; i < n; i++) {
		struct pciback_slot *slot;
		int r = pciback_slot_check_free(backend, &devices[i].address, 0, message);

		slot = pciback_backend_taken(backend, &devices[i].address);
		if (r == 0 && slot == NULL) {
			pciback_error_explain(message, &devices[i].address, "was not taken from dom0");
			r = -ENOENT;
		}
		if (r == 0 && pciback_clean_is_stuck(slot)) {
			pciback_error_explain(message, &devices[i].address, "has not come back from its reset, at which "
			    "the system still is");
			r = -EBUSY;
		}
		/* It was held back, or has come back from its reset after all. */
		if (r == 0 && pciback_slot_is_cleaned(slot))
			r = -EINPROGRESS;
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++)
		pciback_slot_return(pciback_backend_taken(backend, &devices[i].address), true);
	return 0;
}
