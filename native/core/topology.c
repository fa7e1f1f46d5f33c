/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/topology.h>

#include <errno.h>

#define SLOTS 32

static uint32_t
key_of(const struct pciback_address *address)
{
	return (uint32_t)address->domain << 16 | (uint32_t)address->bus << 8 |
	    (uint32_t)address->device << 3 | address->function;
}

static struct pciback_address
address_of(uint32_t key)
{
	return (struct pciback_address){
		.domain = (uint16_t)(key >> 16),
		.bus = (uint8_t)(key >> 8),
		.device = (uint8_t)(key >> 3 & 0x1f),
		.function = (uint8_t)(key & 7),
	};
}

void
pciback_topology_init(struct pciback_topology *topology, enum pciback_topology_kind kind)
{
	*topology = (struct pciback_topology){ .kind = kind };
}

/* The first place whose key is not below `key`. */
static size_t
search(const struct pciback_topology *topology, uint32_t key)
{
	size_t low = 0, high = topology->n_places;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (topology->places[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The key for a device in a virtual topology, or -ENOSPC. */
static int
virtual_key(const struct pciback_topology *topology, const struct pciback_device *device,
    uint32_t *ret_key)
{
	const struct pciback_device_settings *settings = &device->settings;
	uint32_t real = key_of(&settings->address), taken = 0;

	for (size_t i = 0; i < topology->n_places; i++) {
		const struct pciback_place *place = &topology->places[i];
		const struct pciback_device_settings *other = &place->device->settings;

		if (!settings->is_virtual_function && !other->is_virtual_function &&
		    (key_of(&other->address) ^ real) <= 7) {
			*ret_key = (place->key & ~UINT32_C(7)) | (real & 7);
			return 0;
		}
		taken |= UINT32_C(1) << place->key / 8;
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		if ((taken & UINT32_C(1) << slot) == 0) {
			*ret_key = slot * 8 + (settings->is_virtual_function ? 0 : (real & 7));
			return 0;
		}
	}
	return -ENOSPC;
}

/* Whether there is no room for a device: 0, -EEXIST, -ENOSPC. */
static int
check_room(const struct pciback_topology *topology, const struct pciback_device *device)
{
	uint32_t key = key_of(&device->settings.address);

	for (size_t i = 0; i < topology->n_places; i++)
		if (key_of(&topology->places[i].device->settings.address) == key)
			return -EEXIST;
	return topology->n_places == PCIBACK_DEVICES_MAX ? -ENOSPC : 0;
}

static void
insert(struct pciback_topology *topology, struct pciback_device *device, uint32_t key)
{
	size_t place = search(topology, key);

	for (size_t i = topology->n_places++; i > place; i--)
		topology->places[i] = topology->places[i - 1];
	topology->places[place] = (struct pciback_place){ .key = key, .device = device };
}

int
pciback_topology_add(struct pciback_topology *topology, struct pciback_device *device,
    struct pciback_address *ret_place)
{
	uint32_t key = key_of(&device->settings.address);
	int r = check_room(topology, device);

	if (r < 0)
		return r;
	if (topology->kind == PCIBACK_TOPOLOGY_VIRTUAL && virtual_key(topology, device, &key) < 0)
		return -ENOSPC;
	insert(topology, device, key);
	*ret_place = address_of(key);
	return 0;
}

int
pciback_topology_add_at(struct pciback_topology *topology, struct pciback_device *device,
    const struct pciback_address *place)
{
	uint32_t key = key_of(place);
	size_t found = search(topology, key);
	int r = check_room(topology, device);

	if (r < 0)
		return r;
	if (found < topology->n_places && topology->places[found].key == key)
		return -EEXIST;
	insert(topology, device, key);
	return 0;
}

int
pciback_topology_remove(struct pciback_topology *topology, const struct pciback_device *device)
{
	size_t i = 0;

	while (i < topology->n_places && topology->places[i].device != device)
		i++;
	if (i == topology->n_places)
		return -ENOENT;
	for (topology->n_places--; i < topology->n_places; i++)
		topology->places[i] = topology->places[i + 1];
	return 0;
}
