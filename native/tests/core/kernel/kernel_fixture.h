/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTS_KERNEL_FIXTURE_H
#define PCIBACK_TESTS_KERNEL_FIXTURE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/kernel_backend.h>

#include "fake_xen.h"

/* A NetBSD dom0 as one was seen: two hidden cards whose firmware says line 10, and whose interrupts are 20 and 21. */

struct kernel_fixture {
	struct fake fake;
	bool is_hidden[2];
	int interrupt_error, visit_error;
	uint32_t interrupts[2];
	struct pciback_kernel_host host;
	char message[PCIBACK_LOG_LINE];
};

static const struct pciback_wanted kernel_cards[2] = {
	{ .address = { .device = 4 } },
	{ .address = { .device = 5 } },
};

static inline bool
kernel_holds(void *world, const struct pciback_address *address)
{
	const struct kernel_fixture *fixture = world;

	return (address->device == 4 || address->device == 5) && fixture->is_hidden[address->device - 4];
}

static inline int
kernel_interrupt(void *world, const struct pciback_address *address, uint32_t *ret_gsi)
{
	const struct kernel_fixture *fixture = world;

	if (fixture->interrupt_error == 0)
		*ret_gsi = fixture->interrupts[address->device - 4];
	return fixture->interrupt_error;
}

/* Each hidden card, as others see it. */
static inline int
kernel_visit(void *world, int (*visit)(void *context, const struct pciback_neighbour *held), void *context)
{
	const struct kernel_fixture *fixture = world;
	int r = fixture->visit_error;

	for (unsigned i = 0; i < 2 && r == 0; i++) {
		const struct fake_device *device = &fixture->fake.xen.devices[i];
		struct pciback_neighbour held = { .address = device->address, .line = fixture->interrupts[i] };

		if (fixture->interrupt_error == -ENOENT)
			held.line = device->config[0x3d] == 0 ? 0 : PCIBACK_NEIGHBOUR_UNTOLD;

		for (unsigned j = 0; j < PCIBACK_RESOURCES; j++)
			if (device->bars[j].kind != PCIBACK_RESOURCE_NONE)
				held.bars[held.n_bars++] = (struct pciback_bar){
					.index = j,
					.kind = device->bars[j].kind == PCIBACK_RESOURCE_IO ? PCIBACK_BAR_IO : PCIBACK_BAR_MEM32,
					.address = device->bars[j].address,
				};
		r = visit(context, &held);
	}
	return r;
}

/* Memory of 128 KiB and 64 ports, no MSI, no way to be reset but that of the double. */
static inline void
kernel_card(struct fake_device *device, unsigned number)
{
	const struct pciback_resource memory = {
		.kind = PCIBACK_RESOURCE_MEM32,
		.address = 0xfeb80000 + number * UINT64_C(0x20000),
		.size = 0x20000,
	};
	const struct pciback_resource ports = {
		.kind = PCIBACK_RESOURCE_IO,
		.address = 0xc140 + number * 0x40u,
		.size = 0x40,
	};

	device->address = kernel_cards[number].address;
	memset(device->config + 0x40, 0, sizeof(device->config) - 0x40);
	memset(device->config + 0x10, 0, 0x18);
	device->config[0x06] = 0;
	device->config[0x34] = 0;
	device->config[0x12] = (uint8_t)(0xb8 + number * 2);
	device->config[0x13] = 0xfe;
	device->config[0x14] = (uint8_t)(0x41 + number * 0x40);
	device->config[0x15] = 0xc1;
	device->config[0x3c] = 10;
	memset(device->bars, 0, sizeof(device->bars));
	device->bars[0] = memory;
	device->bars[1] = ports;
}

/* What the kernel's backend does with nodes that it finds, while somebody waits. */
static inline void
kernel_look(void *world, unsigned milliseconds)
{
	struct fake_xen *xen = world;

	(void)milliseconds;
	for (size_t i = 0; i < xen->n_nodes; i++) {
		struct fake_node *node = &xen->nodes[i];

		if (node->used && strncmp(node->path, PCIBACK_BACKENDS_PATH, strlen(PCIBACK_BACKENDS_PATH)) == 0 &&
		    strcmp(strrchr(node->path, '/'), "/state") == 0 && strcmp(node->value, "1") == 0)
			node->value[0] = '3';
	}
}

/* Domain 1 is called gB, is a PV guest, and has no devices. */
static inline void
kernel_fixture_init(struct kernel_fixture *fixture)
{
	fake_init(&fixture->fake);
	fixture->fake.backend.waits_for_resets = true;
	fixture->fake.xen.pirq_offset = 0;
	fixture->fake.backend.hardware.pause = kernel_look;
	for (unsigned i = 0; i < 2; i++) {
		kernel_card(&fixture->fake.xen.devices[i], i);
		fixture->is_hidden[i] = true;
		fixture->interrupts[i] = 20 + i;
	}
	fixture->interrupt_error = fixture->visit_error = 0;
	fixture->message[0] = '\0';
	fixture->host = (struct pciback_kernel_host){ kernel_holds, kernel_interrupt, kernel_visit, fixture };
	fake_put(&fixture->fake, "/local/domain/1/name", "gB");
	fake_put(&fixture->fake, "/libxl/1/type", "pv");
}

static inline int
kernel_attach(struct kernel_fixture *fixture, uint16_t domain, size_t n)
{
	return pciback_kernel_attach(&fixture->fake.backend, &fixture->host, domain, kernel_cards, n, fixture->message);
}

/* What the kernel's backend does with the nodes, or the toolstack with a domain. */
static inline void
kernel_state(struct kernel_fixture *fixture, const char *state)
{
	fake_write(&fixture->fake, 1, "state", state);
}

#endif
