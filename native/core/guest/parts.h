/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_PARTS_H
#define PCIBACK_GUEST_PARTS_H

#include <pciback/guest.h>

/* What the files of this directory share. */

/* ---- ledger.c */

/*
 * Grants one permission to the slot's guest and records it. For PIRQ, *ret_pirq is the pirq. What
 * another device of the guest has already is only borrowed.
 * Returns 0, -EBUSY when a device of another guest has it, -ENOSPC, or what the operation returned.
 */
int pciback_ledger_grant(struct pciback_slot *slot, enum pciback_permission_kind kind,
    uint64_t first, uint64_t n, uint32_t *ret_pirq);

/* Records an MSI that was mapped; the caller has checked that there is room. */
void pciback_ledger_add_msi(struct pciback_slot *slot, uint32_t pirq);

/* Takes back what was granted last, until `keep` entries are left. Returns the first failure;
 * none keeps the others from being taken back. */
int pciback_ledger_take_back(struct pciback_slot *slot, size_t keep);

/* ---- slot.c */

/* The operations that devices get; `world` is the backend, a device's handle its slot, a
 * channel's its guest. */
void pciback_slot_operations(struct pciback_operations *ret_operations);

/*
 * Takes a device for a guest: opens it, grants, lays out its policy, assigns it, gives it a place.
 * Returns 0, also when the guest has it already, or a negative errno after having undone all of
 * it, and then one sentence in message.
 */
int pciback_slot_take(struct pciback_guest *guest, const struct pciback_entry *entry,
    char message[PCIBACK_LOG_LINE]);

/* Gives a device back, as far as it was taken. */
void pciback_slot_drop(struct pciback_slot *slot);

/* ---- look.c */

/* Reads what the store says of a guest, its devices too if look_backend is set. Returns 0, or a
 * negative errno when the store could not be read. */
int pciback_guest_look(struct pciback_guest *guest);

/* Reads which page and event channel the frontend names. Returns 0, or a negative errno when a key
 * is missing or holds garbage. */
int pciback_guest_look_at_channel(struct pciback_guest *guest);

/* The view that the state machine decides on. */
void pciback_guest_view(const struct pciback_guest *guest, struct pciback_view *ret_view);

/* Whether the guest should have this device, by what the store says. */
bool pciback_entry_wanted(const struct pciback_guest *guest, const struct pciback_entry *entry);

/* The entry of a device, or NULL. */
const struct pciback_entry *pciback_guest_entry(const struct pciback_guest *guest,
    const struct pciback_address *address);

/* An error in what the toolstack wrote: logged once, kept for status. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void pciback_guest_complain(struct pciback_guest *guest, const char *format, ...);

/* ---- publish.c */

/*
 * Writes what the guest's devices look like (vdev-N, state-N, root-N, root_num) where it differs,
 * and our own state, in one transaction that fails with -ESTALE when the toolstack has changed
 * anything meanwhile.
 */
int pciback_guest_publish(struct pciback_guest *guest, enum pciback_xenbus own);

/* ---- guest.c */

/* Makes a guest out of a free place in the table. */
void pciback_guest_init(struct pciback_guest *guest, struct pciback_backend *backend,
    uint16_t domain);

/* Does what is due for one guest; returns milliseconds until something is, or -1. */
int pciback_guest_run(struct pciback_guest *guest);

/* Whether something is due at once, such as what came in while another guest had its turn. */
bool pciback_guest_is_due(const struct pciback_guest *guest);

/* Gives back all that is held: the channel, then the devices. */
void pciback_guest_release(struct pciback_guest *guest);

/* ---- job.c */

/* Does what is due for one job; returns milliseconds until something is, or -1. */
int pciback_job_run(struct pciback_backend *backend, struct pciback_job *job);

/* ---- store.c */

/* Fills in an item. The path is below our directory of a domain, or with '/' an absolute one. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void pciback_item_set(struct pciback_store_item *item, enum pciback_store_action action,
    uint16_t domain, const char *format, ...);

/* Sets the value, as printf(3). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void pciback_item_value(struct pciback_store_item *item, const char *format, ...);

/* Writes one line of the log that no guest can cause. `domain` 0: of no guest. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void pciback_backend_log(struct pciback_backend *backend, enum pciback_log_level level,
    uint16_t domain, const char *format, ...);

/* The nearer of two times to wait, -1 being for ever. */
int pciback_sooner(int a, int b);

/* Milliseconds from now until `then`, not negative. */
int pciback_until(uint64_t now, uint64_t then);

#endif
