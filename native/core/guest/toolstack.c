/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "toolstack.h"

#include <errno.h>
#include <stdio.h>

#include "store.h"

/* The keys of one device; a later one takes the number of one that goes. */
static const char *const keys[] = { "key", "dev", "vdev", "vdevfn", "opts", "name", "state" };

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

bool
pciback_job_has(const struct pciback_job *job, const struct pciback_address *address)
{
	for (size_t i = 0; i < job->n; i++)
		if (pciback_address_compare(&job->devices[i].address, address) == 0)
			return true;
	return false;
}

/* Whoever serves the guest after this process is to know what its owner allows and states for the device. */
static void
add_options(struct pciback_change *change, struct pciback_backend *backend, const struct pciback_wanted *device,
    size_t number)
{
	const struct pciback_slot *slot = pciback_backend_taken(backend, &device->address);
	unsigned consent = slot != NULL ? slot->consent : 0;
	char allow[PCIBACK_ALLOW_SIZE], irq[sizeof(",irq=254")] = "";

	if (slot != NULL && slot->irq != 0)
		(void)snprintf(irq, sizeof(irq), ",irq=%u", (unsigned)slot->irq);
	pciback_allow_format(consent, '+', allow);
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "opts-%zu", number),
	    "msitranslate=0,power_mgmt=0,permissive=%d,rdm_policy=%s%s%s%s", device->permissive,
	    device->rdm_relaxed ? "relaxed" : "strict", irq, consent != 0 ? ",allow=" : "", allow);
}

/* The entries of a job's devices, under the numbers from `first` on, and how many there are then. */
static void
add_devices(struct pciback_change *change, struct pciback_backend *backend, const struct pciback_job *job,
    size_t first)
{
	for (size_t i = 0; i < job->n; i++) {
		char name[PCIBACK_ADDRESS_SIZE];
		size_t number = first + i;

		pciback_address_format(&job->devices[i].address, name);
		pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "key-%zu", number),
		    "%s", name);
		pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "dev-%zu", number),
		    "%s", name);
		add_options(change, backend, &job->devices[i], number);
		pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "state-%zu", number),
		    "%d", (int)PCIBACK_XENBUS_INITIALISING);
	}
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "num_devs"), "%zu",
	    first + job->n);
}

int
pciback_toolstack_create(struct pciback_backend *backend, const struct pciback_job *job)
{
	struct pciback_change change = { .items = backend->items, .domain = job->domain };
	unsigned domain = job->domain;

	(void)pciback_change_add(&change, PCIBACK_STORE_EXPECT_NONE, "state");
	(void)pciback_change_add(&change, PCIBACK_STORE_REMOVE, "%s", "");
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_MAKE, "%s", ""), "n0,r%u", domain);
	pciback_path(pciback_change_add(&change, PCIBACK_STORE_WRITE, "frontend")->value,
	    PCIBACK_DIRECTORY_FRONTEND, job->domain, "");
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "frontend-id"), "%u",
	    domain);
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "online"), "1");
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "state"), "%d",
	    (int)PCIBACK_XENBUS_INITIALISING);
	(void)pciback_change_add_in(&change, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_FRONTEND, "");
	pciback_item_value(pciback_change_add_in(&change, PCIBACK_STORE_MAKE,
	    PCIBACK_DIRECTORY_FRONTEND, ""), "n%u,r0", domain);
	pciback_path(pciback_change_add_in(&change, PCIBACK_STORE_WRITE, PCIBACK_DIRECTORY_FRONTEND,
	    "backend")->value, PCIBACK_DIRECTORY_BACKEND, job->domain, "");
	pciback_item_value(pciback_change_add_in(&change, PCIBACK_STORE_WRITE,
	    PCIBACK_DIRECTORY_FRONTEND, "backend-id"), "0");
	pciback_item_value(pciback_change_add_in(&change, PCIBACK_STORE_WRITE,
	    PCIBACK_DIRECTORY_FRONTEND, "state"), "%d", (int)PCIBACK_XENBUS_INITIALISING);
	add_devices(&change, backend, job, 0);
	return pciback_store_change(backend, change.items, change.n);
}

