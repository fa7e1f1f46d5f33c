/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parts.h"

#include <errno.h>
#include <string.h>

/* Steps after one look; the longest way is three. */
#define STEPS_MAX 8

/* Requests served before others have their turn. */
#define REQUESTS_AT_ONCE 64

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
	pciback_limit_init(&guest->complaints, PCIBACK_COMPLAINTS_PER_SECOND,
	    PCIBACK_COMPLAINTS_BURST, backend->now);
	pciback_limit_init(&guest->limit, PCIBACK_WATCHES_PER_SECOND, PCIBACK_WATCHES_BURST,
	    backend->now);
}

/* ---- The channel ------------------------------------------------------------------------ */

/* The answer to a report, or that there will be none. */
static void
end_report(struct pciback_guest *guest, enum pciback_recovery result)
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_store_item items[2];

	guest->report.is_out = false;
	if (result == PCIBACK_RECOVERY_DISCONNECT) {
		pciback_backend_log(backend, PCIBACK_LOG_WARNING, guest->domain,
		    "its driver could not recover a device");
		/* What Linux's backend says then; but a directory that is gone is not made again. */
		pciback_item_set(&items[0], PCIBACK_STORE_EXPECT, guest->domain, "frontend-id");
		pciback_item_value(&items[0], "%u", (unsigned)guest->domain);
		pciback_item_set(&items[1], PCIBACK_STORE_WRITE, guest->domain, "aerState");
		pciback_item_value(&items[1], "aerfail");
		(void)xen->operations->store_change(xen->world, items, 2);
	}
	if (xen->operations->recovered != NULL)
		xen->operations->recovered(xen->world, guest->domain, &guest->report.address,
		    guest->report.command, result);
}

static void
check_report(struct pciback_guest *guest)
{
	enum pciback_recovery result;

	if (!guest->report.is_out)
		return;
	if (pciback_aer_take(&guest->channel, &result) == 0) {
		end_report(guest, result);
	} else if (guest->backend->now >= guest->report.deadline) {
		pciback_aer_cancel(&guest->channel);
		end_report(guest, PCIBACK_RECOVERY_DISCONNECT);
	}
}

static void
disconnect(struct pciback_guest *guest)
{
	const struct pciback_xen *xen = &guest->backend->xen;
	struct pciback_page *page = guest->page;

	if (guest->report.is_out) {
		pciback_aer_cancel(&guest->channel);
		end_report(guest, PCIBACK_RECOVERY_DISCONNECT);
	}
	/* What comes in from here on finds no page. */
	guest->page = NULL;
	if (guest->port_bound && xen->operations->event_unbind(xen->world, guest->port) < 0)
		pciback_backend_log(guest->backend, PCIBACK_LOG_ERROR, guest->domain,
		    "event channel %u could not be unbound", (unsigned)guest->port);
	guest->port_bound = false;
	if (page != NULL && xen->operations->page_unmap(xen->world, page) < 0)
		pciback_backend_log(guest->backend, PCIBACK_LOG_ERROR, guest->domain,
		    "its page could not be unmapped");
	guest->event_pending = false;
}

/* Opens the channel as the frontend published it. Returns 0 or a negative errno with nothing
 * held. */
static int
connect_channel(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_xen *xen = &backend->xen;
	int r = pciback_guest_look_at_channel(guest);

	if (r < 0)
		return r;
	r = xen->operations->page_map(xen->world, guest->domain, guest->seen_reference, &guest->page);
	if (r < 0) {
		guest->page = NULL;
		pciback_log_write(&guest->log, PCIBACK_LOG_WARNING,
		    "its page %u can't be mapped: error %d", (unsigned)guest->seen_reference, -r);
		return r;
	}
	r = xen->operations->event_bind(xen->world, guest->domain, guest->seen_port, &guest->port);
	if (r < 0) {
		pciback_log_write(&guest->log, PCIBACK_LOG_WARNING,
		    "its event channel %u can't be bound: error %d", (unsigned)guest->seen_port, -r);
		disconnect(guest);
		return r;
	}
	guest->port_bound = true;
	guest->reference = guest->seen_reference;
	guest->remote_port = guest->seen_port;
	guest->went_on = false;
	pciback_channel_init(&guest->channel, guest->page, &guest->topology, &backend->host,
	    &guest->log, guest, backend->now);
	/* There may be a request already. */
	guest->event_pending = true;
	return 0;
}

