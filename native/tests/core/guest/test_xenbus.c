/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/xenbus.h>

#define NEW		PCIBACK_PHASE_NEW
#define READY		PCIBACK_PHASE_READY
#define CONNECTED	PCIBACK_PHASE_CONNECTED
#define RECONFIGURED	PCIBACK_PHASE_RECONFIGURED
#define LEAVING		PCIBACK_PHASE_LEAVING
#define RELEASED	PCIBACK_PHASE_RELEASED
#define CLOSED		PCIBACK_PHASE_CLOSED

/* Flags of a row; those of an ordinary guest are none. */
enum {
	OFFLINE = 1 << 0,
	HANDLES_ALL = 1 << 1,
	WROTE = 1 << 2,
	RESTARTED = 1 << 3,
	BLOCKED = 1 << 4,
	CHANGED = 1 << 5,
	TIMED_OUT = 1 << 6,
	STOPPED = 1 << 7,
	GONE = 1 << 8,
	ABSENT = 1 << 9,
	STALE = 1 << 10,
	ALL_FLAGS = 1 << 11,
};

static struct pciback_view
view_of(enum pciback_phase phase, unsigned own, unsigned frontend, unsigned flags)
{
	return (struct pciback_view){
		.phase = phase,
		.exists = (flags & ABSENT) == 0,
		.own = (enum pciback_xenbus)own,
		.frontend = (enum pciback_xenbus)frontend,
		.life = (flags & GONE) != 0 ? PCIBACK_LIFE_GONE :
		    (flags & STOPPED) != 0 ? PCIBACK_LIFE_STOPPED : PCIBACK_LIFE_RUNNING,
		.online = (flags & OFFLINE) == 0,
		.handles_all_states = (flags & HANDLES_ALL) != 0,
		.frontend_wrote = (flags & WROTE) != 0,
		.restarted = (flags & RESTARTED) != 0,
		.blocked = (flags & BLOCKED) != 0,
		.changed = (flags & CHANGED) != 0,
		.timed_out = (flags & TIMED_OUT) != 0,
		.stale_reconfiguring = (flags & STALE) != 0,
	};
}

struct row {
	enum pciback_phase phase;
	uint8_t own, frontend;
	uint16_t flags;
	enum pciback_step step;
};

#define STEP(name) PCIBACK_STEP_##name

