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
devfn_of(const struct pciback_address *address)
{
	return (uint32_t)address->device << 3 | address->function;
}

/* Whether two functions belong to one physical device. */
static bool
are_siblings(const struct pciback_device_settings *one, const struct pciback_device_settings *other)
{
	return !one->is_virtual_function && !other->is_virtual_function &&
	    one->address.domain == other->address.domain && one->address.bus == other->address.bus &&
	    one->address.device == other->address.device;
}

void
pciback_topology_init(struct pciback_topology *topology, enum pciback_topology_kind kind)
{
	*topology = (struct pciback_topology){ .kind = kind };
}

/* The place for a device in a virtual topology, or -ENOSPC. */
static int
virtual_place(const struct pciback_topology *topology, const struct pciback_device *device,
    struct pciback_address *ret_place)
{
	const struct pciback_device_settings *settings = &device->settings;
	uint32_t taken = 0;

	for (size_t i = 0; i < topology->n_places; i++) {
		const struct pciback_place *place = &topology->places[i];

		if (are_siblings(settings, &place->device->settings)) {
			*ret_place = (struct pciback_address){
				.device = (uint8_t)(place->devfn / 8),
				.function = settings->address.function,
			};
			return 0;
		}
		taken |= UINT32_C(1) << place->devfn / 8;
	}
	for (uint8_t slot = 0; slot < SLOTS; slot++) {
		if ((taken & UINT32_C(1) << slot) == 0) {
			*ret_place = (struct pciback_address){
				.device = slot,
				.function = settings->is_virtual_function ? 0 : settings->address.function,
			};
			return 0;
		}
	}
	return -ENOSPC;
}

/* Whether there is no room for a device: 0, -EEXIST, -ENOSPC. */
static int
check_room(const struct pciback_topology *topology, const struct pciback_device *device)
{
	for (size_t i = 0; i < topology->n_places; i++)
		if (pciback_address_compare(&topology->places[i].device->settings.address, &device->settings.address) == 0)
			return -EEXIST;
	return topology->n_places == PCIBACK_DEVICES_MAX ? -ENOSPC : 0;
}

static void
append(struct pciback_topology *topology, struct pciback_device *device, const struct pciback_address *place)
{
	topology->places[topology->n_places++] = (struct pciback_place){
		.domain = place->domain,
		.bus = place->bus,
		.devfn = devfn_of(place),
		.device = device,
	};
}

int
pciback_topology_add(struct pciback_topology *topology, struct pciback_device *device,
    struct pciback_address *ret_place)
{
	struct pciback_address place = device->settings.address;
	int r = check_room(topology, device);

	if (r < 0)
		return r;
	if (topology->kind == PCIBACK_TOPOLOGY_VIRTUAL && virtual_place(topology, device, &place) < 0)
		return -ENOSPC;
	append(topology, device, &place);
	*ret_place = place;
	return 0;
}

int
pciback_topology_add_at(struct pciback_topology *topology, struct pciback_device *device,
    const struct pciback_address *place)
{
	int r = check_room(topology, device);

	if (r < 0)
		return r;
	if (pciback_topology_find(topology, place->domain, place->bus, devfn_of(place)) != NULL)
		return -EEXIST;
	append(topology, device, place);
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
	topology->places[i] = topology->places[--topology->n_places];
	return 0;
}
