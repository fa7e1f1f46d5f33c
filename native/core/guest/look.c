/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/text.h>

#include "entry.h"
#include "error.h"
#include "store.h"

/* Keys of one device that are read. */
enum { DEV, STATE, OPTS, VDEV, N_KEYS };

/* Whether an address stands in the store in the one form that is also written there. */
static bool
is_canonical(const char *text, const struct pciback_address *address)
{
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(address, name);
	return strcmp(text, name) == 0;
}

static void
parse_entry(struct pciback_guest *guest, struct pciback_entry *entry,
    const struct pciback_store_item *items)
{
	const struct pciback_slot *slot;
	bool was_malformed = guest->malformed;
	char vdev[PCIBACK_STORE_VALUE];

	*entry = (struct pciback_entry){ .state = PCIBACK_XENBUS_INITIALISING };
	guest->malformed = true;
	if (items[DEV].result < 0) {
		pciback_error_set(guest, "%s can't be read: %s", items[DEV].path,
		    strerror(-items[DEV].result));
		return;
	}
	if (pciback_address_parse(items[DEV].value, strlen(items[DEV].value), &entry->address) < 0 ||
	    !is_canonical(items[DEV].value, &entry->address)) {
		pciback_error_set(guest, "%s is '%.40s', no address such as 0000:03:00.0",
		    items[DEV].path, items[DEV].value);
		return;
	}
	if (pciback_guest_entry(guest, &entry->address) != NULL) {
		pciback_error_set(guest, "%s names %s a second time", items[DEV].path,
		    items[DEV].value);
		return;
	}
	if (items[STATE].result != -ENOENT && (items[STATE].result < 0 ||
	    pciback_xenbus_parse(items[STATE].value, &entry->state) < 0)) {
		pciback_error_set(guest, "%s is '%.40s', no state", items[STATE].path,
		    items[STATE].value);
		return;
	}
	if (items[OPTS].result != -ENOENT && (items[OPTS].result < 0 ||
	    pciback_entry_read_options(items[OPTS].value, entry) < 0)) {
		pciback_error_set(guest, "%s is '%.80s', where permissive would be 0 or 1, rdm_policy strict or relaxed, "
		    "and allow " PCIBACK_ALLOW_NAMES "; irq 1 to 254",
		    items[OPTS].path, items[OPTS].value);
		return;
	}
	entry->valid = true;
	guest->malformed = was_malformed;
	slot = pciback_backend_slot(guest->backend, &entry->address);
	if (slot != NULL && slot->guest == guest && slot->is_placed) {
		(void)snprintf(vdev, sizeof(vdev), "%04x:%02x:%02x.%02x",
		    (unsigned)slot->place.domain, (unsigned)slot->place.bus,
		    (unsigned)slot->place.device, (unsigned)slot->place.function);
		entry->vdev_differs = items[VDEV].result < 0 || strcmp(vdev, items[VDEV].value) != 0;
	}
}

/* Reads all devices that the toolstack names, in the order of N. */
static int
look_at_entries(struct pciback_guest *guest, uint32_t n)
{
	static const char *const keys[N_KEYS] = { "dev", "state", "opts", "vdev" };
	struct pciback_backend *backend = guest->backend;
	int r;

	for (uint32_t i = 0; i < n; i++)
		for (unsigned key = 0; key < N_KEYS; key++)
			pciback_item_set(&backend->items[i * N_KEYS + key], PCIBACK_STORE_READ,
			    PCIBACK_DIRECTORY_BACKEND, guest->domain, "%s-%u", keys[key],
			    (unsigned)i);
	if (n > 0) {
		r = pciback_store_read(backend, backend->items, (size_t)n * N_KEYS);
		if (r < 0)
			return r;
	}
	guest->n_entries = 0;
	guest->malformed = false;
	for (uint32_t i = 0; i < n; i++) {
		parse_entry(guest, &guest->entries[i], &backend->items[i * N_KEYS]);
		guest->n_entries = i + 1;
	}
	return 0;
}

#define QUOTE_(number)	#number
#define QUOTE(number)	QUOTE_(number)

/* Keys of the guest as a whole that are read, and the frontend's state. */
enum { OWN, ONLINE, NUM_DEVS, FRONTEND, FRONTEND_STATE, N_WHOLE };

/* The backend's, by the toolstack: what is wrong there is an error with the key's name, the first of them
 * if there are several. */
