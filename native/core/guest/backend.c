/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parts.h"

#include <errno.h>
#include <string.h>

/* Domain numbers above are reserved [Xen: DOMID_FIRST_RESERVED is 0x7ff0]. */
#define DOMAIN_MAX 0x7fef

#define DOMAINS_AT_ONCE 64	/* found in one look at the directory of all backends */

struct pciback_guest *
pciback_backend_find(struct pciback_backend *backend, uint16_t domain)
{
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used && backend->guests[i].domain == domain)
			return &backend->guests[i];
	return NULL;
}

struct pciback_slot *
pciback_backend_slot(struct pciback_backend *backend, const struct pciback_address *address)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].guest != NULL &&
		    pciback_address_compare(&backend->slots[i].address, address) == 0)
			return &backend->slots[i];
	return NULL;
}

void
pciback_backend_init(struct pciback_backend *backend)
{
	pciback_slot_operations(&backend->operations);
	if (backend->hardware.operations->power_set == NULL)
		backend->operations.power_set = NULL;
	backend->host = (struct pciback_host){
		.operations = &backend->operations,
		.world = backend,
	};
	backend->look_backends = backend->look_domains = backend->stopping = false;
	backend->is_full = false;
	backend->n_granted = backend->n_taken_back = backend->n_not_taken_back = 0;
}

int
pciback_backend_start(struct pciback_backend *backend, uint64_t now)
{
	const struct pciback_xen *xen = &backend->xen;
	int r;

	backend->now = now;
	r = xen->operations->store_watch(xen->world, PCIBACK_BACKENDS_PATH, PCIBACK_WATCH_BACKENDS);
	if (r == 0)
		r = xen->operations->store_watch(xen->world, PCIBACK_DOMAINS_PATH,
		    PCIBACK_WATCH_DOMAINS);
	backend->look_backends = true;
	return r;
}

/* A guest that the store names; none if the table is full. */
static struct pciback_guest *
add_guest(struct pciback_backend *backend, uint16_t domain)
{
	for (size_t i = 0; i < backend->n_guests; i++) {
		if (backend->guests[i].used)
			continue;
		pciback_guest_init(&backend->guests[i], backend, domain);
		return &backend->guests[i];
	}
	return NULL;
}

/* The domain in a path below the directory of all backends, or 0. */
static uint16_t
domain_of(const char *path)
{
	size_t prefix = strlen(PCIBACK_BACKENDS_PATH);
	char digits[6];
	uint32_t domain;
	size_t length;

	if (strncmp(path, PCIBACK_BACKENDS_PATH "/", prefix + 1) != 0)
		return 0;
	path += prefix + 1;
	length = strcspn(path, "/");
	if (length >= sizeof(digits))
		return 0;
	memcpy(digits, path, length);
	digits[length] = '\0';
	return pciback_decimal_parse(digits, DOMAIN_MAX, &domain) < 0 ? 0 : (uint16_t)domain;
}

void
pciback_backend_watch(struct pciback_backend *backend, const char *path, uint32_t token)
{
	struct pciback_guest *guest;
	uint16_t domain;

	if (token == PCIBACK_WATCH_DOMAINS) {
		backend->look_domains = true;
		return;
	}
	if (token >= PCIBACK_WATCH_FRONTEND) {
		if (token - PCIBACK_WATCH_FRONTEND >= backend->n_guests)
			return;
		guest = &backend->guests[token - PCIBACK_WATCH_FRONTEND];
		guest->look_frontend = guest->moved = guest->used;
		return;
	}
	domain = domain_of(path);
	guest = domain == 0 ? NULL : pciback_backend_find(backend, domain);
	if (guest != NULL)
		guest->look_backend = true;
	else
		backend->look_backends = true;
}

void
pciback_backend_event(struct pciback_backend *backend, uint32_t port)
{
	for (size_t i = 0; i < backend->n_guests; i++) {
		struct pciback_guest *guest = &backend->guests[i];

		if (guest->used && guest->port_bound && guest->port == port)
			guest->event_pending = true;
	}
}

