/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "xen.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/backend.h>
#include <pciback/text.h>

/*
 * Some ten microseconds on real hardware: about what a guest takes from one answer to its next request. An event costs
 * three system calls and a switch of processes more. Who sends requests one by one keeps the process at this until
 * the guest's share of a processor is used up; others are served in between all the same.
 */
#define N_POLLS 50000

static int
receive(void *world)
{
	struct xen *xen = world;
	char **event;
	int port;

	while ((event = xen->call->xs_check_watch(xen->store)) != NULL) {
		uint32_t token;

		if (pciback_decimal_parse(event[XS_WATCH_TOKEN], UINT32_MAX, &token) == 0)
			pciback_backend_watch(xen->backend, event[XS_WATCH_PATH], token);
		free(event);
	}
	if (errno != EAGAIN)
		return xen_result(-1);
	/* One at a time: poll() tells of the others, and a guest waits for the answer to this one. */
	port = xen->call->xenevtchn_pending(xen->events);
	if (port >= 0)
		pciback_backend_event(xen->backend, (uint32_t)port);
	else if (errno != EAGAIN && errno != EINTR)
		return xen_result(-1);
	return 0;
}

static uint64_t
real_clock(void *world)
{
	(void)world;
	return pciback_clock();
}

static uint64_t
real_work(void *world)
{
	(void)world;
	return pciback_work();
}

static void
close_link(void *world)
{
	struct xen *xen = world;

	/* Without libraries nothing is open. */
	if (xen->store != NULL)
		xen->call->xs_close(xen->store);
	if (xen->grants != NULL)
		(void)xen->call->xengnttab_close(xen->grants);
	if (xen->events != NULL)
		(void)xen->call->xenevtchn_close(xen->events);
	if (xen->control != NULL)
		(void)xen->call->xc_interface_close(xen->control);
	if (xen->calls != NULL)
		(void)xen->call->xencall_close(xen->calls);
	xen_libraries_close(&xen->libraries);
	free(xen);
}

/* Whether libxenctrl and the Xen that runs understand each other: Xen refuses with EACCES what was
 * built for another version of its calls. dom0 is always there. */
static int
ask_for_dom0(struct xen *xen)
{
	enum pciback_life life = PCIBACK_LIFE_GONE;
	int r = xen->operations.domain_life(xen, 0, &life);

	if (r == 0 && life != PCIBACK_LIFE_RUNNING)
		return -ENOENT;
	return r;
}

/* The libraries that are the same with each Xen, and what they lead to. */
static int
open_stable(struct xen *xen, char message[PCIBACK_PLATFORM_MESSAGE])
{
	const struct xen_functions *call = &xen->libraries.call;
	const char *what = NULL;
	int version, error;

	error = xen_libraries_open(&xen->libraries, &xen_system_loader, message);
	if (error < 0)
		return error;
	xen->call = call;
	errno = 0;
	if ((xen->store = call->xs_open(0)) == NULL)
		what = "xenstore";
	else if ((xen->calls = call->xencall_open(NULL, 0)) == NULL ||
	    (version = call->xencall2(xen->calls, HYPERVISOR_XEN_VERSION, XENVER_VERSION, 0)) < 0)
		what = "the hypervisor";
	else if ((xen->events = call->xenevtchn_open(NULL, 0)) == NULL ||
	    fcntl(call->xenevtchn_fd(xen->events), F_SETFL, O_NONBLOCK) < 0)
		what = "event channels";
	else if ((xen->grants = call->xengnttab_open(NULL, 0)) == NULL)
		what = "the grant table";
	if (what != NULL) {
		error = errno > 0 ? errno : EIO;
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
		    "%s can't be opened (%s); is this dom0, and are you root?", what, strerror(error));
		return -error;
	}
	xen->version = (uint32_t)version;
	return 0;
}

/* The library of this very Xen. */
static int
open_control(struct xen *xen, char message[PCIBACK_PLATFORM_MESSAGE])
{
	unsigned major = xen->version >> 16, minor = xen->version & 0xffff;
	int r = xen_libraries_open_control(&xen->libraries, xen->version, message);

	if (r < 0)
		return r;
	errno = 0;
	xen->control = xen->call->xc_interface_open(NULL, NULL, 0);
	r = xen->control != NULL ? ask_for_dom0(xen) : xen_result(-1);
	if (r == -EACCES)
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "the Xen %u.%u that runs and "
		    "libxenctrl.so.%u.%u were made of different sources; reboot into the Xen of these tools",
		    major, minor, major, minor);
	else if (r < 0)
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
		    "Xen does not tell of dom0 through libxenctrl.so.%u.%u: %s", major, minor, strerror(-r));
	return r;
}

_Static_assert(XEN_LIBRARIES_MESSAGE == PCIBACK_PLATFORM_MESSAGE, "a sentence fits");

int
pciback_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct xen *xen;
	int r;

	xen = calloc(1, sizeof(*xen));
	if (xen == NULL) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	xen->backend = backend;
	xen_store_fill(&xen->operations);
	xen_guest_fill(&xen->operations);
	xen_permission_fill(&xen->operations);
	r = open_stable(xen, message);
	if (r == 0)
		r = open_control(xen, message);
	if (r < 0) {
		close_link(xen);
		return r;
	}
	*ret_link = (struct pciback_xen_link){
		.xen = { .operations = &xen->operations, .world = xen, .n_polls = N_POLLS,
		    .work = real_work },
		.fds = { xen->call->xs_fileno(xen->store), xen->call->xenevtchn_fd(xen->events) },
		.n_fds = 2,
		.receive = receive,
		.clock = real_clock,
		.close = close_link,
	};
	return 0;
}
