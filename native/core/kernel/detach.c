/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/kernel_backend.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/registers.h>

#include "../guest/error.h"
#include "../guest/ledger.h"
#include "hold.h"
#include "nodes.h"

/* Milliseconds between two looks at the store. */
#define LOOK 100

static int
explain(uint16_t domain, int error, const char *what, char message[PCIBACK_LOG_LINE])
{
	(void)snprintf(message, PCIBACK_LOG_LINE, "domain %u %s", (unsigned)domain, what);
	return error;
}

/* Whether the kernel's backend is through with the domain. Of a domain that is gone it is soon. */
static int
wait_until_closed(struct pciback_backend *backend, uint16_t domain, struct pciback_kernel_nodes *ret_nodes,
    enum pciback_life *ret_life, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_xen *xen = &backend->xen;

	for (unsigned waited = 0; waited <= PCIBACK_KERNEL_WAIT; waited += LOOK) {
		int r = xen->operations->domain_life(xen->world, domain, ret_life);

		if (r == 0)
			r = pciback_kernel_nodes_read(backend, domain, ret_nodes);
		if (r < 0) {
			(void)snprintf(message, PCIBACK_LOG_LINE, "whether domain %u has closed can't be seen: %s", (unsigned)domain,
			    strerror(-r));
			return r;
		}
		if (!ret_nodes->exists)
			return explain(domain, -ENOENT, "has no devices of the kernel's backend", message);
		if (ret_nodes->state == PCIBACK_XENBUS_CLOSED)
			return 0;
		if (ret_nodes->state != PCIBACK_XENBUS_CONNECTED && ret_nodes->state != PCIBACK_XENBUS_CLOSING &&
		    *ret_life == PCIBACK_LIFE_GONE)
			return explain(domain, -EBUSY, "is gone and had never connected: its nodes stay until the next boot, "
			    "because dom0's kernel panics when they go", message);
		if (ret_nodes->state != PCIBACK_XENBUS_CONNECTED && ret_nodes->state != PCIBACK_XENBUS_CLOSING)
			return explain(domain, -EBUSY, "has not connected yet, and dom0's kernel would panic; let its kernel find the "
			    "devices, then shut it down", message);
		if (*ret_life != PCIBACK_LIFE_GONE)
			return explain(domain, -EBUSY, "uses its devices, and the kernel's backend can't take them from it; shut the "
			    "domain down first", message);
		backend->hardware.pause(backend->hardware.world, LOOK);
	}
	return explain(domain, -ETIMEDOUT, "is gone, and the kernel's backend has not let go of it within 15 seconds; try "
	    "once more", message);
}

/* The interrupt that the device was granted with: what its owner stated then, or what the kernel says. */
static int
find_granted_line(struct pciback_backend *backend, const struct pciback_kernel_host *host, uint8_t stated,
    struct pciback_device_settings *settings, char message[PCIBACK_LOG_LINE])
{
	int r = 0;

	if (stated != 0)
		settings->interrupt_line = stated;
	else
		r = pciback_kernel_find_line(backend, host, settings, 0, message);
	if (r == -ENOENT)
		pciback_error_explain(message, &settings->address, "can't be taken back: the kernel's messages of this boot "
		    "don't tell its interrupt any more; destroy the domain, then detach");
	return r;
}