static const struct row rows[] = {
	/* Start-up. The frontend may have published its page before the backend is ready, or after. */
	{ NEW, 1, 1, 0, STEP(PREPARE) },
	{ NEW, 1, 3, 0, STEP(PREPARE) },
	{ NEW, 2, 1, 0, STEP(PREPARE) },
	{ NEW, 2, 1, BLOCKED, STEP(NONE) },
	{ NEW, 1, 0, 0, STEP(NONE) },
	{ NEW, 1, 6, 0, STEP(NONE) },
	{ READY, 3, 1, 0, STEP(NONE) },
	{ READY, 3, 2, 0, STEP(NONE) },
	{ READY, 3, 3, 0, STEP(CONNECT) },
	{ READY, 3, 3, BLOCKED, STEP(NONE) },
	{ CONNECTED, 4, 3, 0, STEP(NONE) },
	{ CONNECTED, 4, 4, 0, STEP(NONE) },
	/* An earlier pcibackd served it. */
	{ NEW, 4, 4, 0, STEP(PREPARE) },
	{ READY, 3, 4, 0, STEP(CONNECT) },
	{ NEW, 7, 7, 0, STEP(PREPARE) },
	/* Devices come and go before anybody looks: no state changes. */
	{ READY, 3, 1, CHANGED, STEP(UPDATE) },
	{ READY, 7, 1, 0, STEP(UPDATE) },
	/* Hot plug and unplug. */
	{ CONNECTED, 7, 4, 0, STEP(NONE) },
	{ CONNECTED, 7, 7, 0, STEP(RECONFIGURE) },
	{ CONNECTED, 7, 4, TIMED_OUT, STEP(SETTLE) },
	{ CONNECTED, 7, 7, STALE, STEP(NONE) },
	{ CONNECTED, 7, 7, STALE | TIMED_OUT, STEP(SETTLE) },
	{ RECONFIGURED, 8, 7, 0, STEP(NONE) },
	{ RECONFIGURED, 8, 4, 0, STEP(SETTLE) },
	{ RECONFIGURED, 8, 7, TIMED_OUT, STEP(SETTLE) },
	{ RECONFIGURED, 7, 7, 0, STEP(RECONFIGURE) },
	{ CONNECTED, 4, 7, 0, STEP(NONE) },
	{ CONNECTED, 4, 8, 0, STEP(NONE) },
	{ CONNECTED, 4, 4, CHANGED, STEP(UPDATE) },
	/* The toolstack takes all away: the frontend gets its time. */
	{ CONNECTED, 5, 4, OFFLINE, STEP(ASK) },
	{ CONNECTED, 4, 4, OFFLINE, STEP(ASK) },
	{ LEAVING, 5, 4, OFFLINE, STEP(NONE) },
	{ LEAVING, 5, 5, OFFLINE, STEP(RELEASE) },
	{ LEAVING, 5, 6, OFFLINE, STEP(RELEASE) },
	{ LEAVING, 5, 4, OFFLINE | TIMED_OUT, STEP(RELEASE) },
	{ RELEASED, 5, 6, OFFLINE | HANDLES_ALL, STEP(CLOSE) },
	{ RELEASED, 5, 6, OFFLINE, STEP(NONE) },
	{ RELEASED, 5, 4, OFFLINE | GONE, STEP(CLOSE) },
	{ CLOSED, 6, 6, OFFLINE, STEP(NONE) },
	{ READY, 5, 1, OFFLINE, STEP(RELEASE) },
	{ NEW, 1, 1, OFFLINE, STEP(RELEASE) },
	/* The frontend leaves of its own. */
	{ CONNECTED, 4, 5, HANDLES_ALL, STEP(RELEASE) },
	{ CONNECTED, 4, 6, HANDLES_ALL, STEP(RELEASE) },
	{ RELEASED, 5, 5, HANDLES_ALL, STEP(NONE) },
	{ RELEASED, 5, 6, HANDLES_ALL, STEP(CLOSE) },
	{ RELEASED, 5, 6, 0, STEP(NONE) },
	/* And comes back. */
	{ CLOSED, 6, 1, WROTE, STEP(PREPARE) },
	{ CLOSED, 6, 1, 0, STEP(NONE) },
	{ RELEASED, 5, 3, WROTE, STEP(PREPARE) },
	{ CONNECTED, 4, 1, 0, STEP(RESTART) },
	{ CONNECTED, 4, 2, 0, STEP(RESTART) },
	{ CONNECTED, 4, 3, RESTARTED, STEP(RESTART) },
	{ RECONFIGURED, 8, 1, 0, STEP(RESTART) },
	/* It vanishes, or its domain does. */
	{ CONNECTED, 4, 0, 0, STEP(RELEASE) },
	{ RELEASED, 5, 0, 0, STEP(CLOSE) },
	{ CONNECTED, 4, 4, STOPPED, STEP(RELEASE) },
	{ CONNECTED, 7, 4, GONE, STEP(RELEASE) },
	{ RELEASED, 5, 4, GONE, STEP(CLOSE) },
	{ NEW, 4, 4, GONE, STEP(CLOSE) },
	{ NEW, 6, 4, GONE, STEP(NONE) },
	{ CONNECTED, 4, 4, ABSENT, STEP(FORGET) },
	/* The directory is made again. */
	{ CONNECTED, 1, 1, 0, STEP(RESTART) },
	{ RELEASED, 1, 1, 0, STEP(PREPARE) },
	/* What can't be done does not leave it at 7. */
	{ NEW, 7, 4, BLOCKED, STEP(RESTART) },
	{ NEW, 7, 6, 0, STEP(RELEASE) },
	{ RELEASED, 7, 4, 0, STEP(RELEASE) },
	{ CLOSED, 8, 6, 0, STEP(RELEASE) },
};

static bool
is_held(enum pciback_phase phase)
{
	return phase == READY || phase == CONNECTED || phase == RECONFIGURED || phase == LEAVING;
}

/* What must hold of every view there is. */
static bool
is_sound(const struct pciback_view *view, enum pciback_step step)
{
	bool unseen = view->life != PCIBACK_LIFE_RUNNING || view->frontend == PCIBACK_XENBUS_UNKNOWN;
	bool serves = view->exists && view->online && view->life == PCIBACK_LIFE_RUNNING;

	if (!view->exists)
		return step == STEP(FORGET);
	switch (step) {
	case STEP(NONE):
		/* Nobody waits at 7 for ever, and a dead guest holds nothing. */
		return !(view->own == PCIBACK_XENBUS_RECONFIGURING && view->timed_out &&
		    view->phase != LEAVING) && !(is_held(view->phase) && !serves &&
		    view->phase != LEAVING) && !(is_held(view->phase) &&
		    view->life != PCIBACK_LIFE_RUNNING);
	case STEP(PREPARE):
		return serves && !is_held(view->phase) && !view->blocked;
	case STEP(CONNECT):
		return serves && view->phase == READY && view->frontend != PCIBACK_XENBUS_UNKNOWN;
	case STEP(UPDATE):
		return serves && (view->phase == READY || view->phase == CONNECTED);
	case STEP(RECONFIGURE):
		/* The frontend said 7 itself. */
		return serves && view->own == PCIBACK_XENBUS_RECONFIGURING &&
		    view->frontend == PCIBACK_XENBUS_RECONFIGURING &&
		    (view->phase == CONNECTED || view->phase == RECONFIGURED);
	case STEP(SETTLE):
		return serves && (view->phase == CONNECTED || view->phase == RECONFIGURED);
	case STEP(ASK):
		return view->phase == CONNECTED || view->phase == RECONFIGURED;
	case STEP(CLOSE):
		/* Devices first, and a NetBSD guest never sees it. */
		return !is_held(view->phase) && (view->handles_all_states || unseen);
	case STEP(RELEASE):
	case STEP(RESTART):
		return true;
	case STEP(FORGET):
		return false;
	}
	return false;
}

