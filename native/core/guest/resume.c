/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "resume.h"

#include <errno.h>

#include "connection.h"
#include "devices.h"
#include "look.h"
#include "step.h"

/* Tries to have page and event channel, which a process that was killed and its children let go of within some of them. */
#define TRIES_MAX 20

/* The phase of a guest with a channel, by the state that it was shown last; NEW for a state that no such guest has. */
static enum pciback_phase
phase_of(enum pciback_xenbus own)
{
	switch (own) {
	case PCIBACK_XENBUS_CONNECTED:
	case PCIBACK_XENBUS_RECONFIGURING:
		return PCIBACK_PHASE_CONNECTED;
	case PCIBACK_XENBUS_RECONFIGURED:
		return PCIBACK_PHASE_RECONFIGURED;
	case PCIBACK_XENBUS_CLOSING:
		return PCIBACK_PHASE_LEAVING;
	case PCIBACK_XENBUS_UNKNOWN:
	case PCIBACK_XENBUS_INITIALISING:
	case PCIBACK_XENBUS_INIT_WAIT:
	case PCIBACK_XENBUS_INITIALISED:
	case PCIBACK_XENBUS_CLOSED:
		break;
	}
	return PCIBACK_PHASE_NEW;
}

/* Whether its frontend is the one that the process before had served. */
static bool
is_same_frontend(const struct pciback_guest *guest)
{
	const struct pciback_recorded_channel *recorded = &guest->recorded;

	return guest->reference == recorded->reference && guest->remote_port == recorded->remote_port &&
	    (guest->frontend != PCIBACK_XENBUS_INITIALISED || !recorded->passed_initialised);
}

/* 0, or a negative errno, and then nothing is open. */
static int
open_again(struct pciback_guest *guest)
{
	const struct pciback_xen *xen = &guest->backend->xen;
	int r = pciback_connection_open(guest);

	if (r < 0)
		return r;
	guest->passed_initialised = guest->recorded.passed_initialised;
	guest->handles_all_states = guest->recorded.handles_all_states;
	pciback_connection_recognise(guest);
	/* An answer that was written, and not told any more, is looked at. */
	if (guest->page != NULL)
		(void)xen->operations->event_notify(xen->world, guest->port);
	return 0;
}

static void
go_on(struct pciback_guest *guest, enum pciback_phase phase)
{
	guest->phase = phase;
	guest->deadline = 0;
	if (phase == PCIBACK_PHASE_RECONFIGURED)
		guest->deadline = guest->backend->now + PCIBACK_WAIT_LOOK;
	if (phase == PCIBACK_PHASE_LEAVING)
		guest->deadline = guest->backend->now + PCIBACK_WAIT_CLOSE;
	pciback_backend_log(guest->backend, PCIBACK_LOG_INFO, guest->domain,
	    "its %zu devices and its page are served on, as the process before this one has left them",
	    pciback_devices_count(guest));
}

void
pciback_guest_resume(struct pciback_guest *guest)
{
	enum pciback_phase phase;

	guest->is_adopted = false;
	/* Of keys that can't be read nobody knows what they said before: it keeps what it has. */
	guest->malformed = guest->malformed || guest->refused;
	if (guest->own_malformed && guest->recorded.is_open)
		guest->own = PCIBACK_XENBUS_CONNECTED;
	phase = phase_of(guest->own);
	/* The state machine decides, as of devices that this process gave to a frontend that does not look yet. */
	if (!guest->exists || guest->life != PCIBACK_LIFE_RUNNING ||
	    (!guest->recorded.is_open && phase != PCIBACK_PHASE_RECONFIGURED))
		return;
	if (guest->recorded.is_open && phase != PCIBACK_PHASE_NEW && pciback_xenbus_is_using(guest->frontend)) {
		/* What the frontend says of its channel is no better next time, unlike what Xen says. */
		bool is_named = pciback_guest_look_at_channel(guest) == 0;
		int r = is_named ? open_again(guest) : -EPROTO;

		if (r == 0 && is_same_frontend(guest)) {
			go_on(guest, phase);
			return;
		}
		if (r < 0 && is_named && guest->n_tries++ < TRIES_MAX) {
			/* Nobody is served meanwhile; what the toolstack no longer names is taken all the same. */
			pciback_devices_take_back_unwanted(guest, true);
			guest->is_adopted = true;
			guest->retry = guest->backend->now + PCIBACK_WAIT_ADOPT;
			guest->look_frontend = true;
			return;
		}
	}
	pciback_backend_log(guest->backend, PCIBACK_LOG_WARNING, guest->domain,
	    "is not as the process before this one had recorded; its devices are reset, and its drivers start anew");
	pciback_step_release(guest);
	guest->recorded = (struct pciback_recorded_channel){ .is_open = false };
	guest->phase = PCIBACK_PHASE_NEW;
}
