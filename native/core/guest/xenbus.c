/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/xenbus.h>

#include <errno.h>

static const char *const state_names[] = { "Unknown", "Initialising", "InitWait", "Initialised",
	"Connected", "Closing", "Closed", "Reconfiguring", "Reconfigured" };

const char *
pciback_xenbus_name(enum pciback_xenbus state)
{
	return (unsigned)state < sizeof(state_names) / sizeof(state_names[0]) ? state_names[state] : "?";
}

const char *
pciback_phase_name(enum pciback_phase phase)
{
	switch (phase) {
	case PCIBACK_PHASE_NEW:
		return "new";
	case PCIBACK_PHASE_READY:
		return "ready";
	case PCIBACK_PHASE_CONNECTED:
		return "connected";
	case PCIBACK_PHASE_RECONFIGURED:
		return "reconfigured";
	case PCIBACK_PHASE_LEAVING:
		return "leaving";
	case PCIBACK_PHASE_RELEASED:
		return "released";
	case PCIBACK_PHASE_CLOSED:
		return "closed";
	}
	return "?";
}

int
pciback_xenbus_parse(const char *text, enum pciback_xenbus *ret_state)
{
	if (text[0] < '0' || text[0] > '8' || text[1] != '\0')
		return -EINVAL;
	*ret_state = (enum pciback_xenbus)(text[0] - '0');
	return 0;
}

/* A frontend on its way up, from its first state to where it has published its page. */
static bool
is_starting(enum pciback_xenbus frontend)
{
	return frontend == PCIBACK_XENBUS_INITIALISING || frontend == PCIBACK_XENBUS_INIT_WAIT ||
	    frontend == PCIBACK_XENBUS_INITIALISED;
}

bool
pciback_xenbus_is_using(enum pciback_xenbus frontend)
{
	return frontend == PCIBACK_XENBUS_INITIALISED || frontend == PCIBACK_XENBUS_CONNECTED ||
	    frontend == PCIBACK_XENBUS_RECONFIGURING || frontend == PCIBACK_XENBUS_RECONFIGURED;
}

static bool
is_closed(enum pciback_xenbus own)
{
	return own == PCIBACK_XENBUS_CLOSING || own == PCIBACK_XENBUS_CLOSED;
}

/* Nothing is held. */
static enum pciback_step
next_idle(const struct pciback_view *view)
{
	bool unseen = view->life != PCIBACK_LIFE_RUNNING ||
	    view->frontend == PCIBACK_XENBUS_UNKNOWN;
	bool may_close = view->handles_all_states || unseen;
	bool starts;

	if (view->life != PCIBACK_LIFE_RUNNING || !view->online) {
		if (view->own == PCIBACK_XENBUS_CLOSED)
			return PCIBACK_STEP_NONE;
		if (may_close)
			return PCIBACK_STEP_CLOSE;
		return view->own == PCIBACK_XENBUS_CLOSING ? PCIBACK_STEP_NONE :
		    PCIBACK_STEP_RELEASE;
	}
	if (view->own == PCIBACK_XENBUS_CLOSING && may_close &&
	    (view->frontend == PCIBACK_XENBUS_CLOSED || view->frontend == PCIBACK_XENBUS_UNKNOWN))
		return PCIBACK_STEP_CLOSE;
	if (view->phase != PCIBACK_PHASE_NEW && view->own != PCIBACK_XENBUS_INITIALISING)
		/* One that closed may come back; until it writes its state, what is there is the old one. */
		starts = view->frontend_wrote && is_starting(view->frontend);
	else if (is_closed(view->own))
		starts = is_starting(view->frontend);
	else
		/* One may be connected to a pcibackd that ran before this one. */
		starts = is_starting(view->frontend) || pciback_xenbus_is_using(view->frontend);
	if (starts && !view->blocked)
		return PCIBACK_STEP_PREPARE;
	/* Nobody is kept waiting for an answer that never comes, least of all at 7. */
	if (view->own == PCIBACK_XENBUS_INITIALISED || view->own == PCIBACK_XENBUS_CONNECTED ||
	    view->own == PCIBACK_XENBUS_RECONFIGURING || view->own == PCIBACK_XENBUS_RECONFIGURED)
		return starts ? PCIBACK_STEP_RESTART : PCIBACK_STEP_RELEASE;
	return PCIBACK_STEP_NONE;
}

