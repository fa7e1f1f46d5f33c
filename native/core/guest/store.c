/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "store.h"

#include <stdarg.h>
#include <stdio.h>

void
pciback_item_set(struct pciback_store_item *item, enum pciback_store_action action,
    enum pciback_directory directory, uint16_t domain, const char *format, ...)
{
	char key[PCIBACK_STORE_PATH];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(key, sizeof(key), format, arguments);
	va_end(arguments);
	item->action = action;
	item->result = 0;
	item->value[0] = '\0';
	pciback_path(item->path, directory, domain, key);
}

void
pciback_item_value(struct pciback_store_item *item, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(item->value, sizeof(item->value), format, arguments);
	va_end(arguments);
}

struct pciback_store_item *
pciback_change_add_in(struct pciback_change *change, enum pciback_store_action action,
    enum pciback_directory directory, const char *key)
{
	struct pciback_store_item *item = &change->items[change->n++];

	pciback_item_set(item, action, directory, change->domain, "%s", key);
	return item;
}

struct pciback_store_item *
pciback_change_add(struct pciback_change *change, enum pciback_store_action action,
    const char *format, ...)
{
	char key[PCIBACK_STORE_PATH];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(key, sizeof(key), format, arguments);
	va_end(arguments);
	return pciback_change_add_in(change, action, PCIBACK_DIRECTORY_BACKEND, key);
}

int
pciback_store_read(const struct pciback_backend *backend, struct pciback_store_item *items,
    size_t n)
{
	return backend->xen.operations->store_read(backend->xen.world, items, n);
}

int
pciback_store_change(const struct pciback_backend *backend,
    const struct pciback_store_item *items, size_t n)
{
	return backend->xen.operations->store_change(backend->xen.world, items, n);
}

static uint32_t
frontend_token(const struct pciback_guest *guest)
{
	return PCIBACK_WATCH_FRONTEND + (uint32_t)(guest - guest->backend->guests);
}

int
pciback_store_watch_frontend(const struct pciback_guest *guest)
{
	const struct pciback_xen *xen = &guest->backend->xen;
	char path[PCIBACK_STORE_PATH];

	pciback_path(path, PCIBACK_DIRECTORY_FRONTEND, guest->domain, "state");
	return xen->operations->store_watch(xen->world, path, frontend_token(guest));
}

void
pciback_store_unwatch_frontend(const struct pciback_guest *guest)
{
	const struct pciback_xen *xen = &guest->backend->xen;
	char path[PCIBACK_STORE_PATH];

	pciback_path(path, PCIBACK_DIRECTORY_FRONTEND, guest->domain, "state");
	(void)xen->operations->store_unwatch(xen->world, path, frontend_token(guest));
}
