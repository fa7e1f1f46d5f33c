/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_BACKEND_H
#define PCIBACK_BACKEND_H

/*
 * A backend for Xen PCI pass-through, free of any operating system: which guest has which devices.
 *
 *	store --> look --> pciback_xenbus_next() --> one step --> store, permissions, channel
 *
 * A step that fails half-way leaves everything such that the next look decides right. Everything in
 * a frontend's directory is hostile; a malformed key of the backend's directory is an error that
 * names it. Memory is allocated by pciback_backend_new() alone. Functions return 0 or a negative
 * errno value; times are milliseconds of a clock that never goes back.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/allow.h>
#include <pciback/children.h>
#include <pciback/hardware.h>
#include <pciback/job.h>
#include <pciback/pciif.h>
#include <pciback/record.h>
#include <pciback/topology.h>
#include <pciback/xen.h>

/* All guests and their devices; core/guest/state.h has its members. */
struct pciback_backend;

struct pciback_backend_settings {
	enum pciback_topology_kind topology;
	unsigned allow;			/* PCIBACK_ALLOW_* */
	size_t n_guests, n_devices, n_jobs;	/* at most so many at a time */
	bool waits_for_resets;		/* there is nobody to be served while a device is reset */
};

/* Makes a backend without guests. Returns 0 or -ENOMEM. */
int pciback_backend_new(const struct pciback_backend_settings *settings,
    struct pciback_backend **ret_backend);

/* After pciback_backend_end(), or if it was never started. NULL is allowed. */
void pciback_backend_free(struct pciback_backend *backend);

/* In a copy of the process that shall know nothing of guests and their devices: overwrites all that `world`, the backend,
 * has of them. Nothing else may be done with it then. */
void pciback_backend_forget(void *world);

/* Says what it runs on, before it is started. Both are copied. */
void pciback_backend_bind(struct pciback_backend *backend, const struct pciback_xen *xen,
    const struct pciback_hardware *hardware);

/* Says that children serve the guests' pages, before it is started; else this process does. Copied. */
void pciback_backend_serve_by(struct pciback_backend *backend, const struct pciback_children *children);

/* Says where it is recorded what guests have, before it is started; else nowhere. Copied. */
void pciback_backend_keep_record(struct pciback_backend *backend, const struct pciback_record_store *store);

/* A child has said something: that of the guest at this place. Only remembers it. */
void pciback_backend_child(struct pciback_backend *backend, size_t number);

/* Goes on with what the record says, sets the watches and looks for guests that are there already. Returns 0, or what the
 * watch that could not be set returned. */
int pciback_backend_start(struct pciback_backend *backend, uint64_t now);

/* A watch fired: `path` has changed, `token` is the watch's. Only remembers it; any number of them
 * is one (XSA-349). */
void pciback_backend_watch(struct pciback_backend *backend, const char *path, uint32_t token);

/* The event channel of a local port fired. Only remembers it. */
void pciback_backend_event(struct pciback_backend *backend, uint32_t port);

/*
 * Does what is due. Returns the milliseconds until something is due again if nothing happens
 * before, or -1 for ever.
 */
int pciback_backend_run(struct pciback_backend *backend, uint64_t now);

/* Whether its last run has done a part of a hand-over, after which it is to be looked at what has come meanwhile. */
bool pciback_backend_has_stepped(const struct pciback_backend *backend);

/* Asks every guest to close; pciback_backend_run() goes on until pciback_backend_idle(). */
void pciback_backend_stop(struct pciback_backend *backend, uint64_t now);

/* Whether no guest has a device or a channel. */
bool pciback_backend_idle(const struct pciback_backend *backend);

/* Takes everything back at once, whatever the guests do. */
void pciback_backend_end(struct pciback_backend *backend, uint64_t now);

/*
 * Leaves everything to the process that follows: guests keep what they have, and the record says what that is. Nothing
 * but pciback_backend_free() may be called afterwards. A guest's request waits for that process.
 */
void pciback_backend_hand_over(struct pciback_backend *backend, uint64_t now);

/* Whether the process that follows could go on with the guests: there is a record, and it could be written so far. */
bool pciback_backend_can_hand_over(const struct pciback_backend *backend);

/* Whether an attach, a detach or a reset is under way. */
bool pciback_backend_has_jobs(const struct pciback_backend *backend);

/* A free job to be filled in, or NULL. Those that nobody waits for any more are free once they are
 * done. */
struct pciback_job *pciback_backend_job(struct pciback_backend *backend);

/*
 * Tells the guest that has a device of an error, without waiting: other guests go on. `command` and
 * `state` as for pciback_aer_send(). The answer, or PCIBACK_RECOVERY_DISCONNECT when none comes in
 * time, goes to `recovered`.
 * Returns 0, -ENOENT (no guest has it), -EBUSY (one report at a time a guest), or what
 * pciback_aer_send() returns.
 */
int pciback_backend_report(struct pciback_backend *backend, const struct pciback_address *address,
    enum pciback_command command, int32_t state, uint64_t now);

#endif
