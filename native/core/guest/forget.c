/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/backend.h>

#include <string.h>

#include <pciback/job.h>

#include "state.h"

/* What was never written to stays so: in a copy of a process it takes no memory of its own before it is written to. */
#define PART 4096

static void
wipe(void *memory, size_t size)
{
	static const uint8_t zeros[PART];

	for (size_t at = 0; at < size; at += PART) {
		uint8_t *part = (uint8_t *)memory + at;
		size_t n = size - at < PART ? size - at : PART;

		if (memcmp(part, zeros, n) != 0)
			memset(part, 0, n);
	}
}

void
pciback_backend_forget(void *world)
{
	struct pciback_backend *backend = world;

	wipe(backend->guests, backend->n_guests * sizeof(*backend->guests));
	wipe(backend->slots, backend->n_slots * sizeof(*backend->slots));
	wipe(backend->jobs, backend->n_jobs * sizeof(*backend->jobs));
	wipe(backend->domains, backend->max_domains * sizeof(*backend->domains));
	wipe(backend, sizeof(*backend));
}
