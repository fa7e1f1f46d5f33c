/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_XENBUS_H
#define PCIBACK_XENBUS_H

/*
 * The backend's end of xenbus: how it and a frontend come together and part, as a pure function of
 * what the store and the domain show and of what the guest has.
 *
 * Sources: [xenbus] Xen's public header io/xenbus.h; [NetBSD] what its frontend does.
 */

#include <stdbool.h>

/* States of one end [xenbus]. */
enum pciback_xenbus {
	PCIBACK_XENBUS_UNKNOWN = 0,		/* of a frontend: it has no state at all */
	PCIBACK_XENBUS_INITIALISING = 1,
	PCIBACK_XENBUS_INIT_WAIT = 2,
	PCIBACK_XENBUS_INITIALISED = 3,
	PCIBACK_XENBUS_CONNECTED = 4,
	PCIBACK_XENBUS_CLOSING = 5,
	PCIBACK_XENBUS_CLOSED = 6,
	PCIBACK_XENBUS_RECONFIGURING = 7,
	PCIBACK_XENBUS_RECONFIGURED = 8,
};

/* "Connected"; "?" for a number that is no state. */
const char *pciback_xenbus_name(enum pciback_xenbus state);

/* Whether a frontend has published its page and not closed: its drivers may be at work. */
bool pciback_xenbus_is_using(enum pciback_xenbus frontend);

/* Milliseconds that a frontend gets to close. The toolstack waits 10 s for a state [libxl]. */
#define PCIBACK_WAIT_CLOSE	5000

/* Reads a state as it stands in the store: one digit. Returns 0 or -EINVAL. */
int pciback_xenbus_parse(const char *text, enum pciback_xenbus *ret_state);

/* How far the backend is with a guest; the backend's own state follows from it. */
enum pciback_phase {
	PCIBACK_PHASE_NEW,		/* nothing is held; 1 or 2 */
	PCIBACK_PHASE_READY,		/* devices and permissions are; 3 */
	PCIBACK_PHASE_CONNECTED,	/* and the channel; 4, or 7 once the toolstack wants a change */
	PCIBACK_PHASE_RECONFIGURED,	/* the change is made, the frontend looks; 8 */
	PCIBACK_PHASE_LEAVING,		/* asked to close, the frontend still uses its devices; 5 */
	PCIBACK_PHASE_RELEASED,		/* nothing is held any more; 5 */
	PCIBACK_PHASE_CLOSED,		/* 6 */
};

/* "new", "ready" ..., as status shows it. */
const char *pciback_phase_name(enum pciback_phase phase);

/* What the backend does next, and the own state that it then has. */
enum pciback_step {
	PCIBACK_STEP_NONE,
	PCIBACK_STEP_PREPARE,		/* give the devices, publish them, 3 */
	PCIBACK_STEP_CONNECT,		/* open the channel, 4 */
	PCIBACK_STEP_UPDATE,		/* give and take back what the store says; the state stays */
	PCIBACK_STEP_RECONFIGURE,	/* the same, then 8 */
	PCIBACK_STEP_SETTLE,		/* 4 again */
	PCIBACK_STEP_ASK,		/* 5, and wait until the frontend has closed */
	PCIBACK_STEP_RELEASE,		/* take everything back, 5 */
	PCIBACK_STEP_CLOSE,		/* 6 */
	PCIBACK_STEP_RESTART,		/* take everything back, 2 */
	PCIBACK_STEP_FORGET,		/* take everything back; the store no longer names the guest */
};

/* Whether a domain runs. */
enum pciback_life {
	PCIBACK_LIFE_RUNNING,
	PCIBACK_LIFE_STOPPED,		/* it is there, but runs no code any more */
	PCIBACK_LIFE_GONE,		/* or it is dying: it never runs again */
};

/* All that a decision depends on; core/guest/view.c fills it in. */
struct pciback_view {
	enum pciback_phase phase;
	bool exists;			/* the backend's directory has a state */
	enum pciback_xenbus own;	/* as the store has it: a toolstack may have written it */
	enum pciback_xenbus frontend;
	enum pciback_life life;
	bool online;			/* the toolstack wants the guest to have devices */
	bool handles_all_states;	/* the frontend is known to survive 6, 7 and 8 [NetBSD] */
	bool frontend_wrote;		/* the frontend wrote its state since its devices were taken back */
	bool restarted;			/* it is at 3 and has been further, or has another page */
	bool blocked;			/* the last try failed and nothing has changed since */
	bool changed;			/* the store names other devices than the guest has */
	bool awaits_reset;		/* one of them is being reset */
	bool timed_out;			/* what is waited for has not come in time */
	bool broken;			/* what served its page is lost */
	bool stale_reconfiguring;	/* the frontend's 7 belongs to a change that was given up */
};

/*
 * The state machine: the one step that a view asks for, or PCIBACK_STEP_NONE. It never leads to 7,
 * which is the toolstack's; to 8 only as the answer to a frontend's own 7; and to 6 only when the
 * frontend is known to survive it or can't see it: a NetBSD guest panics.
 */
enum pciback_step pciback_xenbus_next(const struct pciback_view *view);

#endif
