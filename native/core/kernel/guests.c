/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/kernel_backend.h>

#include <stdio.h>
#include <string.h>

#include "nodes.h"
#include "owner.h"

int
pciback_kernel_guests(struct pciback_backend *backend, void (*visit)(void *context,
    const struct pciback_kernel_guest *guest), void *context, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_xen *xen = &backend->xen;
	size_t n = 0;
	int r = pciback_kernel_find_domains(backend, &n, message);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct pciback_kernel_guest guest = { .domain = backend->domains[i] };
		struct pciback_kernel_nodes nodes;

		r = pciback_kernel_nodes_read(backend, guest.domain, &nodes);
		if (r == 0)
			r = xen->operations->domain_life(xen->world, guest.domain, &guest.life);
		if (r < 0) {
			(void)snprintf(message, PCIBACK_LOG_LINE, "nothing can be said of domain %u: %s", (unsigned)guest.domain,
			    strerror(-r));
			continue;
		}
		guest.state = nodes.state;
		guest.n = nodes.n;
		memcpy(guest.addresses, nodes.addresses, nodes.n * sizeof(nodes.addresses[0]));
		visit(context, &guest);
	}
	return r;
}
