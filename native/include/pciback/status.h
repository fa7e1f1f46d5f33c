/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_STATUS_H
#define PCIBACK_STATUS_H

/*
 * What a backend tells of its guests and their devices.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/device.h>
#include <pciback/xenbus.h>

struct pciback_backend;

struct pciback_guest_status {
	uint16_t domain;
	enum pciback_phase phase;
	enum pciback_xenbus own, frontend;
	bool hot_plug;			/* the frontend is known to handle it */
	uint64_t n_requests, n_refused;	/* over the channel that is open; 0 without one */
	const char *message;		/* the last error, "" if none; valid until the backend runs again */
};

struct pciback_device_status {
	struct pciback_address address;
	struct pciback_address place;	/* where the guest sees it */
	enum pciback_interrupt interrupt;
	bool permissive;
	uint8_t line;			/* what the guest reads in INTERRUPT_LINE */
	uint8_t irq;			/* as in pciback_taken_status */
	bool rdm_relaxed;		/* memory that it wants reserved may be missing in the guest */
	unsigned allow;			/* PCIBACK_ALLOW_*, for it alone */
	size_t n_permissions;		/* that Xen gave for it */
};

/* A device that no guest has, and nobody but its domain gets: that may reach it still. */
struct pciback_held_back {
	struct pciback_address address;
	uint16_t domain;
	unsigned allow;			/* PCIBACK_ALLOW_*, for it alone */
	uint8_t irq;			/* as in pciback_taken_status */
	size_t n_permissions;		/* that Xen refuses to take back; 0: it lives, and may have mapped memory */
	bool is_lost;			/* a driver of dom0 has taken it, or it is gone, and may be back since as dom0's */
};

/* A device that was taken from dom0, and that whoever asks gets. */
struct pciback_taken_status {
	struct pciback_address address;
	bool is_clean;			/* as it was when it was taken; else that is tried again for the next one */
	bool is_reset;			/* right now */
	unsigned allow;			/* PCIBACK_ALLOW_*, for it alone */
	uint8_t irq;			/* the interrupt of its line as its owner states it, 0: it is not stated */
	bool is_lost;			/* a driver of dom0 has taken it, or it is gone: nobody gets it */
};

/* Permissions since the backend was made. */
struct pciback_counts {
	uint64_t n_granted, n_revoked;
	uint64_t n_not_revoked;		/* Xen has refused to so far */
};

/* The next guest: *position is 0 for the first, and is moved on. False: there are no more. */
bool pciback_status_guest(const struct pciback_backend *backend, size_t *position,
    struct pciback_guest_status *ret_status);

/* The next device of a guest, in the same way. */
bool pciback_status_device(const struct pciback_backend *backend, uint16_t domain,
    size_t *position, struct pciback_device_status *ret_status);

/* The next device that is held back, in the same way. */
bool pciback_status_held_back(const struct pciback_backend *backend, size_t *position,
    struct pciback_held_back *ret_status);

/* The next device that was taken from dom0 and that no domain has, in the same way. */
bool pciback_status_taken(const struct pciback_backend *backend, size_t *position,
    struct pciback_taken_status *ret_status);

/* The device at a real address. Returns 0, or -ENOENT if no guest has it. */
int pciback_status_find(const struct pciback_backend *backend,
    const struct pciback_address *address, struct pciback_device_status *ret_status);

/* Of all guests. */
void pciback_status_counts(const struct pciback_backend *backend,
    struct pciback_counts *ret_counts);

#endif