/* Only a frontend that answers error reports sets this flag, and all that do handle every state
 * [Linux]. */
static void
recognise(struct pciback_guest *guest)
{
	if (guest->page != NULL && (atomic_load_explicit(&guest->page->flags, memory_order_relaxed) &
	    PCIBACK_FLAG_AER_HANDLER) != 0)
		guest->knows_all = true;
}

/* Requests come in rows: the next one is often there sooner than an event would be. */
static bool
expect_request(const struct pciback_guest *guest)
{
	for (unsigned i = 0; i < guest->backend->patience; i++)
		if (pciback_channel_pending(&guest->channel))
			return true;
	return false;
}

static void
serve(struct pciback_guest *guest)
{
	const struct pciback_xen *xen = &guest->backend->xen;
	int r;

	guest->event_pending = false;
	if (guest->page == NULL)
		return;
	recognise(guest);
	check_report(guest);
	for (int n = 0; n < REQUESTS_AT_ONCE; n += r) {
		r = pciback_channel_serve(&guest->channel, guest->backend->now,
		    (unsigned)(REQUESTS_AT_ONCE - n));
		if (r == -EAGAIN) {
			/* Masked until its next request may be served. */
			guest->retry_event = guest->backend->now + 1;
			return;
		}
		if (r <= 0 || !expect_request(guest))
			break;
	}
	guest->retry_event = 0;
	if (!pciback_channel_pending(&guest->channel))
		(void)xen->operations->event_unmask(xen->world, guest->port);
	/* What came in before the event channel was open again made no event. */
	guest->event_pending = pciback_channel_pending(&guest->channel);
}

/* ---- Devices ---------------------------------------------------------------------------- */

static size_t
count_slots(const struct pciback_guest *guest)
{
	const struct pciback_backend *backend = guest->backend;
	size_t n = 0;

	for (size_t i = 0; i < backend->n_slots; i++)
		n += backend->slots[i].guest == guest;
	return n;
}

void
pciback_guest_release(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;

	disconnect(guest);
	for (size_t i = backend->n_slots; i-- > 0;)
		if (backend->slots[i].guest == guest)
			pciback_slot_drop(&backend->slots[i]);
	guest->n_roots = 0;
	guest->deadline = 0;
	guest->retry_event = 0;
	guest->waits_for_device = false;
}

/* Whether the guest that has a device is about to let it go. */
static bool
is_coming_free(const struct pciback_guest *guest, const struct pciback_address *address)
{
	const struct pciback_slot *slot = pciback_backend_slot(guest->backend, address);
	const struct pciback_guest *owner;

	if (slot == NULL || slot->guest == guest)
		return false;
	owner = slot->guest;
	return owner->life != PCIBACK_LIFE_RUNNING || !owner->online || owner->look_backend ||
	    owner->look_life || owner->phase == PCIBACK_PHASE_LEAVING;
}

/* Whether it is worth while to wait. */
static bool
is_any_coming_free(const struct pciback_guest *guest)
{
	for (size_t i = 0; i < guest->n_entries; i++)
		if (pciback_entry_wanted(guest, &guest->entries[i]) &&
		    is_coming_free(guest, &guest->entries[i].address))
			return true;
	return false;
}

static void
drop_unwanted(struct pciback_guest *guest, bool only_unnamed)
{
	struct pciback_backend *backend = guest->backend;

	for (size_t i = backend->n_slots; i-- > 0;) {
		struct pciback_slot *slot = &backend->slots[i];
		const struct pciback_entry *entry;

		if (slot->guest != guest)
			continue;
		entry = pciback_guest_entry(guest, &slot->address);
		/* Which device a key that can't be read means, nobody knows. */
		if (entry == NULL ? !guest->malformed :
		    !only_unnamed && !pciback_entry_wanted(guest, entry))
			pciback_slot_drop(slot);
	}
}

/* Takes what the store names. Returns how many devices it named, and sets waits_for_device when
 * one of them comes free soon. */
