/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_PLATFORM_H
#define PCIBACK_PLATFORM_H

#include <pciback/guest.h>

struct pciback_bus;

/*
 * What pcibackd runs on: a Xen and the machine's devices, real or simulated. Errors are negative
 * errno values, with one sentence in `message`.
 */

#define PCIBACK_PLATFORM_MESSAGE 200

/* A connection to a Xen. */
struct pciback_xen_link {
	struct pciback_xen xen;
	int fds[2];			/* to be polled for reading */
	size_t n_fds;
	/* Takes all that has arrived, without waiting, and tells the backend of it. A negative errno
	 * value means that Xen is lost. */
	int (*receive)(void *world);
	/* Sends what waits to be sent, before the process waits. */
	int (*flush)(void *world);
	/* What the clock shows, in milliseconds, when it is `now` in fact; and that nothing is due any
	 * more, for who asked for it. NULL: neither. */
	uint64_t (*time)(void *world, uint64_t now);
	void (*at_rest)(void *world);
	void (*close)(void *world);
};

/* The real one, through libxenstore, libxengnttab, libxenevtchn and libxenctrl. -ENOSYS in a
 * program that was built without them. */
int pciback_xen_open(struct pciback_xen_link *link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE]);

/* One that is simulated by the process behind a socket; its protocol is in native/README.md. */
int pciback_xen_open_simulated(struct pciback_xen_link *link, struct pciback_backend *backend,
    const char *path, char message[PCIBACK_PLATFORM_MESSAGE]);

/* One without any domain. */
void pciback_xen_open_empty(struct pciback_xen_link *link);

/* The machine's own devices: sysfs on Linux, /dev/pciN on NetBSD. -ENOSYS elsewhere. `log` is left
 * for the caller to set, here and below. */
int pciback_hardware_open(struct pciback_hardware *hardware,
    char message[PCIBACK_PLATFORM_MESSAGE]);

/* The devices of a dump, which behave. */
int pciback_hardware_open_simulated(struct pciback_hardware *hardware,
    const struct pciback_bus *bus, char message[PCIBACK_PLATFORM_MESSAGE]);

void pciback_hardware_close(struct pciback_hardware *hardware);

/*
 * Gives up what the process no longer needs once everything is open. `simulated`: nothing of the
 * machine is needed at all. Returns what is left, as a sentence for the log, or NULL when nothing
 * could be given up on this system; that is no failure.
 */
const char *pciback_confine(bool simulated);

#endif
