/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "publish.h"

#include <errno.h>
#include <string.h>

#include <pciback/policy.h>
#include <pciback/registers.h>

#include "store.h"

/* Changes by others, one after the other, that are looked at at once. */
#define STALE_MAX 8

/* Whether a bus, domain << 8 | bus, is behind a bridge that the guest has. */
static bool
is_behind_bridge(const struct pciback_guest *guest, uint32_t root)
{
	struct pciback_backend *backend = guest->backend;

	for (size_t i = 0; i < backend->n_slots; i++) {
		struct pciback_slot *slot = &backend->slots[i];
		uint32_t secondary, subordinate;

		if (slot->guest != guest || !slot->is_placed || slot->device.header_type != 1 ||
		    slot->place.domain != root >> 8)
			continue;
		if (pciback_config_read(&slot->device, REG_BRIDGE_SECONDARY, 1, &secondary) !=
		    PCIBACK_DONE || pciback_config_read(&slot->device, REG_BRIDGE_SUBORDINATE, 1,
		    &subordinate) != PCIBACK_DONE)
			continue;
		if (secondary <= (root & 0xff) && (root & 0xff) <= subordinate)
			return true;
	}
	return false;
}

/* The buses where the guest starts to look for devices; returns how many. */
static size_t
find_roots(const struct pciback_guest *guest, uint32_t roots[PCIBACK_ENTRIES_MAX])
{
	const struct pciback_backend *backend = guest->backend;
	size_t n = 0;

	if (guest->topology.kind == PCIBACK_TOPOLOGY_VIRTUAL) {
		roots[0] = 0;
		return 1;
	}
	for (size_t i = 0; i < backend->n_slots && n < PCIBACK_ENTRIES_MAX; i++) {
		const struct pciback_slot *slot = &backend->slots[i];
		uint32_t root;
		bool known = false;

		if (slot->guest != guest || !slot->is_placed)
			continue;
		root = (uint32_t)slot->place.domain << 8 | slot->place.bus;
		for (size_t j = 0; j < n; j++)
			known = known || roots[j] == root;
		if (!known && !is_behind_bridge(guest, root))
			roots[n++] = root;
	}
	return n;
}

/* Exactly four digits of the domain, which NetBSD's frontend requires. */
static void
add_roots(const struct pciback_guest *guest, struct pciback_change *change, const uint32_t *roots,
    size_t n)
{
	if (n == guest->n_roots && memcmp(roots, guest->roots, n * sizeof(roots[0])) == 0)
		return;
	for (size_t i = 0; i < n; i++)
		pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "root-%zu", i),
		    "%04x:%02x", (unsigned)(roots[i] >> 8), (unsigned)(roots[i] & 0xff));
	for (size_t i = n; i < guest->n_roots; i++)
		(void)pciback_change_add(change, PCIBACK_STORE_REMOVE, "root-%zu", i);
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "root_num"), "%zu", n);
}

/* What is said of one device, if the toolstack has not given its number to another. */
static void
add_entry(const struct pciback_guest *guest, struct pciback_change *change, size_t number)
{
	const struct pciback_entry *entry = &guest->entries[number];
	const struct pciback_slot *slot;
	char name[PCIBACK_ADDRESS_SIZE];

	if (!entry->vdev_differs && !entry->state_differs)
		return;
	pciback_address_format(&entry->address, name);
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_EXPECT, "dev-%zu", number), "%s",
	    name);
	slot = pciback_backend_slot(guest->backend, &entry->address);
	if (entry->vdev_differs && slot != NULL && slot->guest == guest)
		pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "vdev-%zu", number),
		    "%04x:%02x:%02x.%02x", (unsigned)slot->place.domain, (unsigned)slot->place.bus,
		    (unsigned)slot->place.device, (unsigned)slot->place.function);
	if (entry->state_differs)
		pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "state-%zu", number),
		    "%d", (int)entry->state);
}

int
pciback_guest_publish(struct pciback_guest *guest, enum pciback_xenbus own)
{
	struct pciback_backend *backend = guest->backend;
	struct pciback_change change = { .items = backend->items, .domain = guest->domain };
	uint32_t roots[PCIBACK_ENTRIES_MAX];
	bool has_devices = own == PCIBACK_XENBUS_INITIALISED || own == PCIBACK_XENBUS_CONNECTED ||
	    own == PCIBACK_XENBUS_RECONFIGURED;
	size_t n_roots = 0;
	int r;

	/* What is written must not bring back a directory that the toolstack has removed meanwhile. */
	if (guest->own_malformed)
		pciback_path(pciback_change_add(&change, PCIBACK_STORE_EXPECT, "frontend")->value,
		    PCIBACK_DIRECTORY_FRONTEND, guest->domain, "");
	else
		pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_EXPECT, "state"), "%d",
		    (int)guest->own);
	for (size_t i = 0; i < guest->n_entries; i++)
		add_entry(guest, &change, i);
	if (has_devices) {
		n_roots = find_roots(guest, roots);
		add_roots(guest, &change, roots, n_roots);
	}
	if (own != guest->own)
		pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "state"), "%d",
		    (int)own);
	if (change.n == 1)
		return 0;
	r = pciback_store_change(backend, change.items, change.n);
	if (r < 0) {
		/* Decided on what is no longer so, or not to be written now: look again. */
		guest->look_backend = true;
		if (r != -ESTALE || ++guest->n_stale >= STALE_MAX)
			guest->retry = backend->now + 1000;
		return r;
	}
	guest->n_stale = 0;
	guest->own_malformed = guest->own_malformed && own == guest->own;
	guest->own = own;
	for (size_t i = 0; i < guest->n_entries; i++)
		guest->entries[i].vdev_differs = guest->entries[i].state_differs = false;
	if (has_devices) {
		guest->n_roots = n_roots;
		memcpy(guest->roots, roots, n_roots * sizeof(roots[0]));
	}
	return 0;
}