static enum pciback_step
next_ready(const struct pciback_view *view)
{
	/* No frontend takes part yet: what the toolstack asks for is done at once [Linux]. */
	if (view->changed || view->own == PCIBACK_XENBUS_RECONFIGURING)
		return PCIBACK_STEP_UPDATE;
	return pciback_xenbus_is_using(view->frontend) && !view->blocked && !view->awaits_reset ?
	    PCIBACK_STEP_CONNECT : PCIBACK_STEP_NONE;
}

static enum pciback_step
next_connected(const struct pciback_view *view)
{
	if (view->frontend == PCIBACK_XENBUS_INITIALISING ||
	    view->frontend == PCIBACK_XENBUS_INIT_WAIT || view->restarted)
		return PCIBACK_STEP_RESTART;
	if (view->own == PCIBACK_XENBUS_RECONFIGURING) {
		/* It waits for 8, which is not written before it has what it shall look at. */
		if (view->frontend == PCIBACK_XENBUS_RECONFIGURING && !view->stale_reconfiguring)
			return view->awaits_reset ? PCIBACK_STEP_NONE : PCIBACK_STEP_RECONFIGURE;
		return view->timed_out ? PCIBACK_STEP_SETTLE : PCIBACK_STEP_NONE;
	}
	if (view->phase == PCIBACK_PHASE_RECONFIGURED)
		return view->frontend == PCIBACK_XENBUS_CONNECTED || view->timed_out ?
		    PCIBACK_STEP_SETTLE : PCIBACK_STEP_NONE;
	return view->changed ? PCIBACK_STEP_UPDATE : PCIBACK_STEP_NONE;
}

/* Devices are held, and from CONNECTED on the channel. */
static enum pciback_step
next_held(const struct pciback_view *view)
{
	bool is_connected = view->phase == PCIBACK_PHASE_CONNECTED ||
	    view->phase == PCIBACK_PHASE_RECONFIGURED;

	if (view->life != PCIBACK_LIFE_RUNNING || view->broken)
		return PCIBACK_STEP_RELEASE;
	if (view->phase == PCIBACK_PHASE_LEAVING)
		return pciback_xenbus_is_using(view->frontend) && !view->timed_out ? PCIBACK_STEP_NONE :
		    PCIBACK_STEP_RELEASE;
	if (!view->online || is_closed(view->own))
		return is_connected && pciback_xenbus_is_using(view->frontend) ? PCIBACK_STEP_ASK :
		    PCIBACK_STEP_RELEASE;
	/* The toolstack has removed the backend's directory and made it again. */
	if (view->own == PCIBACK_XENBUS_INITIALISING)
		return PCIBACK_STEP_RESTART;
	if (view->frontend == PCIBACK_XENBUS_UNKNOWN || is_closed(view->frontend))
		return PCIBACK_STEP_RELEASE;
	return is_connected ? next_connected(view) : next_ready(view);
}

enum pciback_step
pciback_xenbus_next(const struct pciback_view *view)
{
	if (!view->exists)
		return PCIBACK_STEP_FORGET;
	switch (view->phase) {
	case PCIBACK_PHASE_READY:
	case PCIBACK_PHASE_CONNECTED:
	case PCIBACK_PHASE_RECONFIGURED:
	case PCIBACK_PHASE_LEAVING:
		return next_held(view);
	case PCIBACK_PHASE_NEW:
	case PCIBACK_PHASE_RELEASED:
	case PCIBACK_PHASE_CLOSED:
		break;
	}
	return next_idle(view);
}