static int
read_own(struct pciback_guest *guest, const struct pciback_store_item *items, uint32_t *ret_n)
{
	const struct pciback_store_item *wrong = NULL;
	const char *right = "";
	char expected[PCIBACK_STORE_PATH];
	uint32_t online = 1, n = 0;

	pciback_path(expected, PCIBACK_DIRECTORY_FRONTEND, guest->domain, "");
	if (items[FRONTEND].result < 0 || strcmp(items[FRONTEND].value, expected) != 0) {
		wrong = &items[FRONTEND];
		right = "the guest's own directory";
	}
	if (items[NUM_DEVS].result < 0 ||
	    pciback_decimal_parse(items[NUM_DEVS].value, PCIBACK_ENTRIES_MAX, &n) < 0) {
		wrong = &items[NUM_DEVS];
		right = "a number of devices up to " QUOTE(PCIBACK_ENTRIES_MAX);
	}
	if (items[ONLINE].result != -ENOENT && (items[ONLINE].result < 0 ||
	    pciback_decimal_parse(items[ONLINE].value, 1, &online) < 0)) {
		wrong = &items[ONLINE];
		right = "0 or 1";
	} else {
		guest->online = online == 1;
	}
	guest->own_malformed = items[OWN].result < 0 ||
	    pciback_xenbus_parse(items[OWN].value, &guest->own) < 0;
	if (guest->own_malformed) {
		wrong = &items[OWN];
		right = "a state";
	}
	if (wrong == NULL) {
		*ret_n = n;
		return 0;
	}
	pciback_error_set(guest, "%s is '%.40s', not %s", wrong->path, wrong->value, right);
	return -EINVAL;
}

/* The frontend's: garbage changes nothing, and its log is limited. */
static void
read_frontend(struct pciback_guest *guest, const struct pciback_store_item *item)
{
	enum pciback_xenbus state = PCIBACK_XENBUS_UNKNOWN;

	if (item->result != -ENOENT &&
	    (item->result < 0 || pciback_xenbus_parse(item->value, &state) < 0))
		pciback_log_write(&guest->log, PCIBACK_LOG_WARNING,
		    "its frontend's state is none: '%.16s'", item->value);
	else
		guest->frontend = state;
}

int
pciback_guest_look(struct pciback_guest *guest)
{
	static const char *const keys[] = { "state", "online", "num_devs", "frontend" };
	struct pciback_backend *backend = guest->backend;
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_store_item *items = backend->items;
	uint32_t n = 0;
	int r;

	for (unsigned key = 0; key < FRONTEND_STATE; key++)
		pciback_item_set(&items[key], PCIBACK_STORE_READ, PCIBACK_DIRECTORY_BACKEND,
		    guest->domain, "%s", keys[key]);
	pciback_item_set(&items[FRONTEND_STATE], PCIBACK_STORE_READ, PCIBACK_DIRECTORY_FRONTEND,
	    guest->domain, "state");
	r = pciback_store_read(backend, items, N_WHOLE);
	if (r < 0)
		return r;
	/* After its nodes: a domain that is resumed runs before it gets new ones, which are not to be closed.
	 * The news may have come while another guest had its turn. */
	if (guest->look_life || backend->look_domains) {
		r = xen->operations->domain_life(xen->world, guest->domain, &guest->life);
		if (r < 0)
			return r;
		guest->look_life = false;
	}
	guest->look_frontend = false;
	guest->exists = items[OWN].result != -ENOENT;
	if (!guest->exists) {
		guest->look_backend = false;
		return 0;
	}
	read_frontend(guest, &items[FRONTEND_STATE]);
	if (guest->look_backend) {
		guest->blocked = false;
		guest->refused = read_own(guest, items, &n) < 0;
		if (!guest->refused)
			r = look_at_entries(guest, n);
		if (r < 0)
			return r;
		guest->look_backend = false;
	}
	/* A frontend can restart between two looks. */
	if (guest->is_open && guest->frontend == PCIBACK_XENBUS_INITIALISED)
		(void)pciback_guest_look_at_channel(guest);
	return 0;
}

/* Keys of the channel, by the frontend. */
enum { REFERENCE, PORT, MAGIC, N_CHANNEL };

int
pciback_guest_look_at_channel(struct pciback_guest *guest)
{
	static const char *const keys[N_CHANNEL] = { "pci-op-ref", "event-channel", "magic" };
	struct pciback_store_item *items = guest->backend->items;
	int r;

	for (unsigned key = 0; key < N_CHANNEL; key++)
		pciback_item_set(&items[key], PCIBACK_STORE_READ, PCIBACK_DIRECTORY_FRONTEND,
		    guest->domain, "%s", keys[key]);
	r = pciback_store_read(guest->backend, items, N_CHANNEL);
	if (r < 0)
		return r;
	if (items[REFERENCE].result < 0 || items[PORT].result < 0 ||
	    pciback_decimal_parse(items[REFERENCE].value, UINT32_MAX, &guest->seen_reference) < 0 ||
	    pciback_decimal_parse(items[PORT].value, UINT32_MAX, &guest->seen_port) < 0) {
		pciback_log_write(&guest->log, PCIBACK_LOG_WARNING,
		    "its frontend names no page and event channel: '%.16s', '%.16s'",
		    items[REFERENCE].value, items[PORT].value);
		return -EINVAL;
	}
	/* Not all of them say it; none says another [NetBSD]. */
	if (items[MAGIC].result != -ENOENT &&
	    (items[MAGIC].result < 0 || strcmp(items[MAGIC].value, PCIBACK_MAGIC) != 0)) {
		pciback_log_write(&guest->log, PCIBACK_LOG_WARNING,
		    "its frontend speaks another protocol: '%.16s'", items[MAGIC].value);
		return -EPROTO;
	}
	return 0;
}
