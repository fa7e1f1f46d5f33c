/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "guest.h"

#include <string.h>

#include "child.h"
#include "connection.h"
#include "devices.h"
#include "look.h"
#include "remember.h"
#include "resume.h"
#include "step.h"
#include "store.h"
#include "view.h"
#include "wait.h"

/* Steps after one look; the longest way is three. */
#define STEPS_MAX 8

#define RETRY_STORE 1000	/* milliseconds, when the store fails */

void
pciback_guest_init(struct pciback_guest *guest, struct pciback_backend *backend, uint16_t domain)
{
	memset(guest, 0, sizeof(*guest));
	guest->backend = backend;
	guest->used = true;
	guest->domain = domain;
	guest->online = true;
	guest->own = PCIBACK_XENBUS_INITIALISING;
	guest->look_backend = guest->look_frontend = guest->look_life = true;
	pciback_topology_init(&guest->topology, backend->topology);
	pciback_log_init(&guest->log, &backend->host, domain, backend->now);
	pciback_serving_init(&guest->serving, backend->now);
	pciback_limit_init(&guest->error_limit, PCIBACK_ERRORS_PER_SECOND,
	    PCIBACK_ERRORS_BURST, backend->now);
	pciback_limit_init(&guest->limit, PCIBACK_WATCHES_PER_SECOND, PCIBACK_WATCHES_BURST,
	    backend->now);
}

struct pciback_guest *
pciback_guest_add(struct pciback_backend *backend, uint16_t domain)
{
	for (size_t i = 0; i < backend->n_guests; i++) {
		if (backend->guests[i].used)
			continue;
		pciback_guest_init(&backend->guests[i], backend, domain);
		return &backend->guests[i];
	}
	return NULL;
}

/* What is concluded from the frontend's state. */
static void
note_frontend(struct pciback_guest *guest)
{
	bool is_connected = guest->phase == PCIBACK_PHASE_CONNECTED ||
	    guest->phase == PCIBACK_PHASE_RECONFIGURED;

	/* Gone; the next one may be of another kind. */
	if (guest->frontend == PCIBACK_XENBUS_UNKNOWN)
		guest->handles_all_states = false;
	if (!is_connected)
		return;
	if (guest->frontend == PCIBACK_XENBUS_CONNECTED ||
	    guest->frontend == PCIBACK_XENBUS_RECONFIGURING)
		guest->passed_initialised = true;
	/* Only a frontend that handles 7 writes it. */
	if (guest->frontend == PCIBACK_XENBUS_RECONFIGURING)
		guest->handles_all_states = true;
	if (guest->phase == PCIBACK_PHASE_CONNECTED) {
		/* One at 3 still looks at its first devices, as after a change. */
		uint64_t deadline = guest->backend->now + (guest->frontend == PCIBACK_XENBUS_INITIALISED ?
		    PCIBACK_WAIT_LOOK : PCIBACK_WAIT_CHANGE);

		if (guest->own != PCIBACK_XENBUS_RECONFIGURING)
			guest->deadline = 0;
		else if (guest->deadline == 0 || guest->deadline > deadline || pciback_guest_awaits_reset(guest))
			guest->deadline = deadline;
	} else if (guest->own == PCIBACK_XENBUS_RECONFIGURING && pciback_guest_awaits_reset(guest)) {
		/* The next change was asked for before it has looked at the result of this one. */
		guest->deadline = guest->backend->now + PCIBACK_WAIT_LOOK;
	}
}

/* Decides on what was seen, and acts, until there is nothing to be done. */
static void
act(struct pciback_guest *guest)
{
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		struct pciback_view view;
		enum pciback_step step;

		note_frontend(guest);
		pciback_guest_view(guest, &view);
		step = pciback_xenbus_next(&view);
		if (step == PCIBACK_STEP_NONE)
			return;
		pciback_step_perform(guest, step);
		/* Gone, or decided on what is no longer so. */
		if (!guest->used || guest->look_backend)
			return;
	}
}

static int
watch_frontend(struct pciback_guest *guest)
{
	int r = pciback_store_watch_frontend(guest);

	guest->watched = r == 0;
	return r;
}

