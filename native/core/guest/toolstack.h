/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_TOOLSTACK_H
#define PCIBACK_GUEST_TOOLSTACK_H

#include <stdbool.h>
#include <stddef.h>

#include <pciback/job.h>
#include <pciback/xenbus.h>

#include "state.h"

/*
 * What a toolstack writes to the store, where there is none that could: xl can't attach a device on
 * a NetBSD dom0. The keys, their order and the states are those of libxl, so that `xl pci-list`
 * shows them. The state machine takes it from there as if xl had written it.
 *
 * Each makes one change, for the devices of a job, and expects the state and the number of devices
 * that are known of the guest. Returns 0, -ESTALE when the store has changed meanwhile, or what the
 * store returned.
 */

/* Makes both directories of a guest that has none, with the job's devices. */
int pciback_toolstack_create(struct pciback_backend *backend, const struct pciback_job *job);

/* Adds the devices to those of a guest; `reconfigure`: and asks the frontend to take part. */
int pciback_toolstack_add(struct pciback_guest *guest, const struct pciback_job *job,
    bool reconfigure);

/* Writes the state of each of the devices; `reconfigure` as above. */
int pciback_toolstack_set_state(struct pciback_guest *guest, const struct pciback_job *job,
    enum pciback_xenbus state, bool reconfigure);

/* Takes the guest offline, with all its devices. */
int pciback_toolstack_close(struct pciback_guest *guest);

/* Reads all keys of a guest's devices into the backend's items. Returns 0 or what the store
 * returned. */
int pciback_toolstack_load(const struct pciback_guest *guest);

/* Removes the devices, after pciback_toolstack_load(); all later ones move down, as libxl does it. */
int pciback_toolstack_remove(struct pciback_guest *guest, const struct pciback_job *job);

/* Removes both directories of a guest. */
int pciback_toolstack_destroy(struct pciback_guest *guest);

/* Whether a device is one of the job's. */
bool pciback_job_has(const struct pciback_job *job, const struct pciback_address *address);

#endif
