/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "owner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../guest/error.h"
#include "../guest/paths.h"
#include "nodes.h"

/* Whether a domain may reach devices still that its nodes name: the kernel's backend is through with it at state 6,
 * but memory that it mapped it has until it is gone. */
static int
may_reach(const struct pciback_backend *backend, uint16_t domain, const struct pciback_kernel_nodes *nodes,
    unsigned allow, bool *ret_may)
{
	enum pciback_life life = PCIBACK_LIFE_RUNNING;
	int r = 0;

	*ret_may = true;
	if (nodes->state != PCIBACK_XENBUS_CLOSED)
		return 0;
	if ((allow & PCIBACK_ALLOW_KEPT_MAPPINGS) == 0)
		r = backend->xen.operations->domain_life(backend->xen.world, domain, &life);
	else
		life = PCIBACK_LIFE_GONE;
	*ret_may = life != PCIBACK_LIFE_GONE;
	return r;
}

/* One domain whose nodes are in the store. */
static int
check_domain(struct pciback_backend *backend, uint16_t domain, const struct pciback_address *address,
    unsigned allow, uint8_t *ret_irq, char message[PCIBACK_LOG_LINE])
{
	struct pciback_kernel_nodes nodes = { .n = 0 };
	int r = pciback_kernel_nodes_read(backend, domain, &nodes);

	for (size_t i = 0; r == 0 && i < nodes.n; i++) {
		bool may;

		if (pciback_address_compare(&nodes.addresses[i], address) != 0)
			continue;
		r = may_reach(backend, domain, &nodes, allow, &may);
		if (r < 0 || !may)
			continue;
		pciback_error_explain(message, address, "is domain %u's still, whose backend is in state %d; shut that domain "
		    "down, and destroy it once it has closed", (unsigned)domain, (int)nodes.state);
		*ret_irq = nodes.irqs[i];
		return -EBUSY;
	}
	if (r < 0)
		(void)snprintf(message, PCIBACK_LOG_LINE, "what domain %u has of the kernel's backend can't be read: %s",
		    (unsigned)domain, strerror(-r));
	return r;
}

int
pciback_kernel_find_domains(struct pciback_backend *backend, size_t *ret_n, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_xen *xen = &backend->xen;
	size_t n = 0, n_domains = 0;
	int r = xen->operations->store_list(xen->world, PCIBACK_BACKENDS_PATH, backend->domains, backend->max_domains,
	    &n);

	if (r == 0 && n > backend->max_domains)
		r = -E2BIG;
	if (r < 0 && r != -ENOENT) {
		(void)snprintf(message, PCIBACK_LOG_LINE, "xenstore does not tell which domains have devices: %s",
		    strerror(-r));
		return r;
	}
	for (size_t i = 0; i < n; i++)
		if (pciback_path_is_domain(backend->domains[i]))
			backend->domains[n_domains++] = backend->domains[i];
	*ret_n = n_domains;
	return 0;
}

int
pciback_kernel_find_owner(struct pciback_backend *backend, const struct pciback_address *address,
    unsigned allow, uint8_t *ret_irq, char message[PCIBACK_LOG_LINE])
{
	size_t n = 0;
	int r = pciback_kernel_find_domains(backend, &n, message);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = check_domain(backend, backend->domains[i], address, allow, ret_irq, message);
	return r;
}

int
pciback_kernel_check_owner(struct pciback_backend *backend, const struct pciback_address *address,
    unsigned allow, char message[PCIBACK_LOG_LINE])
{
	uint8_t irq;

	return pciback_kernel_find_owner(backend, address, allow, &irq, message);
}