/* A change to a guest that is right only if its number of devices is the one that is known. */
static struct pciback_change
begin(const struct pciback_guest *guest)
{
	struct pciback_change change = { .items = guest->backend->items, .domain = guest->domain };

	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_EXPECT, "num_devs"), "%zu",
	    guest->n_entries);
	return change;
}

/* And its state. */
static void
expect_state(const struct pciback_guest *guest, struct pciback_change *change)
{
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_EXPECT, "state"), "%d",
	    (int)guest->own);
}

static void
set_own_state(struct pciback_change *change, enum pciback_xenbus state)
{
	pciback_item_value(pciback_change_add(change, PCIBACK_STORE_WRITE, "state"), "%d", (int)state);
}

/* Makes the change; whether it succeeds or not, the guest is read again. */
static int
end(struct pciback_guest *guest, const struct pciback_change *change)
{
	guest->look_backend = true;
	return pciback_store_change(guest->backend, change->items, change->n);
}

int
pciback_toolstack_add(struct pciback_guest *guest, const struct pciback_job *job, bool reconfigure)
{
	struct pciback_change change = begin(guest);

	expect_state(guest, &change);
	add_devices(&change, guest->backend, job, guest->n_entries);
	if (reconfigure)
		set_own_state(&change, PCIBACK_XENBUS_RECONFIGURING);
	return end(guest, &change);
}

int
pciback_toolstack_set_state(struct pciback_guest *guest, const struct pciback_job *job,
    enum pciback_xenbus state, bool reconfigure)
{
	struct pciback_change change = begin(guest);

	expect_state(guest, &change);
	for (size_t i = 0; i < guest->n_entries; i++)
		if (pciback_job_has(job, &guest->entries[i].address))
			pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "state-%zu",
			    i), "%d", (int)state);
	if (reconfigure)
		set_own_state(&change, PCIBACK_XENBUS_RECONFIGURING);
	return end(guest, &change);
}

int
pciback_toolstack_close(struct pciback_guest *guest)
{
	struct pciback_change change = begin(guest);

	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "online"), "0");
	set_own_state(&change, guest->own == PCIBACK_XENBUS_CLOSED ? PCIBACK_XENBUS_CLOSED :
	    PCIBACK_XENBUS_CLOSING);
	return end(guest, &change);
}

int
pciback_toolstack_destroy(struct pciback_guest *guest)
{
	struct pciback_change change = begin(guest);

	(void)pciback_change_add_in(&change, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_FRONTEND, "");
	(void)pciback_change_add_in(&change, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_DOMAIN, "");
	return end(guest, &change);
}

int
pciback_toolstack_load(const struct pciback_guest *guest)
{
	struct pciback_change items = { .items = guest->backend->items, .domain = guest->domain };

	for (size_t i = 0; i < guest->n_entries; i++)
		for (size_t key = 0; key < N_KEYS; key++)
			(void)pciback_change_add(&items, PCIBACK_STORE_READ, "%s-%zu", keys[key], i);
	return pciback_store_read(guest->backend, items.items, items.n);
}

int
pciback_toolstack_remove(struct pciback_guest *guest, const struct pciback_job *job)
{
	struct pciback_store_item *items = guest->backend->items;
	struct pciback_change change = { .items = items, .domain = guest->domain };
	size_t n_old = guest->n_entries, n_new = 0;

	/* In place: a number only ever becomes smaller, so an item is read before it is overwritten. */
	for (size_t i = 0; i < n_old; i++) {
		if (guest->entries[i].valid && pciback_job_has(job, &guest->entries[i].address))
			continue;
		for (size_t key = 0; key < N_KEYS; key++) {
			struct pciback_store_item old = items[i * N_KEYS + key], *item;

			item = pciback_change_add(&change, old.result < 0 ? PCIBACK_STORE_REMOVE :
			    PCIBACK_STORE_WRITE, "%s-%zu", keys[key], n_new);
			if (old.result == 0)
				pciback_item_value(item, "%s", old.value);
		}
		n_new++;
	}
	for (size_t i = n_new; i < n_old; i++)
		for (size_t key = 0; key < N_KEYS; key++)
			(void)pciback_change_add(&change, PCIBACK_STORE_REMOVE, "%s-%zu", keys[key], i);
	expect_state(guest, &change);
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_EXPECT, "num_devs"), "%zu", n_old);
	pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "num_devs"), "%zu", n_new);
	return end(guest, &change);
}