static size_t
take_wanted(struct pciback_guest *guest)
{
	size_t n_wanted = 0;

	guest->waits_for_device = false;
	for (size_t i = 0; i < guest->n_entries; i++) {
		struct pciback_entry *entry = &guest->entries[i];
		const struct pciback_slot *slot;
		char message[PCIBACK_LOG_LINE];
		enum pciback_xenbus state = PCIBACK_XENBUS_INITIALISED;
		bool was_held;

		if (!pciback_entry_wanted(guest, entry))
			continue;
		n_wanted++;
		slot = pciback_backend_slot(guest->backend, &entry->address);
		was_held = slot != NULL && slot->guest == guest;
		entry->error = pciback_slot_take(guest, entry, message);
		if (entry->error == -EBUSY && is_coming_free(guest, &entry->address)) {
			guest->waits_for_device = true;
			continue;
		}
		if (entry->error < 0) {
			pciback_guest_complain(guest, "%s", message);
			state = PCIBACK_XENBUS_CLOSED;
		}
		entry->vdev_differs = entry->vdev_differs || (entry->error == 0 && !was_held);
		entry->state_differs = entry->state_differs || entry->state != state;
		entry->state = state;
	}
	return n_wanted;
}

/* ---- Steps ------------------------------------------------------------------------------ */

/* Our own state after a step that wants `own`, as far as the store takes it. */
static int
enter(struct pciback_guest *guest, enum pciback_phase phase, enum pciback_xenbus own)
{
	int r = pciback_guest_publish(guest, own);

	if (r == 0) {
		guest->phase = phase;
		guest->deadline = 0;
	}
	return r;
}

static void
step_prepare(struct pciback_guest *guest)
{
	bool is_new = guest->own == PCIBACK_XENBUS_INITIALISING;
	bool waits = is_any_coming_free(guest);
	size_t n_wanted, n_held;

	guest->knows_all = false;
	drop_unwanted(guest, false);
	/* All of them or none: this is before the guest looks, and it can wait. What is taken in vain
	 * would be news to others who wait. */
	n_wanted = waits ? 0 : take_wanted(guest);
	n_held = count_slots(guest);
	if (waits || (n_held == 0 && n_wanted > 0)) {
		pciback_guest_release(guest);
		guest->waits_for_device = waits;
		guest->blocked = true;
		(void)enter(guest, PCIBACK_PHASE_NEW, PCIBACK_XENBUS_INIT_WAIT);
		return;
	}
	if (enter(guest, PCIBACK_PHASE_READY, PCIBACK_XENBUS_INITIALISED) < 0) {
		pciback_guest_release(guest);
		return;
	}
	if (is_new)
		pciback_backend_log(guest->backend, PCIBACK_LOG_INFO, guest->domain,
		    "ready, %zu of %zu devices", n_held, guest->n_entries);
	else
		pciback_log_write(&guest->log, PCIBACK_LOG_INFO, "ready again, %zu of %zu devices",
		    n_held, guest->n_entries);
}

static void
step_connect(struct pciback_guest *guest)
{
	if (connect_channel(guest) < 0) {
		/* Until the frontend moves again. */
		guest->blocked = true;
		return;
	}
	recognise(guest);
	if (enter(guest, PCIBACK_PHASE_CONNECTED, PCIBACK_XENBUS_CONNECTED) < 0) {
		disconnect(guest);
		return;
	}
	pciback_log_write(&guest->log, PCIBACK_LOG_INFO, "connected, page %u, event channel %u",
	    (unsigned)guest->reference, (unsigned)guest->remote_port);
}

static void
step_release(struct pciback_guest *guest, enum pciback_phase phase, enum pciback_xenbus own)
{
	bool was_held = guest->phase != PCIBACK_PHASE_NEW;

	pciback_guest_release(guest);
	guest->moved = false;
	/* Whatever the store says to it, nothing is held. */
	guest->phase = phase;
	(void)enter(guest, phase, guest->own == PCIBACK_XENBUS_CLOSED ? guest->own : own);
	if (was_held)
		pciback_log_write(&guest->log, PCIBACK_LOG_INFO, "released");
}

static void
step_forget(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_store_item item;
	bool was_known = guest->watched;

	pciback_guest_release(guest);
	if (guest->message[0] != '\0') {
		pciback_item_set(&item, PCIBACK_STORE_REMOVE, guest->domain,
		    "/local/domain/0/error/backend/pci/%u", (unsigned)guest->domain);
		(void)xen->operations->store_change(xen->world, &item, 1);
	}
	if (guest->watched) {
		pciback_item_set(&item, PCIBACK_STORE_READ, guest->domain,
		    "/local/domain/%u/device/pci/0/state", (unsigned)guest->domain);
		(void)xen->operations->store_unwatch(xen->world, item.path,
		    PCIBACK_WATCH_FRONTEND + (uint32_t)(guest - backend->guests));
	}
	guest->used = false;
	/* Its directory may have been made anew meanwhile. */
	if (backend->is_full || guest->look_backend)
		backend->look_backends = true;
	backend->is_full = false;
	if (was_known)
		pciback_backend_log(backend, PCIBACK_LOG_INFO, guest->domain, "gone");
}

