/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TOPOLOGY_H
#define PCIBACK_TOPOLOGY_H

/*
 * Where a guest sees its devices.
 */

#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/device.h>

/* How a guest sees its devices [Linux]. */
enum pciback_topology_kind {
	PCIBACK_TOPOLOGY_VIRTUAL,	/* on bus 0 of domain 0, 32 slots */
	PCIBACK_TOPOLOGY_REAL,		/* where they are */
};

#define PCIBACK_DEVICES_MAX 256

/* Devices that the store may name for one guest. A virtual topology has no room for many more. */
#define PCIBACK_ENTRIES_MAX 64

/* Where a guest sees a device, in the numbers that its requests have. */
struct pciback_place {
	uint32_t domain, bus, devfn;	/* devfn: device << 3 | function */
	struct pciback_device *device;
};

struct pciback_topology {
	enum pciback_topology_kind kind;
	size_t n_places;
	struct pciback_place places[PCIBACK_DEVICES_MAX];	/* in no order */
};

/* A topology without devices. */
void pciback_topology_init(struct pciback_topology *topology, enum pciback_topology_kind kind);

/*
 * Gives a device its place, which is then in *ret_place. In a virtual topology the functions of one physical
 * device share a slot and keep their numbers, as a lone function does; a virtual function of
 * SR-IOV becomes function 0 of a slot of its own. The device is kept, not copied.
 * Returns 0, -EEXIST (it has a place), or -ENOSPC.
 */
int pciback_topology_add(struct pciback_topology *topology, struct pciback_device *device,
    struct pciback_address *ret_place);

/* The same for a place that was given before, in this process or another. -EEXIST also if somebody has it. */
int pciback_topology_add_at(struct pciback_topology *topology, struct pciback_device *device,
    const struct pciback_address *place);

/* Takes a device's place away; the others keep theirs. Returns 0 or -ENOENT. */
int pciback_topology_remove(struct pciback_topology *topology,
    const struct pciback_device *device);

/*
 * Who has a place, or NULL. Numbers as in a request: any of them may be out of range. Inline, since every
 * request asks; one place after the other, since most guests have one device, or two.
 */
static inline const struct pciback_place *
pciback_topology_find(const struct pciback_topology *topology, uint32_t domain, uint32_t bus,
    uint32_t devfn)
{
	const struct pciback_place *end = topology->places + topology->n_places;

	for (const struct pciback_place *place = topology->places; place != end; place++)
		if (place->devfn == devfn && place->bus == bus && place->domain == domain)
			return place;
	return NULL;
}

#endif