/* The device of that number among a domain's nodes, as it was granted, so that it can be taken back. */
static int
open_granted(struct pciback_backend *backend, const struct pciback_kernel_host *host, uint16_t domain,
    const struct pciback_kernel_nodes *nodes, size_t number, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_address *address = &nodes->addresses[number];
	struct pciback_slot *slot = &backend->slots[number];
	const struct pciback_hardware *hardware = &backend->hardware;
	uint32_t line, command = 0;
	int r;

	memset(slot, 0, sizeof(*slot));
	slot->backend = backend;
	slot->address = *address;
	slot->domain = domain;
	r = hardware->open(hardware->world, address, &slot->settings);
	if (r < 0) {
		pciback_error_explain(message, address, "can't be opened to take it back: %s", strerror(-r));
		return r;
	}
	slot->is_taken = true;
	/* It stops writing to memory before memory stops being its guest's. */
	r = hardware->operations->config_read(hardware->world, slot->settings.handle, REG_COMMAND, 2, &command);
	if (r == 0)
		r = hardware->operations->config_write(hardware->world, slot->settings.handle, REG_COMMAND, 2,
		    command & ~(uint32_t)COMMAND_MASTER);
	if (r < 0) {
		pciback_error_explain(message, address, "can't be kept from writing to memory: %s", strerror(-r));
		return r;
	}
	r = find_granted_line(backend, host, nodes->irqs[number], &slot->settings, message);
	if (r < 0)
		return r;
	/* In the order in which it was granted. There is room for all of it. */
	line = slot->settings.interrupt_line;
	(void)pciback_ledger_add_granted(slot, PCIBACK_PERMISSION_DEVICE, 0, 0);
	for (unsigned i = 0; i <= PCIBACK_RESOURCES; i++) {
		const struct pciback_resource *resource = pciback_settings_resource(&slot->settings, i);
		uint64_t first, n;

		if (resource->kind == PCIBACK_RESOURCE_IO)
			(void)pciback_ledger_add_granted(slot, PCIBACK_PERMISSION_IOPORT, resource->address,
			    resource->size);
		else if (pciback_resource_frames(resource, &first, &n))
			(void)pciback_ledger_add_granted(slot, PCIBACK_PERMISSION_IOMEM, first, n);
	}
	if (line != 0) {
		(void)pciback_ledger_add_granted(slot, PCIBACK_PERMISSION_PIRQ, line, line);
		(void)pciback_ledger_add_granted(slot, PCIBACK_PERMISSION_IRQ, line, 1);
	}
	return 0;
}

/* Of a domain that is there still. */
static int
revoke(struct pciback_backend *backend, const struct pciback_kernel_host *host, uint16_t domain,
    const struct pciback_kernel_nodes *nodes, char message[PCIBACK_LOG_LINE])
{
	int r = nodes->n > backend->n_slots ? -ENOSPC : 0;

	if (r < 0)
		(void)explain(domain, r, "has more devices than there is room for", message);
	for (size_t i = 0; i < nodes->n && r == 0; i++)
		r = open_granted(backend, host, domain, nodes, i, message);
	for (size_t i = 0; i < nodes->n && r == 0; i++) {
		if (pciback_ledger_revoke(&backend->slots[i], 0))
			continue;
		r = -EPERM;
		(void)explain(domain, r, "keeps some of what it has of its devices: Xen does not take it back; destroy the domain",
		    message);
	}
	for (size_t i = 0; i < nodes->n && i < backend->n_slots; i++) {
		struct pciback_slot *slot = &backend->slots[i];

		if (slot->is_taken)
			backend->hardware.release(backend->hardware.world, slot->settings.handle, false);
		slot->is_taken = false;
	}
	return r;
}

int
pciback_kernel_detach(struct pciback_backend *backend, const struct pciback_kernel_host *host, uint16_t domain,
    struct pciback_address *ret_addresses, size_t *ret_n, char message[PCIBACK_LOG_LINE])
{
	struct pciback_kernel_nodes nodes = { .n = 0 };
	enum pciback_life life = PCIBACK_LIFE_RUNNING;
	int r = wait_until_closed(backend, domain, &nodes, &life, message);

	if (r < 0)
		return r;
	if (life == PCIBACK_LIFE_RUNNING && (backend->allow & PCIBACK_ALLOW_KEPT_MAPPINGS) == 0)
		return explain(domain, -EPERM, "lives, and may have its devices' memory mapped still; shut it down, or allow "
		    "kept-mappings if you trust it", message);
	/* Of one that is gone Xen has taken back everything. */
	if (life != PCIBACK_LIFE_GONE)
		r = revoke(backend, host, domain, &nodes, message);
	if (r < 0)
		return r;
	r = pciback_kernel_nodes_remove(backend, domain, PCIBACK_XENBUS_CLOSED);
	if (r < 0) {
		(void)snprintf(message, PCIBACK_LOG_LINE, "the nodes of domain %u can't be removed: %s", (unsigned)domain,
		    r == -ESTALE ? "somebody else has just written to them" : strerror(-r));
		return r;
	}
	memcpy(ret_addresses, nodes.addresses, nodes.n * sizeof(nodes.addresses[0]));
	*ret_n = nodes.n;
	return 0;
}
