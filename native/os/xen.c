/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(PCIBACK_WITH_XEN)

#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "xen.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/backend.h>
#include <pciback/text.h>

/*
 * Some ten microseconds on real hardware: about what a guest takes from one answer to its next request. An event costs
 * three system calls and a switch of processes more. Who sends requests one by one can keep the process at this; it
 * serves the others in between all the same.
 */
#define N_POLLS 50000

static int
receive(void *world)
{
	struct xen *xen = world;
	char **event;
	int port;

	while ((event = xs_check_watch(xen->store)) != NULL) {
		uint32_t token;

		if (pciback_decimal_parse(event[XS_WATCH_TOKEN], UINT32_MAX, &token) == 0)
			pciback_backend_watch(xen->backend, event[XS_WATCH_PATH], token);
		free(event);
	}
	if (errno != EAGAIN)
		return xen_result(-1);
	/* One at a time: poll() tells of the others, and a guest waits for the answer to this one. */
	port = (int)xenevtchn_pending(xen->events);
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

static void
close_link(void *world)
{
	struct xen *xen = world;

	if (xen->store != NULL)
		xs_close(xen->store);
	if (xen->grants != NULL)
		(void)xengnttab_close(xen->grants);
	if (xen->events != NULL)
		(void)xenevtchn_close(xen->events);
	if (xen->control != NULL)
		(void)xc_interface_close(xen->control);
	if (xen->calls != NULL)
		(void)xencall_close(xen->calls);
	free(xen);
}

/* Two backends for the same guests would take each other's devices. */
static bool
has_kernel_backend(char message[PCIBACK_PLATFORM_MESSAGE])
{
	static const char *const signs[] = { "/sys/bus/xen-backend/drivers/pciback", "/kern/xen/pci" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (access(signs[i], F_OK) < 0)
			continue;
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
		    "the kernel's own backend is at work (%s): unload it, or boot without a hide list",
		    signs[i]);
		return true;
	}
	return false;
}

int
pciback_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct xen *xen;
	const char *what = NULL;
	int error;

	if (has_kernel_backend(message))
		return -EBUSY;
	xen = calloc(1, sizeof(*xen));
	if (xen == NULL) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	xen->backend = backend;
	errno = 0;
	if ((xen->store = xs_open(0)) == NULL)
		what = "xenstore";
	else if ((xen->control = xc_interface_open(NULL, NULL, 0)) == NULL ||
	    (xen->calls = xencall_open(NULL, 0)) == NULL)
		what = "the hypervisor";
	else if ((xen->events = xenevtchn_open(NULL, 0)) == NULL)
		what = "event channels";
	else if ((xen->grants = xengnttab_open(NULL, 0)) == NULL)
		what = "the grant table";
	else if (fcntl(xenevtchn_fd(xen->events), F_SETFL, O_NONBLOCK) < 0)
		what = "event channels";
	if (what != NULL) {
		error = errno > 0 ? errno : EIO;
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
		    "%s can't be opened (%s); is this dom0, and are you root?", what, strerror(error));
		close_link(xen);
		return -error;
	}
	xen_store_fill(&xen->operations);
	xen_guest_fill(&xen->operations);
	xen_permission_fill(&xen->operations);
	*ret_link = (struct pciback_xen_link){
		.xen = { .operations = &xen->operations, .world = xen, .n_polls = N_POLLS },
		.fds = { xs_fileno(xen->store), xenevtchn_fd(xen->events) },
		.n_fds = 2,
		.receive = receive,
		.clock = real_clock,
		.close = close_link,
	};
	return 0;
}

#else

/* This file is for Xen's libraries; C has no empty translation unit. */
typedef int pciback_without_xen_link;

#endif