static void
perform(struct pciback_guest *guest, enum pciback_step step)
{
	switch (step) {
	case PCIBACK_STEP_NONE:
		return;
	case PCIBACK_STEP_PREPARE:
		step_prepare(guest);
		return;
	case PCIBACK_STEP_CONNECT:
		step_connect(guest);
		return;
	case PCIBACK_STEP_UPDATE:
		drop_unwanted(guest, guest->phase != PCIBACK_PHASE_READY);
		if (guest->phase == PCIBACK_PHASE_READY)
			(void)take_wanted(guest);
		(void)enter(guest, guest->phase, guest->phase == PCIBACK_PHASE_READY ?
		    PCIBACK_XENBUS_INITIALISED : guest->own);
		return;
	case PCIBACK_STEP_RECONFIGURE:
		drop_unwanted(guest, false);
		(void)take_wanted(guest);
		if (enter(guest, PCIBACK_PHASE_RECONFIGURED, PCIBACK_XENBUS_RECONFIGURED) == 0)
			guest->deadline = guest->backend->now + PCIBACK_WAIT_LOOK;
		return;
	case PCIBACK_STEP_SETTLE:
		if (enter(guest, PCIBACK_PHASE_CONNECTED, PCIBACK_XENBUS_CONNECTED) == 0)
			guest->owes = guest->frontend == PCIBACK_XENBUS_RECONFIGURING;
		return;
	case PCIBACK_STEP_ASK:
		if (enter(guest, PCIBACK_PHASE_LEAVING, PCIBACK_XENBUS_CLOSING) == 0)
			guest->deadline = guest->backend->now + PCIBACK_WAIT_CLOSE;
		return;
	case PCIBACK_STEP_RELEASE:
		step_release(guest, PCIBACK_PHASE_RELEASED, PCIBACK_XENBUS_CLOSING);
		return;
	case PCIBACK_STEP_RESTART:
		step_release(guest, PCIBACK_PHASE_NEW, PCIBACK_XENBUS_INIT_WAIT);
		return;
	case PCIBACK_STEP_CLOSE:
		(void)enter(guest, PCIBACK_PHASE_CLOSED, PCIBACK_XENBUS_CLOSED);
		return;
	case PCIBACK_STEP_FORGET:
		step_forget(guest);
		return;
	}
}

/* What the frontend's state tells beside where it is. */
static void
note_frontend(struct pciback_guest *guest)
{
	bool is_connected = guest->phase == PCIBACK_PHASE_CONNECTED ||
	    guest->phase == PCIBACK_PHASE_RECONFIGURED;

	/* Gone; the next one may be of another kind. */
	if (guest->frontend == PCIBACK_XENBUS_UNKNOWN)
		guest->knows_all = false;
	if (!is_connected)
		return;
	if (guest->frontend == PCIBACK_XENBUS_CONNECTED ||
	    guest->frontend == PCIBACK_XENBUS_RECONFIGURING)
		guest->went_on = true;
	/* Nobody says 7 who does not know it. */
	if (guest->frontend == PCIBACK_XENBUS_RECONFIGURING)
		guest->knows_all = true;
	if (guest->phase == PCIBACK_PHASE_CONNECTED) {
		/* One at 3 still looks at what it has got first, as after a change. */
		uint64_t deadline = guest->backend->now + (guest->frontend == PCIBACK_XENBUS_INITIALISED ?
		    PCIBACK_WAIT_LOOK : PCIBACK_WAIT_CHANGE);

		if (guest->own != PCIBACK_XENBUS_RECONFIGURING)
			guest->deadline = 0;
		else if (guest->deadline == 0 || guest->deadline > deadline)
			guest->deadline = deadline;
	}
}

static bool
is_late(const struct pciback_guest *guest)
{
	return guest->deadline != 0 && guest->backend->now >= guest->deadline;
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
		perform(guest, step);
		/* Gone, or decided on what is no longer so. */
		if (!guest->used || guest->look_backend)
			return;
	}
}

static int
watch_frontend(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	struct pciback_store_item item;
	int r;

	pciback_item_set(&item, PCIBACK_STORE_READ, guest->domain,
	    "/local/domain/%u/device/pci/0/state", (unsigned)guest->domain);
	r = backend->xen.operations->store_watch(backend->xen.world, item.path,
	    PCIBACK_WATCH_FRONTEND + (uint32_t)(guest - backend->guests));
	guest->watched = r == 0;
	return r;
}