/* Who has a directory in the store? */
static void
look_for_guests(struct pciback_backend *backend)
{
	const struct pciback_xen *xen = &backend->xen;
	uint16_t domains[DOMAINS_AT_ONCE];
	size_t n = 0;
	int r;

	backend->look_backends = false;
	r = xen->operations->store_list(xen->world, PCIBACK_BACKENDS_PATH, domains, DOMAINS_AT_ONCE,
	    &n);
	if (r == -ENOENT)
		n = 0;
	else if (r < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, PCIBACK_BACKENDS_PATH
		    " can't be read: error %d", -r);
	for (size_t i = 0; i < n && i < DOMAINS_AT_ONCE; i++) {
		if (domains[i] == 0 || domains[i] > DOMAIN_MAX ||
		    pciback_backend_find(backend, domains[i]) != NULL)
			continue;
		if (add_guest(backend, domains[i]) != NULL)
			continue;
		if (!backend->is_full)
			pciback_backend_log(backend, PCIBACK_LOG_ERROR, domains[i],
			    "is one guest too many: %zu are handled", backend->n_guests);
		backend->is_full = true;
	}
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used)
			backend->guests[i].look_backend = true;
}

int
pciback_backend_run(struct pciback_backend *backend, uint64_t now)
{
	int wait = -1;

	backend->now = now;
	if (backend->look_domains) {
		backend->look_domains = false;
		for (size_t i = 0; i < backend->n_guests; i++)
			backend->guests[i].look_life = backend->guests[i].used;
	}
	if (backend->look_backends && !backend->stopping)
		look_for_guests(backend);
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used)
			wait = pciback_sooner(wait, pciback_guest_run(&backend->guests[i]));
	for (size_t i = 0; i < backend->n_jobs; i++)
		wait = pciback_sooner(wait, pciback_job_run(backend, &backend->jobs[i]));
	/* What was done, or came in while Xen was asked, may be news to a guest that had its turn. */
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used && pciback_guest_is_due(&backend->guests[i]))
			wait = 0;
	return (backend->look_backends && !backend->stopping) || backend->look_domains ? 0 : wait;
}

void
pciback_backend_stop(struct pciback_backend *backend, uint64_t now)
{
	backend->now = now;
	backend->stopping = true;
	for (size_t i = 0; i < backend->n_guests; i++)
		backend->guests[i].look_life = backend->guests[i].used;
}

bool
pciback_backend_idle(const struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].guest != NULL)
			return false;
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used && backend->guests[i].page != NULL)
			return false;
	return true;
}

void
pciback_backend_end(struct pciback_backend *backend, uint64_t now)
{
	const struct pciback_xen *xen = &backend->xen;

	backend->now = now;
	for (size_t i = 0; i < backend->n_guests; i++) {
		struct pciback_guest *guest = &backend->guests[i];
		struct pciback_store_item item;

		if (!guest->used)
			continue;
		guest->log.now = now;
		pciback_guest_release(guest);
		if (guest->phase == PCIBACK_PHASE_READY || guest->phase == PCIBACK_PHASE_CONNECTED ||
		    guest->phase == PCIBACK_PHASE_RECONFIGURED)
			(void)pciback_guest_publish(guest, PCIBACK_XENBUS_CLOSING);
		if (guest->watched) {
			pciback_item_set(&item, PCIBACK_STORE_READ, guest->domain,
			    "/local/domain/%u/device/pci/0/state", (unsigned)guest->domain);
			(void)xen->operations->store_unwatch(xen->world, item.path,
			    PCIBACK_WATCH_FRONTEND + (uint32_t)i);
		}
		guest->used = false;
	}
	(void)xen->operations->store_unwatch(xen->world, PCIBACK_BACKENDS_PATH,
	    PCIBACK_WATCH_BACKENDS);
	(void)xen->operations->store_unwatch(xen->world, PCIBACK_DOMAINS_PATH,
	    PCIBACK_WATCH_DOMAINS);
}

int
pciback_backend_report(struct pciback_backend *backend, const struct pciback_address *address,
    enum pciback_command command, int32_t state, uint64_t now)
{
	struct pciback_slot *slot = pciback_backend_slot(backend, address);
	struct pciback_guest *guest;
	int r;

	if (slot == NULL || slot->guest->page == NULL)
		return -ENOENT;
	guest = slot->guest;
	/* A page that was only just mapped has no channel. */
	if (guest->phase != PCIBACK_PHASE_CONNECTED && guest->phase != PCIBACK_PHASE_RECONFIGURED &&
	    guest->phase != PCIBACK_PHASE_LEAVING)
		return -ENOENT;
	if (guest->report.is_out)
		return -EBUSY;
	r = pciback_aer_send(&guest->channel, command, state, &slot->place);
	if (r < 0)
		return r;
	guest->report = (struct pciback_report){
		.is_out = true,
		.address = *address,
		.command = command,
		.deadline = now + PCIBACK_WAIT_REPORT,
	};
	return 0;
}
