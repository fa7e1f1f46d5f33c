/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "step.h"

#include "connection.h"
#include "devices.h"
#include "error.h"
#include "publish.h"
#include "store.h"
#include "view.h"

void
pciback_step_release(struct pciback_guest *guest)
{
	pciback_connection_close(guest);
	pciback_devices_take_back_all(guest);
	guest->n_roots = 0;
	guest->deadline = 0;
	guest->serving.retry = 0;
	guest->waits_for_device = false;
}

/* The phase and the own state after a step, unless the store can't be written. */
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
	bool is_new = guest->own == PCIBACK_XENBUS_INITIALISING || !guest->was_ready;
	bool waits = pciback_devices_any_becomes_free(guest);
	size_t n_wanted, n_held;

	guest->handles_all_states = false;
	pciback_devices_take_back_unwanted(guest, false);
	/* All of them or none: the guest does not look yet, and can wait. What was given and taken back
	 * again would only make other guests that wait try again. */
	n_wanted = waits ? 0 : pciback_devices_give_wanted(guest);
	waits = waits || pciback_guest_awaits_reset(guest);
	n_held = pciback_devices_count(guest);
	if (waits || (n_held == 0 && n_wanted > 0)) {
		pciback_step_release(guest);
		guest->waits_for_device = waits;
		guest->blocked = true;
		(void)enter(guest, PCIBACK_PHASE_NEW, PCIBACK_XENBUS_INIT_WAIT);
		return;
	}
	if (enter(guest, PCIBACK_PHASE_READY, PCIBACK_XENBUS_INITIALISED) < 0) {
		pciback_step_release(guest);
		return;
	}
	guest->was_ready = true;
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
	if (pciback_connection_open(guest) < 0) {
		/* Until the frontend writes its state again. */
		guest->blocked = true;
		return;
	}
	pciback_connection_recognise(guest);
	if (enter(guest, PCIBACK_PHASE_CONNECTED, PCIBACK_XENBUS_CONNECTED) < 0) {
		pciback_connection_close(guest);
		return;
	}
	pciback_log_write(&guest->log, PCIBACK_LOG_INFO, "connected, page %u, event channel %u",
	    (unsigned)guest->reference, (unsigned)guest->remote_port);
}

static void
step_release(struct pciback_guest *guest, enum pciback_phase phase, enum pciback_xenbus own)
{
	bool was_held = guest->phase != PCIBACK_PHASE_NEW;

	pciback_step_release(guest);
	guest->frontend_wrote = false;
	/* Also if the store can't be written. */
	guest->phase = phase;
	(void)enter(guest, phase, guest->own == PCIBACK_XENBUS_CLOSED ? guest->own : own);
	if (was_held)
		pciback_log_write(&guest->log, PCIBACK_LOG_INFO, "released");
}

static void
step_forget(struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	bool was_known = guest->watched;

	pciback_step_release(guest);
	pciback_error_remove(guest);
	if (guest->watched)
		pciback_store_unwatch_frontend(guest);
	guest->used = false;
	/* Its directory may have been made again meanwhile. */
	if (backend->is_full || guest->look_backend)
		backend->look_backends = true;
	backend->is_full = false;
	if (was_known)
		pciback_backend_log(backend, PCIBACK_LOG_INFO, guest->domain, "gone");
}

void
pciback_step_perform(struct pciback_guest *guest, enum pciback_step step)
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
		pciback_devices_take_back_unwanted(guest, guest->phase != PCIBACK_PHASE_READY);
		if (guest->phase == PCIBACK_PHASE_READY)
			(void)pciback_devices_give_wanted(guest);
		(void)enter(guest, guest->phase, guest->phase == PCIBACK_PHASE_READY ?
		    PCIBACK_XENBUS_INITIALISED : guest->own);
		return;
	case PCIBACK_STEP_RECONFIGURE:
		pciback_devices_take_back_unwanted(guest, false);
		(void)pciback_devices_give_wanted(guest);
		if (!pciback_guest_awaits_reset(guest) &&
		    enter(guest, PCIBACK_PHASE_RECONFIGURED, PCIBACK_XENBUS_RECONFIGURED) == 0)
			guest->deadline = guest->backend->now + PCIBACK_WAIT_LOOK;
		return;
	case PCIBACK_STEP_SETTLE:
		if (enter(guest, PCIBACK_PHASE_CONNECTED, PCIBACK_XENBUS_CONNECTED) == 0)
			guest->stale_reconfiguring = guest->frontend == PCIBACK_XENBUS_RECONFIGURING;
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