/* What a step that succeeds makes of a view. */
static void
apply(struct pciback_view *view, enum pciback_step step)
{
	view->timed_out = false;
	switch (step) {
	case STEP(NONE):
	case STEP(FORGET):
		return;
	case STEP(PREPARE):
		view->phase = READY;
		view->own = PCIBACK_XENBUS_INITIALISED;
		view->changed = false;
		return;
	case STEP(CONNECT):
	case STEP(SETTLE):
		view->phase = CONNECTED;
		view->own = PCIBACK_XENBUS_CONNECTED;
		view->restarted = step == STEP(CONNECT) ? false : view->restarted;
		return;
	case STEP(UPDATE):
		view->changed = false;
		if (view->phase == READY)
			view->own = PCIBACK_XENBUS_INITIALISED;
		return;
	case STEP(RECONFIGURE):
		view->phase = RECONFIGURED;
		view->own = PCIBACK_XENBUS_RECONFIGURED;
		return;
	case STEP(ASK):
		view->phase = LEAVING;
		view->own = PCIBACK_XENBUS_CLOSING;
		return;
	case STEP(RELEASE):
		view->phase = RELEASED;
		if (view->own != PCIBACK_XENBUS_CLOSED)
			view->own = PCIBACK_XENBUS_CLOSING;
		view->frontend_wrote = view->restarted = false;
		return;
	case STEP(CLOSE):
		view->phase = CLOSED;
		view->own = PCIBACK_XENBUS_CLOSED;
		return;
	case STEP(RESTART):
		view->phase = NEW;
		if (view->own != PCIBACK_XENBUS_CLOSED)
			view->own = PCIBACK_XENBUS_INIT_WAIT;
		view->frontend_wrote = view->restarted = false;
		return;
	}
}

/* Every phase, state of either end, and combination of flags. */
static void
test_all(struct harness *harness)
{
	size_t n_unsound = 0, n_circles = 0, n = 0;

	for (unsigned phase = NEW; phase <= CLOSED; phase++)
		for (unsigned own = 0; own <= 8; own++)
			for (unsigned frontend = 0; frontend <= 8; frontend++)
				for (unsigned flags = 0; flags < ALL_FLAGS; flags++) {
					struct pciback_view view = view_of((enum pciback_phase)phase, own, frontend,
					    flags);
					unsigned steps = 0;

					for (;; steps++) {
						enum pciback_step step = pciback_xenbus_next(&view);

						n_unsound += !is_sound(&view, step);
						if (step == STEP(NONE) || step == STEP(FORGET) || steps > 6)
							break;
						apply(&view, step);
					}
					n_circles += steps > 6;
					n++;
				}
	CHECK_NUMBER(n, 7 * 9 * 9 * ALL_FLAGS);
	CHECK_NUMBER(n_unsound, 0);
	CHECK_NUMBER(n_circles, 0);
}

void
test_guest_xenbus(struct harness *harness)
{
	enum pciback_xenbus state = PCIBACK_XENBUS_CLOSED;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pciback_view view = view_of(rows[i].phase, rows[i].own, rows[i].frontend,
		    rows[i].flags);
		enum pciback_step step = pciback_xenbus_next(&view);

		harness_check_number(harness, step, rows[i].step, __FILE__, __LINE__,
		    pciback_phase_name(rows[i].phase));
		if (step != rows[i].step)
			harness_check_number(harness, (int64_t)i, -1, __FILE__, __LINE__, "row");
	}
	test_all(harness);

	CHECK_NUMBER(pciback_xenbus_parse("4", &state), 0);
	CHECK_NUMBER(state, PCIBACK_XENBUS_CONNECTED);
	CHECK_NUMBER(pciback_xenbus_parse("9", &state), -EINVAL);
	CHECK_NUMBER(pciback_xenbus_parse("", &state), -EINVAL);
	CHECK_NUMBER(pciback_xenbus_parse("04", &state), -EINVAL);
	CHECK_NUMBER(pciback_xenbus_parse("-1", &state), -EINVAL);
	CHECK_NUMBER(pciback_xenbus_parse("4\n", &state), -EINVAL);
	CHECK_NUMBER(state, PCIBACK_XENBUS_CONNECTED);

	CHECK_TEXT(pciback_xenbus_name(PCIBACK_XENBUS_RECONFIGURED), "Reconfigured");
	CHECK_TEXT(pciback_xenbus_name((enum pciback_xenbus)9), "?");
	CHECK_TEXT(pciback_phase_name(PCIBACK_PHASE_LEAVING), "leaving");
}
