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

#include <sys/mman.h>

#include <fcntl.h>

/* What a child has of Xen: a page and an event channel, by handles of its own. What its parent has, it closes. */

static int
connect_child(void *world, const struct pciback_message *start, struct pciback_page **ret_page, int *ret_fd,
    enum pciback_start_step *ret_step)
{
	struct xen *xen = world;
	int port;

	*ret_step = PCIBACK_START_PAGE;
	xen->grants = xen->call->xengnttab_open(NULL, 0);
	if (xen->grants == NULL)
		return xen_result(-1);
	*ret_page = xen->call->xengnttab_map_grant_ref(xen->grants, start->domain, start->reference,
	    PROT_READ | PROT_WRITE);
	if (*ret_page == NULL)
		return xen_result(-1);
	*ret_step = PCIBACK_START_EVENT;
	xen->events = xen->call->xenevtchn_open(NULL, 0);
	if (xen->events == NULL)
		return xen_result(-1);
	*ret_fd = xen->call->xenevtchn_fd(xen->events);
	if (fcntl(*ret_fd, F_SETFL, O_NONBLOCK) < 0)
		return xen_result(-1);
	port = xen->call->xenevtchn_bind_interdomain(xen->events, start->domain, start->port);
	if (port < 0)
		return xen_result(-1);
	xen->child_port = (uint32_t)port;
	return 0;
}

static bool
take_event(void *world)
{
	struct xen *xen = world;

	return xen->call->xenevtchn_pending(xen->events) >= 0;
}

static void
notify(void *world)
{
	struct xen *xen = world;

	(void)xen->call->xenevtchn_notify(xen->events, xen->child_port);
}

static void
unmask(void *world)
{
	struct xen *xen = world;

	(void)xen->call->xenevtchn_unmask(xen->events, xen->child_port);
}

void
pciback_xen_child(const struct pciback_xen_link *link, struct pciback_child_machine *ret_machine)
{
	*ret_machine = (struct pciback_child_machine){
		.connect = connect_child,
		.take_event = take_event,
		.notify = notify,
		.unmask = unmask,
		.world = link->xen.world,
	};
}