/* Looks, if anything may have changed, and acts on it. */
static void
follow(struct pciback_guest *guest)
{
	uint64_t now = guest->backend->now;
	bool is_due;

	/* One whose page can't be had again yet may come to its end, or its directory. */
	if (guest->retry != 0 && now < guest->retry &&
	    !(guest->is_adopted && (guest->look_life || guest->look_backend)))
		return;
	guest->retry = 0;
	/* What it waits for is free, or stays with the other guest. */
	if (guest->waits_for_device && !pciback_devices_any_becomes_free(guest)) {
		guest->waits_for_device = false;
		guest->look_backend = true;
	}
	is_due = guest->look_backend || guest->look_life || pciback_guest_timed_out(guest);
	if (!is_due && !guest->look_frontend)
		return;
	/* A guest makes as many of these as it likes (XSA-349). */
	if (!is_due && !pciback_limit_take(&guest->limit, now)) {
		pciback_log_limited(&guest->log, "writes states faster than they are followed; those in between are not seen");
		guest->retry = now + 1000 / PCIBACK_WATCHES_PER_SECOND;
		return;
	}
	if (guest->look_frontend)
		guest->blocked = guest->stale_reconfiguring = false;
	if (pciback_guest_look(guest) < 0 ||
	    (guest->exists && !guest->watched && watch_frontend(guest) < 0)) {
		guest->retry = now + RETRY_STORE;
		guest->look_backend = true;
		return;
	}
	if (guest->is_adopted)
		pciback_guest_resume(guest);
	if (!guest->is_adopted)
		act(guest);
}

void
pciback_guest_remove_left(struct pciback_guest *guest)
{
	const struct pciback_xen *xen = &guest->backend->xen;
	struct pciback_store_item item;

	/* Another one may have its number by now. */
	if (xen->operations->domain_life(xen->world, guest->domain, &guest->life) < 0 ||
	    guest->life != PCIBACK_LIFE_GONE)
		return;
	pciback_item_set(&item, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_DOMAIN, guest->domain, "%s", "");
	if (pciback_store_change(guest->backend, &item, 1) == 0)
		pciback_backend_log(guest->backend, PCIBACK_LOG_INFO, guest->domain,
		    "what its toolstack left in the store is removed");
	guest->look_backend = true;
}

/* Nodes of a domain that is gone, once its toolstack had its time. */
static void
clean_up(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;

	if (guest->life != PCIBACK_LIFE_GONE || pciback_devices_count(guest) > 0 || guest->is_open) {
		guest->remove_at = 0;
		return;
	}
	if (guest->remove_at == 0)
		guest->remove_at = backend->now + PCIBACK_WAIT_REMOVE;
	if (backend->now < guest->remove_at)
		return;
	pciback_guest_remove_left(guest);
	guest->remove_at = backend->now + PCIBACK_WAIT_REMOVE;
}

/* Milliseconds until its child is to be heard again, -1 for as soon as it says something. */
static int
wait_for_child(const struct pciback_guest *guest)
{
	const struct pciback_children *children = &guest->backend->children;

	if (!guest->child.is_running)
		return -1;
	if (guest->backend->now < guest->child.retry)
		return pciback_wait_until(guest->backend->now, guest->child.retry);
	return children->operations->wait == NULL ? -1 :
	    children->operations->wait(children->world, (size_t)(guest - guest->backend->guests));
}

bool
pciback_guest_is_due(const struct pciback_guest *guest)
{
	if (guest->serving.is_pending || (guest->child.is_ready && guest->backend->now >= guest->child.retry))
		return true;
	/* One that was told to go is not asked back in; and until `retry` nothing is looked at. */
	if ((guest->backend->stopping && pciback_guest_is_idle(guest)) || guest->retry != 0)
		return false;
	return guest->look_backend || guest->look_frontend || guest->look_life ||
	    (guest->waits_for_device && !pciback_devices_any_becomes_free(guest));
}

int
pciback_guest_run(struct pciback_guest *guest)
{
	uint64_t now = guest->backend->now;
	int wait = -1;

	guest->log.now = now;
	if (pciback_child_is_wanted(guest))
		pciback_child_run(guest);
	if (pciback_serving_is_due(&guest->serving, now))
		pciback_connection_serve(guest);
	pciback_connection_check_report(guest);
	if (guest->backend->stopping && pciback_guest_is_idle(guest))
		return -1;
	follow(guest);
	if (!guest->used)
		return -1;
	pciback_remember_channel(guest);
	pciback_connection_keep(guest);
	clean_up(guest);
	if (pciback_guest_is_due(guest))
		return 0;
	wait = wait_for_child(guest);
	if (guest->serving.retry != 0)
		wait = pciback_wait_shorter(wait, pciback_wait_until(now, guest->serving.retry));
	if (guest->report.is_out)
		wait = pciback_wait_shorter(wait, pciback_wait_until(now, guest->report.deadline));
	if (guest->remove_at != 0)
		wait = pciback_wait_shorter(wait, pciback_wait_until(now, guest->remove_at));
	/* Until then nothing is looked at, late or not. */
	if (guest->retry != 0)
		return pciback_wait_shorter(wait, pciback_wait_until(now, guest->retry));
	if (guest->deadline != 0)
		wait = pciback_wait_shorter(wait, pciback_wait_until(now, guest->deadline));
	return wait;
}
