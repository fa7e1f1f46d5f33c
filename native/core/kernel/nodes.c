/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/text.h>

#include "../guest/entry.h"
#include "../guest/store.h"

int
pciback_kernel_nodes_read(struct pciback_backend *backend, uint16_t domain,
    struct pciback_kernel_nodes *ret_nodes)
{
	struct pciback_change items = { .items = backend->items, .domain = domain };
	struct pciback_kernel_nodes nodes = { .state = PCIBACK_XENBUS_UNKNOWN };
	uint32_t n = PCIBACK_ENTRIES_MAX;
	int r;

	(void)pciback_change_add(&items, PCIBACK_STORE_READ, "state");
	(void)pciback_change_add(&items, PCIBACK_STORE_READ, "num_devs");
	r = pciback_store_read(backend, items.items, items.n);
	if (r < 0)
		return r;
	nodes.exists = items.items[0].result != -ENOENT;
	if (items.items[0].result == 0)
		(void)pciback_xenbus_parse(items.items[0].value, &nodes.state);
	/* If it can't be read, there may be any number. */
	if (items.items[1].result == -ENOENT)
		n = 0;
	else if (items.items[1].result == 0)
		(void)pciback_decimal_parse(items.items[1].value, PCIBACK_ENTRIES_MAX, &n);
	items.n = 0;
	for (uint32_t i = 0; i < n; i++) {
		(void)pciback_change_add(&items, PCIBACK_STORE_READ, "dev-%u", (unsigned)i);
		(void)pciback_change_add(&items, PCIBACK_STORE_READ, "opts-%u", (unsigned)i);
	}
	r = n > 0 ? pciback_store_read(backend, items.items, items.n) : 0;
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++) {
		const struct pciback_store_item *dev = &items.items[i * 2], *opts = &items.items[i * 2 + 1];
		struct pciback_entry entry = { .irq = 0 };

		if (dev->result != 0 || pciback_address_parse(dev->value, strlen(dev->value), &nodes.addresses[nodes.n]) < 0)
			continue;
		if (opts->result == 0)
			(void)pciback_entry_read_options(opts->value, &entry);
		nodes.irqs[nodes.n++] = entry.irq;
	}
	*ret_nodes = nodes;
	return 0;
}

static void
add_device(struct pciback_change *change, const struct pciback_wanted *device, size_t number)
{
	char name[PCIBACK_ADDRESS_SIZE], irq[sizeof(",irq=254")] = "";

	pciback_address_format(&device->address, name);
	if (device->irq != 0)
		(void)snprintf(irq, sizeof(irq), ",irq=%u", (unsigned)device->irq);
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "key-%zu", number), "%s", name);
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "dev-%zu", number), "%s", name);
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "opts-%zu", number),
	    "msitranslate=0,power_mgmt=0,permissive=0%s", irq);
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "state-%zu", number), "%d",
	    (int)PCIBACK_XENBUS_INITIALISING);
}

/* Keys and order are those of the nodes that two devices worked with on a NetBSD 11 dom0. The kernel reads no options, so that
 * what is stated of an interrupt stands there as pcibackd writes it. */
int
pciback_kernel_nodes_make(struct pciback_backend *backend, uint16_t domain, const char *name,
    const struct pciback_wanted *devices, size_t n)
{
	struct pciback_change change = { .items = backend->items, .domain = domain };

	(void)pciback_change_add(&change, PCIBACK_STORE_EXPECT_NONE, "state");
	(void)pciback_change_add_in(&change, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_FRONTEND, "");
	pciback_item_value(pciback_change_add_in(&change, PCIBACK_STORE_MAKE, PCIBACK_DIRECTORY_FRONTEND, ""),
	    "n%u,r0", (unsigned)domain);
	pciback_path(pciback_change_add_in(&change, PCIBACK_STORE_WRITE, PCIBACK_DIRECTORY_FRONTEND, "backend")->value,
	    PCIBACK_DIRECTORY_BACKEND, domain, "");
	pciback_item_value(pciback_change_add_in(&change, PCIBACK_STORE_WRITE, PCIBACK_DIRECTORY_FRONTEND,
	    "backend-id"), "0");
	pciback_item_value(pciback_change_add_in(&change, PCIBACK_STORE_WRITE, PCIBACK_DIRECTORY_FRONTEND, "state"),
	    "%d", (int)PCIBACK_XENBUS_INITIALISING);
	(void)pciback_change_add(&change, PCIBACK_STORE_REMOVE, "%s", "");
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_MAKE, "%s", ""), "n0,r%u", (unsigned)domain);
	pciback_path(pciback_change_add(&change, PCIBACK_STORE_WRITE, "frontend")->value, PCIBACK_DIRECTORY_FRONTEND,
	    domain, "");
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "frontend-id"), "%u", (unsigned)domain);
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "online"), "1");
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "domain"), "%s", name);
	for (size_t i = 0; i < n; i++)
		add_device(&change, &devices[i], i);
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "num_devs"), "%zu", n);
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "state"), "%d",
	    (int)PCIBACK_XENBUS_INITIALISING);
	return pciback_store_change(backend, change.items, change.n);
}

int
pciback_kernel_nodes_remove(struct pciback_backend *backend, uint16_t domain, enum pciback_xenbus state)
{
	struct pciback_change change = { .items = backend->items, .domain = domain };

	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_EXPECT, "state"), "%d", (int)state);
	(void)pciback_change_add_in(&change, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_FRONTEND, "");
	(void)pciback_change_add_in(&change, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_DOMAIN, "");
	return pciback_store_change(backend, change.items, change.n);
}
