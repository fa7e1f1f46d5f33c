/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/topology.h>

static void
set_address(struct pciback_device *device, const char *name, bool is_virtual_function)
{
	memset(device, 0, sizeof(*device));
	(void)pciback_address_parse(name, strlen(name), &device->settings.address);
	device->settings.is_virtual_function = is_virtual_function;
}

static const struct pciback_device *
device_at(const struct pciback_topology *topology, uint32_t domain, uint32_t bus, uint32_t devfn)
{
	const struct pciback_place *place = pciback_topology_find(topology, domain, bus, devfn);

	return place == NULL ? NULL : place->device;
}

void
test_topology(struct harness *harness)
{
	static const struct {
		const char *real;
		bool is_virtual_function;
		const char *place;	/* in a virtual topology */
	} added[] = {
		{ "0000:03:00.0", false, "0000:00:00.0" },
		{ "0000:05:1f.3", false, "0000:00:01.3" },	/* alone, and keeps its number */
		{ "0000:03:00.1", false, "0000:00:00.1" },	/* of the same card */
		{ "0001:03:00.1", false, "0000:00:02.1" },	/* of another one */
		{ "0000:03:00.2", true, "0000:00:03.0" },
		{ "0000:03:00.3", true, "0000:00:04.0" },
		{ "0000:03:00.7", false, "0000:00:00.7" },
		{ "0000:02:1f.3", false, "0000:00:05.3" },
	};
	static struct pciback_device devices[256];
	static struct pciback_topology topology;
	struct pciback_address place;
	char name[PCIBACK_ADDRESS_SIZE];
	size_t n = sizeof(added) / sizeof(added[0]);

	for (int kind = 0; kind < 2; kind++) {
		pciback_topology_init(&topology, kind == 0 ? PCIBACK_TOPOLOGY_VIRTUAL :
		    PCIBACK_TOPOLOGY_REAL);
		for (size_t i = 0; i < n; i++) {
			set_address(&devices[i], added[i].real, added[i].is_virtual_function);
			CHECK_NUMBER(pciback_topology_add(&topology, &devices[i], &place), 0);
			pciback_address_format(&place, name);
			CHECK_TEXT(name, kind == 0 ? added[i].place : added[i].real);
			CHECK_NUMBER(pciback_topology_add(&topology, &devices[i], &place), -EEXIST);
		}
		for (size_t i = 0; i < n; i++) {
			(void)pciback_address_parse(kind == 0 ? added[i].place : added[i].real, 12, &place);
			CHECK(device_at(&topology, place.domain, place.bus,
			    (uint32_t)place.device << 3 | place.function) == &devices[i]);
			CHECK(device_at(&topology, place.domain + 0x10000U, place.bus,
			    (uint32_t)place.device << 3 | place.function) == NULL);
		}
		CHECK(device_at(&topology, 0, 0, 6) == NULL);
		CHECK(device_at(&topology, 0, 1, 0) == NULL);
		CHECK(device_at(&topology, 0, 0xffffffff, 0) == NULL);
		/* The others keep their places, and a place that is free is given away again. */
		CHECK_NUMBER(pciback_topology_remove(&topology, &devices[1]), 0);
		CHECK_NUMBER(pciback_topology_remove(&topology, &devices[1]), -ENOENT);
		CHECK(kind != 0 || device_at(&topology, 0, 0, 1 << 3 | 3) == NULL);
		CHECK(kind != 0 || device_at(&topology, 0, 0, 5 << 3 | 3) == &devices[7]);
		CHECK(kind == 0 || device_at(&topology, 0, 5, 0x1f << 3 | 3) == NULL);
		CHECK(kind == 0 || device_at(&topology, 0, 2, 0x1f << 3 | 3) == &devices[7]);
		CHECK_NUMBER(pciback_topology_add(&topology, &devices[1], &place), 0);
		CHECK_NUMBER(place.device, kind == 0 ? 1 : 0x1f);
	}

	/* Full: 32 slots, or as many places as there are. */
	pciback_topology_init(&topology, PCIBACK_TOPOLOGY_VIRTUAL);
	for (size_t i = 0; i < 33; i++) {
		memset(&devices[i], 0, sizeof(devices[i]));
		devices[i].settings.address.bus = (uint8_t)(i + 1);
		CHECK_NUMBER(pciback_topology_add(&topology, &devices[i], &place),
		    i < 32 ? 0 : -ENOSPC);
	}
	CHECK_NUMBER(topology.n_places, 32);
	pciback_topology_init(&topology, PCIBACK_TOPOLOGY_REAL);
	for (size_t i = 0; i < 256; i++) {
		memset(&devices[i], 0, sizeof(devices[i]));
		devices[i].settings.address.bus = (uint8_t)(i * 7);
		CHECK_NUMBER(pciback_topology_add(&topology, &devices[i], &place), 0);
	}
	for (uint32_t bus = 0; bus < 256; bus++)
		CHECK(device_at(&topology, 0, bus, 0) != NULL);
	devices[0].settings.address.bus = 1;
	CHECK_NUMBER(pciback_topology_remove(&topology, &devices[0]), 0);
	CHECK(device_at(&topology, 0, 0, 0) == NULL);
	CHECK_NUMBER(topology.n_places, 255);
}
