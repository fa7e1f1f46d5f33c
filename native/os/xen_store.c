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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/text.h>

/* A transaction that somebody else's writes came into is tried again; so often, in all. */
#define ATTEMPTS 10

static void
read_item(struct xen *xen, uint32_t transaction, struct pciback_store_item *item)
{
	unsigned length = 0;
	char *value = xen->call->xs_read(xen->store, transaction, item->path, &length);

	item->value[0] = '\0';
	item->result = 0;
	if (value == NULL) {
		item->result = errno > 0 ? -errno : -EIO;
	} else if (length >= sizeof(item->value) || memchr(value, '\0', length) != NULL) {
		item->result = -EMSGSIZE;
	} else {
		memcpy(item->value, value, length);
		item->value[length] = '\0';
	}
	free(value);
}

static int
store_read(void *world, struct pciback_store_item *items, size_t n)
{
	struct xen *xen = world;

	if (n == 1) {
		read_item(xen, XBT_NULL, items);
		return 0;
	}
	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		uint32_t transaction = xen->call->xs_transaction_start(xen->store);

		if (transaction == XBT_NULL)
			return xen_result(-1);
		for (size_t i = 0; i < n; i++)
			read_item(xen, transaction, &items[i]);
		/* Nothing was written; a conflict shows all the same that this is no one moment. */
		if (xen->call->xs_transaction_end(xen->store, transaction, false))
			return 0;
		if (errno != EAGAIN)
			return xen_result(-1);
	}
	return -EAGAIN;
}

/* "n0,r3": owner with what others may, then who may read. */
static int
make_node(struct xen *xen, uint32_t transaction, const struct pciback_store_item *item)
{
	struct xs_permissions permissions[2] = { { .id = 0, .perms = XS_PERM_NONE } };
	unsigned owner, reader;

	if (sscanf(item->value, "n%u,r%u", &owner, &reader) != 2)
		return -EINVAL;
	permissions[0].id = owner;
	permissions[1] = (struct xs_permissions){ .id = reader, .perms = XS_PERM_READ };
	if (!xen->call->xs_mkdir(xen->store, transaction, item->path) ||
	    !xen->call->xs_set_permissions(xen->store, transaction, item->path, permissions, 2))
		return xen_result(-1);
	return 0;
}

static int
change_item(struct xen *xen, uint32_t transaction, const struct pciback_store_item *item)
{
	struct pciback_store_item now = *item;

	switch (item->action) {
	case PCIBACK_STORE_READ:
		return -EINVAL;
	case PCIBACK_STORE_EXPECT:
		read_item(xen, transaction, &now);
		return now.result == 0 && strcmp(now.value, item->value) == 0 ? 0 : -ESTALE;
	case PCIBACK_STORE_EXPECT_NONE:
		read_item(xen, transaction, &now);
		return now.result == -ENOENT ? 0 : -ESTALE;
	case PCIBACK_STORE_WRITE:
		return xen->call->xs_write(xen->store, transaction, item->path, item->value,
		    (unsigned)strlen(item->value)) ? 0 : xen_result(-1);
	case PCIBACK_STORE_REMOVE:
		return xen->call->xs_rm(xen->store, transaction, item->path) || errno == ENOENT ? 0 :
		    xen_result(-1);
	case PCIBACK_STORE_MAKE:
		return make_node(xen, transaction, item);
	}
	return -EINVAL;
}

static int
store_change(void *world, const struct pciback_store_item *items, size_t n)
{
	struct xen *xen = world;

	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		uint32_t transaction = xen->call->xs_transaction_start(xen->store);
		int r = 0;

		if (transaction == XBT_NULL)
			return xen_result(-1);
		for (size_t i = 0; i < n && r == 0; i++)
			r = change_item(xen, transaction, &items[i]);
		if (r < 0) {
			(void)xen->call->xs_transaction_end(xen->store, transaction, true);
			return r;
		}
		if (xen->call->xs_transaction_end(xen->store, transaction, false))
			return 0;
		if (errno != EAGAIN)
			return xen_result(-1);
	}
	return -EAGAIN;
}

static int
store_list(void *world, const char *path, uint16_t *ret_numbers, size_t max, size_t *ret_n)
{
	struct xen *xen = world;
	unsigned n = 0;
	char **names = xen->call->xs_directory(xen->store, XBT_NULL, path, &n);
	size_t n_numbers = 0;

	if (names == NULL)
		return xen_result(-1);
	for (unsigned i = 0; i < n; i++) {
		uint32_t number;

		if (pciback_decimal_parse(names[i], INT16_MAX, &number) < 0)
			continue;
		if (n_numbers < max)
			ret_numbers[n_numbers] = (uint16_t)number;
		n_numbers++;
	}
	free(names);
	*ret_n = n_numbers;
	return 0;
}

static int
store_watch(void *world, const char *path, uint32_t token)
{
	struct xen *xen = world;
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", (unsigned)token);
	return xen->call->xs_watch(xen->store, path, text) ? 0 : xen_result(-1);
}

static int
store_unwatch(void *world, const char *path, uint32_t token)
{
	struct xen *xen = world;
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", (unsigned)token);
	return xen->call->xs_unwatch(xen->store, path, text) ? 0 : xen_result(-1);
}

void
xen_store_fill(struct pciback_xen_operations *operations)
{
	operations->store_read = store_read;
	operations->store_change = store_change;
	operations->store_list = store_list;
	operations->store_watch = store_watch;
	operations->store_unwatch = store_unwatch;
}
