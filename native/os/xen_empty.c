/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/platform.h>

#include <errno.h>

/* A Xen without any domain, for trying a dump: nothing can be attached to anybody. */

static int
store_read(void *world, struct pciback_store_item *items, size_t n)
{
	(void)world;
	for (size_t i = 0; i < n; i++) {
		items[i].value[0] = '\0';
		items[i].result = -ENOENT;
	}
	return 0;
}

static int
store_change(void *world, const struct pciback_store_item *items, size_t n)
{
	(void)world;
	(void)items;
	(void)n;
	return -EROFS;
}

static int
store_list(void *world, const char *path, uint16_t *ret_numbers, size_t max, size_t *ret_n)
{
	(void)world;
	(void)path;
	(void)ret_numbers;
	(void)max;
	*ret_n = 0;
	return -ENOENT;
}

static int
store_watch(void *world, const char *path, uint32_t token)
{
	(void)world;
	(void)path;
	(void)token;
	return 0;
}

static int
domain_life(void *world, uint16_t domain, enum pciback_life *ret_life)
{
	(void)world;
	(void)domain;
	*ret_life = PCIBACK_LIFE_GONE;
	return 0;
}

/* What only ever concerns a guest is never called. */
static const struct pciback_xen_operations operations = {
	.store_read = store_read,
	.store_change = store_change,
	.store_list = store_list,
	.store_watch = store_watch,
	.store_unwatch = store_watch,
	.domain_life = domain_life,
};

static int
receive(void *world)
{
	(void)world;
	return 0;
}

static void
close_link(void *world)
{
	(void)world;
}

void
pciback_xen_open_empty(struct pciback_xen_link *link)
{
	*link = (struct pciback_xen_link){
		.xen = { .operations = &operations },
		.receive = receive,
		.close = close_link,
	};
}