/* Looks, if there may be news, and acts on it. */
static void
follow(struct pciback_guest *guest)
{
	uint64_t now = guest->backend->now;
	bool is_due;

	if (guest->retry != 0 && now < guest->retry)
		return;
	guest->retry = 0;
	/* What it waits for is free, or its owner keeps it. */
	if (guest->waits_for_device && !is_any_coming_free(guest)) {
		guest->waits_for_device = false;
		guest->look_backend = true;
	}
	is_due = guest->look_backend || guest->look_life || is_late(guest);
	if (!is_due && !guest->look_frontend)
		return;
	/* A guest makes as many of these as it likes (XSA-349). */
	if (!is_due && !pciback_limit_take(&guest->limit, now)) {
		guest->retry = now + 1000 / PCIBACK_WATCHES_PER_SECOND;
		return;
	}
	if (guest->look_frontend)
		guest->blocked = guest->owes = false;
	if (pciback_guest_look(guest) < 0 ||
	    (guest->exists && !guest->watched && watch_frontend(guest) < 0)) {
		guest->retry = now + RETRY_STORE;
		guest->look_backend = true;
		return;
	}
	act(guest);
}

/* Nodes of a domain that is gone, once its toolstack had its time. */
static void
clean_up(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_store_item item;

	if (guest->life != PCIBACK_LIFE_GONE || count_slots(guest) > 0 || guest->page != NULL) {
		guest->remove_at = 0;
		return;
	}
	if (guest->remove_at == 0)
		guest->remove_at = backend->now + PCIBACK_WAIT_REMOVE;
	if (backend->now < guest->remove_at)
		return;
	/* Another one may have its number by now. */
	if (xen->operations->domain_life(xen->world, guest->domain, &guest->life) == 0 &&
	    guest->life == PCIBACK_LIFE_GONE) {
		pciback_item_set(&item, PCIBACK_STORE_REMOVE, guest->domain, PCIBACK_BACKENDS_PATH "/%u",
		    (unsigned)guest->domain);
		if (xen->operations->store_change(xen->world, &item, 1) == 0)
			pciback_backend_log(backend, PCIBACK_LOG_INFO, guest->domain,
			    "what its toolstack left in the store is removed");
		guest->look_backend = true;
	}
	guest->remove_at = backend->now + PCIBACK_WAIT_REMOVE;
}

/* Nothing is held. */
static bool
is_idle(const struct pciback_guest *guest)
{
	return guest->phase == PCIBACK_PHASE_NEW || guest->phase == PCIBACK_PHASE_RELEASED ||
	    guest->phase == PCIBACK_PHASE_CLOSED;
}

bool
pciback_guest_is_due(const struct pciback_guest *guest)
{
	if (guest->event_pending)
		return true;
	/* One that was told to go is not asked back in; and until `retry` nothing is looked at. */
	if ((guest->backend->stopping && is_idle(guest)) || guest->retry != 0)
		return false;
	return guest->look_backend || guest->look_frontend || guest->look_life ||
	    (guest->waits_for_device && !is_any_coming_free(guest));
}

int
pciback_guest_run(struct pciback_guest *guest)
{
	uint64_t now = guest->backend->now;
	int wait = -1;

	guest->log.now = now;
	if (guest->event_pending || (guest->retry_event != 0 && now >= guest->retry_event))
		serve(guest);
	check_report(guest);
	if (guest->backend->stopping && is_idle(guest))
		return -1;
	follow(guest);
	if (!guest->used)
		return -1;
	clean_up(guest);
	if (pciback_guest_is_due(guest))
		return 0;
	if (guest->retry_event != 0)
		wait = pciback_sooner(wait, pciback_until(now, guest->retry_event));
	if (guest->report.is_out)
		wait = pciback_sooner(wait, pciback_until(now, guest->report.deadline));
	if (guest->remove_at != 0)
		wait = pciback_sooner(wait, pciback_until(now, guest->remove_at));
	/* Until then nothing is looked at, late or not. */
	if (guest->retry != 0)
		return pciback_sooner(wait, pciback_until(now, guest->retry));
	if (guest->deadline != 0)
		wait = pciback_sooner(wait, pciback_until(now, guest->deadline));
	return wait;
}
