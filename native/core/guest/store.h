/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_STORE_H
#define PCIBACK_GUEST_STORE_H

#include <stdint.h>

#include <pciback/xen.h>

#include "paths.h"
#include "state.h"

/*
 * Items of a read or a change of the store. They are put together in an array, often the backend's,
 * and done in one transaction.
 */

/* Makes an item: what to do with the key of a guest's directory. `format` is the key's name as
 * printf(3), "" for the directory itself. The value is empty. */
#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
void pciback_item_set(struct pciback_store_item *item, enum pciback_store_action action,
    enum pciback_directory directory, uint16_t domain, const char *format, ...);

/* Sets the value, as printf(3). */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void pciback_item_value(struct pciback_store_item *item, const char *format, ...);

/* A change that is put together: items for one domain, in an array of the caller's. */
struct pciback_change {
	struct pciback_store_item *items;
	size_t n;
	uint16_t domain;
};

/* Adds an item on a key of the backend's directory, or of another one, and returns it for
 * pciback_item_value(). */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
struct pciback_store_item *pciback_change_add(struct pciback_change *change,
    enum pciback_store_action action, const char *format, ...);
struct pciback_store_item *pciback_change_add_in(struct pciback_change *change,
    enum pciback_store_action action, enum pciback_directory directory, const char *key);

/* Reads the first `n` of an array of items, or makes them. Returns what store_read and store_change
 * of the binding return. */
int pciback_store_read(const struct pciback_backend *backend, struct pciback_store_item *items,
    size_t n);
int pciback_store_change(const struct pciback_backend *backend,
    const struct pciback_store_item *items, size_t n);

/* Sets a watch on the state of a guest's frontend; its token is the guest's place in the table.
 * Returns what store_watch of the binding returns. */
int pciback_store_watch_frontend(const struct pciback_guest *guest);

/* Ends that watch. */
void pciback_store_unwatch_frontend(const struct pciback_guest *guest);

#endif
