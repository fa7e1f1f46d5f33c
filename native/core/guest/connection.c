/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "connection.h"

#include <errno.h>
#include <string.h>

#include <pciback/aer.h>

#include "child.h"
#include "look.h"
#include "store.h"

/* The answer to a report, or that there will be none. */
static void
end_report(struct pciback_guest *guest, enum pciback_recovery result)
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_store_item items[2];
	struct pciback_change change = { .items = items, .domain = guest->domain };

	guest->report.is_out = false;
	if (result == PCIBACK_RECOVERY_DISCONNECT) {
		pciback_backend_log(backend, PCIBACK_LOG_WARNING, guest->domain,
		    "its driver could not recover a device");
		/* What Linux's backend says then; but a directory that is gone is not made again. */
		pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_EXPECT, "frontend-id"), "%u",
		    (unsigned)guest->domain);
		pciback_item_value(pciback_change_add(&change, PCIBACK_STORE_WRITE, "aerState"),
		    "aerfail");
		(void)pciback_store_change(backend, change.items, change.n);
	}
	if (xen->operations->recovered != NULL)
		xen->operations->recovered(xen->world, guest->domain, &guest->report.address,
		    guest->report.command, result);
}

static void
cancel_report(struct pciback_guest *guest)
{
	if (guest->page != NULL)
		pciback_aer_cancel(&guest->channel);
	else
		pciback_child_cancel_report(guest);
}

int
pciback_connection_report(struct pciback_guest *guest, enum pciback_command command, int32_t state,
    const struct pciback_address *place)
{
	return guest->page != NULL ? pciback_aer_send(&guest->channel, command, state, place) :
	    pciback_child_report(guest, command, state, place);
}

void
pciback_connection_check_report(struct pciback_guest *guest)
{
	enum pciback_recovery result;

	if (!guest->report.is_out)
		return;
	if (guest->child.has_reported) {
		guest->child.has_reported = false;
		end_report(guest, guest->child.recovery);
	} else if (guest->page != NULL && pciback_aer_take(&guest->channel, &result) == 0) {
		end_report(guest, result);
	} else if (guest->backend->now >= guest->report.deadline) {
		cancel_report(guest);
		end_report(guest, PCIBACK_RECOVERY_DISCONNECT);
	}
}

void
pciback_connection_close(struct pciback_guest *guest)
{
	const struct pciback_xen *xen = &guest->backend->xen;
	struct pciback_page *page = guest->page;

	if (guest->report.is_out) {
		cancel_report(guest);
		end_report(guest, PCIBACK_RECOVERY_DISCONNECT);
	}
	pciback_child_stop(guest);
	guest->child.is_lost = false;
	/* What comes in from here on finds no page. */
	guest->is_open = false;
	guest->page = NULL;
	if (guest->port_bound && xen->operations->event_unbind(xen->world, guest->port) < 0)
		pciback_backend_log(guest->backend, PCIBACK_LOG_ERROR, guest->domain,
		    "event channel %u could not be unbound", (unsigned)guest->port);
	guest->port_bound = false;
	if (page != NULL && xen->operations->page_unmap(xen->world, page) < 0)
		pciback_backend_log(guest->backend, PCIBACK_LOG_ERROR, guest->domain,
		    "its page could not be unmapped");
	guest->serving.is_pending = false;
}

static void
log_no_page(struct pciback_guest *guest, int error)
{
	pciback_log_write(&guest->log, PCIBACK_LOG_WARNING,
	    "its page %u can't be mapped: %s", (unsigned)guest->seen_reference, strerror(-error));
}

static void
log_no_event(struct pciback_guest *guest, int error)
{
	pciback_log_write(&guest->log, PCIBACK_LOG_WARNING,
	    "its event channel %u can't be bound: %s", (unsigned)guest->seen_port, strerror(-error));
}

/* In this process. */
static int
open_here(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_page *page;
	int r = xen->operations->page_map(xen->world, guest->domain, guest->seen_reference, &page);

	if (r < 0) {
		log_no_page(guest, r);
		return r;
	}
	guest->page = page;
	r = xen->operations->event_bind(xen->world, guest->domain, guest->seen_port, &guest->port);
	if (r < 0) {
		log_no_event(guest, r);
		pciback_connection_close(guest);
		return r;
	}
	guest->port_bound = true;
	pciback_channel_init(&guest->channel, guest->page, &guest->topology, &backend->host,
	    &guest->log, guest, backend->now);
	/* There may be a request already. */
	guest->serving.is_pending = true;
	return 0;
}

/* In one of its own. */
static int
open_in_child(struct pciback_guest *guest)
{
	enum pciback_start_step step;
	int r = pciback_child_start(guest, guest->seen_reference, guest->seen_port, &step);

	if (r < 0 && step == PCIBACK_START_PAGE)
		log_no_page(guest, r);
	else if (r < 0 && step == PCIBACK_START_EVENT)
		log_no_event(guest, r);
	else if (r < 0)
		pciback_log_write(&guest->log, PCIBACK_LOG_WARNING,
		    "no process can be had that serves its page: %s", strerror(-r));
	return r;
}

int
pciback_connection_open(struct pciback_guest *guest)
{
	int r = pciback_guest_look_at_channel(guest);

	if (r == 0)
		r = pciback_child_is_wanted(guest) ? open_in_child(guest) : open_here(guest);
	if (r < 0)
		return r;
	guest->is_open = true;
	guest->reference = guest->seen_reference;
	guest->remote_port = guest->seen_port;
	guest->passed_initialised = false;
	return 0;
}

void
pciback_connection_keep(struct pciback_guest *guest)
{
	enum pciback_start_step step;

	if (!guest->is_open || guest->page != NULL || guest->child.is_running || guest->child.is_lost)
		return;
	if (pciback_child_start(guest, guest->reference, guest->remote_port, &step) == 0)
		return;
	guest->child.is_lost = guest->look_life = true;
	pciback_backend_log(guest->backend, PCIBACK_LOG_ERROR, guest->domain,
	    "no process can be had any more that serves its page; the guest is released");
}

void
pciback_connection_recognise(struct pciback_guest *guest)
{
	if (guest->child.handles_errors ||
	    (guest->page != NULL && pciback_aer_is_handled(&guest->channel)))
		guest->handles_all_states = true;
}

static void
unmask(void *world)
{
	const struct pciback_guest *guest = world;
	const struct pciback_xen *xen = &guest->backend->xen;

	(void)xen->operations->event_unmask(xen->world, guest->port);
}

void
pciback_connection_serve(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	const struct pciback_serving_process process = {
		.unmask = unmask,
		.world = guest,
		.work = backend->xen.work,
		.work_world = backend->xen.world,
		.counted = &backend->counted_work,
		.n_polls = backend->xen.n_polls,
	};

	if (!pciback_serving_begin(&guest->serving, &guest->log, backend->now) || guest->page == NULL)
		return;
	pciback_connection_recognise(guest);
	pciback_connection_check_report(guest);
	pciback_serving_run(&guest->serving, &guest->channel, &process, backend->now);
}
