/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/taken.h>

#include <errno.h>

#include "error.h"
#include "slot.h"
#include "take.h"

int
pciback_backend_take(struct pciback_backend *backend, const struct pciback_address *addresses, size_t n,
    char message[PCIBACK_LOG_LINE])
{
	struct pciback_slot *new[PCIBACK_ENTRIES_MAX];
	size_t n_new = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct pciback_slot *slot = pciback_backend_taken(backend, &addresses[i]);

		r = pciback_slot_check_free(backend, &addresses[i], 0, message);
		if (r == 0 && slot == NULL) {
			r = pciback_slot_take(backend, &addresses[i], 0, &new[n_new], message);
			n_new += r == 0;
		} else if (r == 0 && slot->lost < 0) {
			pciback_slot_explain_lost(slot, message);
			r = slot->lost;
		}
	}
	for (size_t i = 0; i < n_new && r < 0; i++)
		pciback_slot_return(new[i], true);
	return r;
}

int
pciback_backend_return(struct pciback_backend *backend, const struct pciback_address *addresses, size_t n,
    char message[PCIBACK_LOG_LINE])
{
	for (size_t i = 0; i < n; i++) {
		int r = pciback_slot_check_free(backend, &addresses[i], 0, message);

		if (r == 0 && pciback_backend_taken(backend, &addresses[i]) == NULL) {
			pciback_error_explain(message, &addresses[i], "was not taken from dom0");
			r = -ENOENT;
		}
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++)
		pciback_slot_return(pciback_backend_taken(backend, &addresses[i]), true);
	return 0;
}
