/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parts.h"

#include <errno.h>
#include <string.h>

/* Registers of a bridge that say which buses are behind it [PCI-PCI bridge 3.2.5]. */
#define BRIDGE_SECONDARY	0x19
#define BRIDGE_SUBORDINATE	0x1a

/* Somebody else's changes that we go along with at once. */
#define STALE_MAX 8

/* Whether the guest finds the bus behind a bridge that it has. */
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
		if (pciback_config_read(&slot->device, BRIDGE_SECONDARY, 1, &secondary) ==
		    PCIBACK_DONE &&
		    pciback_config_read(&slot->device, BRIDGE_SUBORDINATE, 1, &subordinate) ==
		    PCIBACK_DONE && secondary <= (root & 0xff) && (root & 0xff) <= subordinate)
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

/* Exactly four digits of the domain: NetBSD's frontend counts on it. */
static size_t
add_roots(const struct pciback_guest *guest, struct pciback_store_item *items,
    const uint32_t *roots, size_t n)
{
	size_t added = 0;

	if (n == guest->n_roots && memcmp(roots, guest->roots, n * sizeof(roots[0])) == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		pciback_item_set(&items[added], PCIBACK_STORE_WRITE, guest->domain, "root-%zu", i);
		pciback_item_value(&items[added++], "%04x:%02x", (unsigned)(roots[i] >> 8),
		    (unsigned)(roots[i] & 0xff));
	}
	for (size_t i = n; i < guest->n_roots; i++)
		pciback_item_set(&items[added++], PCIBACK_STORE_REMOVE, guest->domain, "root-%zu", i);
	pciback_item_set(&items[added], PCIBACK_STORE_WRITE, guest->domain, "root_num");
	pciback_item_value(&items[added++], "%zu", n);
	return added;
}

/* What is said of one device, if the toolstack has not given its number to another. */
static size_t
add_entry(const struct pciback_guest *guest, struct pciback_store_item *items, size_t number)
{
	const struct pciback_entry *entry = &guest->entries[number];
	const struct pciback_slot *slot;
	char name[PCIBACK_ADDRESS_SIZE];
	size_t added = 0;

	if (!entry->vdev_differs && !entry->state_differs)
		return 0;
	pciback_address_format(&entry->address, name);
	pciback_item_set(&items[added], PCIBACK_STORE_EXPECT, guest->domain, "dev-%zu", number);
	pciback_item_value(&items[added++], "%s", name);
	slot = pciback_backend_slot(guest->backend, &entry->address);
	if (entry->vdev_differs && slot != NULL && slot->guest == guest) {
		pciback_item_set(&items[added], PCIBACK_STORE_WRITE, guest->domain, "vdev-%zu", number);
		pciback_item_value(&items[added++], "%04x:%02x:%02x.%02x",
		    (unsigned)slot->place.domain, (unsigned)slot->place.bus,
		    (unsigned)slot->place.device, (unsigned)slot->place.function);
	}
	if (entry->state_differs) {
		pciback_item_set(&items[added], PCIBACK_STORE_WRITE, guest->domain, "state-%zu", number);
		pciback_item_value(&items[added++], "%d", (int)entry->state);
	}
	return added;
}

int
pciback_guest_publish(struct pciback_guest *guest, enum pciback_xenbus own)
{
	struct pciback_backend *backend = guest->backend;
	struct pciback_store_item *items = backend->items;
	uint32_t roots[PCIBACK_ENTRIES_MAX];
	bool has_devices = own == PCIBACK_XENBUS_INITIALISED || own == PCIBACK_XENBUS_CONNECTED ||
	    own == PCIBACK_XENBUS_RECONFIGURED;
	size_t n = 0, n_expected, n_roots = 0;
	int r;

	/* What is written must not bring back a directory that the toolstack has removed meanwhile. */
	if (guest->own_malformed) {
		pciback_item_set(&items[n], PCIBACK_STORE_EXPECT, guest->domain, "frontend");
		pciback_item_value(&items[n++], "/local/domain/%u/device/pci/0", (unsigned)guest->domain);
	} else {
		pciback_item_set(&items[n], PCIBACK_STORE_EXPECT, guest->domain, "state");
		pciback_item_value(&items[n++], "%d", (int)guest->own);
	}
	n_expected = n;
	for (size_t i = 0; i < guest->n_entries; i++)
		n += add_entry(guest, &items[n], i);
	if (has_devices) {
		n_roots = find_roots(guest, roots);
		n += add_roots(guest, &items[n], roots, n_roots);
	}
	if (own != guest->own) {
		pciback_item_set(&items[n], PCIBACK_STORE_WRITE, guest->domain, "state");
		pciback_item_value(&items[n++], "%d", (int)own);
	}
	if (n == n_expected)
		return 0;
	r = backend->xen.operations->store_change(backend->xen.world, items, n);
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
