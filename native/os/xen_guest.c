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

#include <string.h>

/* Guests: whether they are alive, their pages, their event channels. */

static int
domain_life(void *world, uint16_t domain, enum pciback_life *ret_life)
{
	struct xen *xen = world;
	struct xen_domctl_getdomaininfo info;
	int n = xen->call->xc_domain_getinfolist(xen->control, domain, 1, &info);

	if (n < 0)
		return xen_result(n);
	if (n == 0 || info.domain != domain || (info.flags & XEN_DOMINF_DYING) != 0)
		*ret_life = PCIBACK_LIFE_GONE;
	else if ((info.flags & XEN_DOMINF_SHUTDOWN) != 0)
		*ret_life = PCIBACK_LIFE_STOPPED;
	else
		*ret_life = PCIBACK_LIFE_RUNNING;
	return 0;
}

static int
domain_identity(void *world, uint16_t domain, struct pciback_domain_identity *ret_identity)
{
	struct xen *xen = world;
	struct xen_domctl_getdomaininfo info;
	int n = xen->call->xc_domain_getinfolist(xen->control, domain, 1, &info);

	if (n < 0)
		return xen_result(n);
	if (n == 0 || info.domain != domain)
		return -ESRCH;
	memcpy(ret_identity->bytes, info.handle, sizeof(info.handle));
	memcpy(ret_identity->bytes + sizeof(info.handle), &info.shared_info_frame, sizeof(info.shared_info_frame));
	return 0;
}

_Static_assert(sizeof(((struct pciback_domain_identity *)NULL)->bytes) == 16 + 8, "UUID and frame");

static int
page_map(void *world, uint16_t domain, uint32_t reference, struct pciback_page **ret_page)
{
	struct xen *xen = world;
	void *address = xen->call->xengnttab_map_grant_ref(xen->grants, domain, reference,
	    PROT_READ | PROT_WRITE);

	if (address == NULL)
		return xen_result(-1);
	*ret_page = address;
	return 0;
}

static int
page_unmap(void *world, struct pciback_page *page)
{
	struct xen *xen = world;

	return xen_result(xen->call->xengnttab_unmap(xen->grants, page, 1));
}

static int
event_bind(void *world, uint16_t domain, uint32_t remote_port, uint32_t *ret_port)
{
	struct xen *xen = world;
	int port = xen->call->xenevtchn_bind_interdomain(xen->events, domain, remote_port);

	if (port < 0)
		return xen_result(-1);
	*ret_port = (uint32_t)port;
	return 0;
}

static int
event_unbind(void *world, uint32_t port)
{
	struct xen *xen = world;

	return xen_result(xen->call->xenevtchn_unbind(xen->events, port));
}

static int
event_unmask(void *world, uint32_t port)
{
	struct xen *xen = world;

	return xen_result(xen->call->xenevtchn_unmask(xen->events, port));
}

static int
event_notify(void *world, uint32_t port)
{
	struct xen *xen = world;

	return xen_result(xen->call->xenevtchn_notify(xen->events, port));
}

void
xen_guest_fill(struct pciback_xen_operations *operations)
{
	operations->domain_life = domain_life;
	operations->domain_identity = domain_identity;
	operations->page_map = page_map;
	operations->page_unmap = page_unmap;
	operations->event_bind = event_bind;
	operations->event_unbind = event_unbind;
	operations->event_unmask = event_unmask;
	operations->event_notify = event_notify;
}
