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

#include "../guest/error.h"
#include "../guest/guest.h"
#include "../guest/slot.h"
#include "../guest/store.h"
#include "hold.h"
#include "nodes.h"

/* Milliseconds between two looks at the store. */
#define LOOK 50

/* What has to be known of the domain, and is asked first. */
static int
check_domain(struct pciback_backend *backend, uint16_t domain, char name[PCIBACK_STORE_VALUE],
    char message[PCIBACK_LOG_LINE])
{
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_store_item *items = backend->items;
	enum pciback_life life = PCIBACK_LIFE_GONE;
	struct pciback_kernel_nodes nodes;
	int r = xen->operations->domain_life(xen->world, domain, &life);

	if (r == 0 && life != PCIBACK_LIFE_RUNNING) {
		(void)snprintf(message, PCIBACK_LOG_LINE, "domain %u is not there, or ends just now", (unsigned)domain);
		return -ESRCH;
	}
	if (r == 0)
		r = pciback_kernel_nodes_read(backend, domain, &nodes);
	if (r == 0 && nodes.exists) {
		(void)snprintf(message, PCIBACK_LOG_LINE, "domain %u has devices, and the kernel's backend takes no more: it reads "
		    "their number once; start the guest anew with all of them", (unsigned)domain);
		return -EEXIST;
	}
	pciback_item_set(&items[0], PCIBACK_STORE_READ, PCIBACK_DIRECTORY_GUEST, domain, "name");
	pciback_item_set(&items[1], PCIBACK_STORE_READ, PCIBACK_DIRECTORY_LIBXL, domain, "type");
	if (r == 0)
		r = pciback_store_read(backend, items, 2);
	if (r == 0)
		r = items[0].result;
	if (r < 0) {
		(void)snprintf(message, PCIBACK_LOG_LINE, "domain %u can't be looked at: %s", (unsigned)domain, strerror(-r));
		return r;
	}
	/* Other toolstacks do not write it. */
	if (items[1].result == 0 && strcmp(items[1].value, "pv") != 0) {
		(void)snprintf(message, PCIBACK_LOG_LINE, "domain %u is of type %.8s, and the kernel's backend serves PV guests "
		    "alone", (unsigned)domain, items[1].value);
		return -EINVAL;
	}
	memcpy(name, items[0].value, PCIBACK_STORE_VALUE);
	return 0;
}

static int
give(struct pciback_guest *guest, const struct pciback_wanted *device, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_entry entry = {
		.address = device->address,
		.state = PCIBACK_XENBUS_INITIALISING,
		.valid = true,
		.rdm_relaxed = device->rdm_relaxed,
	};
	int r = pciback_slot_give(guest, &entry, message);

	/* Restored from what it was, it has the firmware's. */
	return r < 0 ? r : pciback_kernel_write_line(pciback_backend_taken(guest->backend, &device->address), message);
}

/*
 * Whether the kernel's backend has begun, or a negative errno: -ETIMEDOUT when it has not even looked at the nodes, which
 * are gone again then. What happens later is between it and the frontend.
 */
static int
wait_until_ready(struct pciback_backend *backend, uint16_t domain, char message[PCIBACK_LOG_LINE])
{
	struct pciback_kernel_nodes nodes = { .state = PCIBACK_XENBUS_INITIALISING };
	int r;

	for (unsigned waited = 0; waited < PCIBACK_KERNEL_WAIT_LOOK; waited += LOOK) {
		r = pciback_kernel_nodes_read(backend, domain, &nodes);
		if (r == 0 && nodes.state != PCIBACK_XENBUS_INITIALISING && nodes.state != PCIBACK_XENBUS_INIT_WAIT)
			return 0;
		backend->hardware.pause(backend->hardware.world, LOOK);
	}
	r = nodes.state == PCIBACK_XENBUS_INITIALISING ?
	    pciback_kernel_nodes_remove(backend, domain, PCIBACK_XENBUS_INITIALISING) : -EIO;
	if (r == 0) {
		(void)snprintf(message, PCIBACK_LOG_LINE, "the kernel's backend has not looked at the nodes of domain %u, which are "
		    "gone again; does dmesg say why?", (unsigned)domain);
		return -ETIMEDOUT;
	}
	(void)snprintf(message, PCIBACK_LOG_LINE, "the kernel's backend has stopped half-way with domain %u, as dmesg may explain; "
	    "leave that domain alone until the next boot", (unsigned)domain);
	return -EIO;
}

int
pciback_kernel_attach(struct pciback_backend *backend, const struct pciback_kernel_host *host, uint16_t domain,
    const struct pciback_wanted *devices, size_t n, char message[PCIBACK_LOG_LINE])
{
	struct pciback_guest *guest = &backend->guests[0];
	char name[PCIBACK_STORE_VALUE];
	int r = check_domain(backend, domain, name, message);

	for (size_t i = 0; i < n && r == 0; i++) {
		if (!devices[i].permissive)
			continue;
		pciback_error_explain(message, &devices[i].address, "can't be permissive: the kernel's backend has no such option, "
		    "and lets a guest write to each register");
		r = -EINVAL;
	}
	if (r < 0)
		return r;
	pciback_guest_init(guest, backend, domain);
	for (size_t i = 0; i < n && r == 0; i++)
		r = pciback_kernel_hold(backend, host, &devices[i], message);
	for (size_t i = 0; i < n && r == 0; i++)
		r = give(guest, &devices[i], message);
	if (r == 0) {
		r = pciback_kernel_nodes_make(backend, domain, name, devices, n);
		if (r < 0)
			(void)snprintf(message, PCIBACK_LOG_LINE, "the nodes of domain %u can't be written: %s", (unsigned)domain,
			    r == -ESTALE ? "somebody else has just written some" : strerror(-r));
	}
	if (r < 0) {
		pciback_kernel_let_go(backend);
		return r;
	}
	r = wait_until_ready(backend, domain, message);
	if (r == -ETIMEDOUT)
		pciback_kernel_let_go(backend);
	else
		pciback_slot_give_up(backend);
	return r;
}
