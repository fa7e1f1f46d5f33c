/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
pciback_guest_complain(struct pciback_guest *guest, const char *format, ...)
{
	char message[PCIBACK_LOG_LINE];
	struct pciback_store_item item;
	const struct pciback_xen *xen = &guest->backend->xen;
	va_list arguments;

	memset(message, 0, sizeof(message));
	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (strcmp(message, guest->message) == 0)
		return;
	memcpy(guest->message, message, sizeof(message));
	/* A frontend that starts anew makes us try again as often as it likes (XSA-43). */
	if (pciback_limit_take(&guest->complaints, guest->backend->now))
		pciback_backend_log(guest->backend, PCIBACK_LOG_ERROR, guest->domain, "%s", message);
	/* Where drivers say what went wrong [xenbus]. */
	pciback_item_set(&item, PCIBACK_STORE_WRITE, guest->domain,
	    "/local/domain/0/error/backend/pci/%u/0/error", (unsigned)guest->domain);
	pciback_item_value(&item, "%.*s", PCIBACK_STORE_VALUE - 1, message);
	(void)xen->operations->store_change(xen->world, &item, 1);
}

const struct pciback_entry *
pciback_guest_entry(const struct pciback_guest *guest, const struct pciback_address *address)
{
	for (size_t i = 0; i < guest->n_entries; i++)
		if (guest->entries[i].valid &&
		    pciback_address_compare(&guest->entries[i].address, address) == 0)
			return &guest->entries[i];
	return NULL;
}

bool
pciback_entry_wanted(const struct pciback_guest *guest, const struct pciback_entry *entry)
{
	if (!entry->valid || entry->state == PCIBACK_XENBUS_CLOSING)
		return false;
	/* One that failed is tried again when all of them are. */
	return entry->state != PCIBACK_XENBUS_CLOSED || guest->phase == PCIBACK_PHASE_NEW ||
	    guest->phase == PCIBACK_PHASE_RELEASED || guest->phase == PCIBACK_PHASE_CLOSED;
}

/* Reads "msitranslate=0,power_mgmt=0,permissive=1,rdm_policy=strict"; what else is in it is for
 * others. Returns 0 or -EINVAL. */
static int
parse_options(const char *text, bool *ret_permissive)
{
	static const char name[] = "permissive=";

	*ret_permissive = false;
	while (*text != '\0') {
		size_t length = strcspn(text, ",");

		if (strncmp(text, name, sizeof(name) - 1) == 0) {
			const char *value = text + sizeof(name) - 1;

			if (length != sizeof(name) || (*value != '0' && *value != '1'))
				return -EINVAL;
			*ret_permissive = *value == '1';
		}
		text += length;
		if (*text == ',')
			text++;
	}
	return 0;
}

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
		pciback_guest_complain(guest, "%s can't be read: error %d", items[DEV].path,
		    -items[DEV].result);
		return;
	}
	if (pciback_address_parse(items[DEV].value, strlen(items[DEV].value), &entry->address) < 0 ||
	    !is_canonical(items[DEV].value, &entry->address)) {
		pciback_guest_complain(guest, "%s is '%.40s', no address such as 0000:03:00.0",
		    items[DEV].path, items[DEV].value);
		return;
	}
	if (pciback_guest_entry(guest, &entry->address) != NULL) {
		pciback_guest_complain(guest, "%s names %s a second time", items[DEV].path,
		    items[DEV].value);
		return;
	}
	if (items[STATE].result != -ENOENT && (items[STATE].result < 0 ||
	    pciback_xenbus_parse(items[STATE].value, &entry->state) < 0)) {
		pciback_guest_complain(guest, "%s is '%.40s', no state", items[STATE].path,
		    items[STATE].value);
		return;
	}
	if (items[OPTS].result != -ENOENT && (items[OPTS].result < 0 ||
	    parse_options(items[OPTS].value, &entry->permissive) < 0)) {
		pciback_guest_complain(guest, "%s is '%.80s', where permissive would be 0 or 1",
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
	const struct pciback_xen *xen = &backend->xen;
	int r;

	for (uint32_t i = 0; i < n; i++)
		for (unsigned key = 0; key < N_KEYS; key++)
			pciback_item_set(&backend->items[i * N_KEYS + key], PCIBACK_STORE_READ,
			    guest->domain, "%s-%u", keys[key], (unsigned)i);
	if (n > 0) {
		r = xen->operations->store_read(xen->world, backend->items, (size_t)n * N_KEYS);
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

/* Keys of the whole that are read. */
enum { OWN, ONLINE, NUM_DEVS, FRONTEND, FRONTEND_STATE, N_WHOLE };

/* Ours, by the toolstack: what is wrong there is an error with the key's name, the first of them
 * if there are several. */
static int
read_own(struct pciback_guest *guest, const struct pciback_store_item *items, uint32_t *ret_n)
{
	const struct pciback_store_item *wrong = NULL;
	const char *right = "";
	char expected[PCIBACK_STORE_VALUE];
	uint32_t online = 1;

	(void)snprintf(expected, sizeof(expected), "/local/domain/%u/device/pci/0",
	    (unsigned)guest->domain);
	if (items[FRONTEND].result < 0 || strcmp(items[FRONTEND].value, expected) != 0) {
		wrong = &items[FRONTEND];
		right = "the guest's own directory";
	}
	if (items[NUM_DEVS].result < 0 ||
	    pciback_decimal_parse(items[NUM_DEVS].value, PCIBACK_ENTRIES_MAX, ret_n) < 0) {
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
	if (wrong == NULL)
		return 0;
	pciback_guest_complain(guest, "%s is '%.40s', not %s", wrong->path, wrong->value, right);
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
	struct pciback_backend *backend = guest->backend;
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_store_item *items = backend->items;
	uint32_t n = 0;
	int r;

	if (guest->look_life) {
		r = xen->operations->domain_life(xen->world, guest->domain, &guest->life);
		if (r < 0)
			return r;
		guest->look_life = false;
	}
	pciback_item_set(&items[OWN], PCIBACK_STORE_READ, guest->domain, "state");
	pciback_item_set(&items[ONLINE], PCIBACK_STORE_READ, guest->domain, "online");
	pciback_item_set(&items[NUM_DEVS], PCIBACK_STORE_READ, guest->domain, "num_devs");
	pciback_item_set(&items[FRONTEND], PCIBACK_STORE_READ, guest->domain, "frontend");
	pciback_item_set(&items[FRONTEND_STATE], PCIBACK_STORE_READ, guest->domain,
	    "/local/domain/%u/device/pci/0/state", (unsigned)guest->domain);
	r = xen->operations->store_read(xen->world, items, N_WHOLE);
	if (r < 0)
		return r;
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
	/* A frontend that starts anew may do so faster than we look. */
	if (guest->page != NULL && guest->frontend == PCIBACK_XENBUS_INITIALISED)
		(void)pciback_guest_look_at_channel(guest);
	return 0;
}

/* Keys of the channel, by the frontend. */
enum { REFERENCE, PORT, MAGIC, N_CHANNEL };

int
pciback_guest_look_at_channel(struct pciback_guest *guest)
{
	static const char *const keys[N_CHANNEL] = { "pci-op-ref", "event-channel", "magic" };
	const struct pciback_xen *xen = &guest->backend->xen;
	struct pciback_store_item *items = guest->backend->items;
	int r;

	for (unsigned key = 0; key < N_CHANNEL; key++)
		pciback_item_set(&items[key], PCIBACK_STORE_READ, guest->domain,
		    "/local/domain/%u/device/pci/0/%s", (unsigned)guest->domain, keys[key]);
	r = xen->operations->store_read(xen->world, items, N_CHANNEL);
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

/* Whether the store names other devices than we hold. Once a frontend is connected, only those
 * that are no longer named at all: the others wait until it takes part. */
static bool
is_changed(const struct pciback_guest *guest)
{
	struct pciback_backend *backend = guest->backend;
	bool is_ready = guest->phase == PCIBACK_PHASE_READY;

	for (size_t i = 0; i < backend->n_slots; i++) {
		const struct pciback_slot *slot = &backend->slots[i];
		const struct pciback_entry *entry;

		if (slot->guest != guest)
			continue;
		entry = pciback_guest_entry(guest, &slot->address);
		if (entry == NULL ? !guest->malformed :
		    is_ready && !pciback_entry_wanted(guest, entry))
			return true;
	}
	for (size_t i = 0; i < guest->n_entries; i++) {
		const struct pciback_entry *entry = &guest->entries[i];
		const struct pciback_slot *slot;

		if (entry->vdev_differs)
			return true;
		if (!is_ready || !pciback_entry_wanted(guest, entry))
			continue;
		slot = pciback_backend_slot(backend, &entry->address);
		if (slot == NULL || slot->guest != guest)
			return true;
	}
	return false;
}

void
pciback_guest_view(const struct pciback_guest *guest, struct pciback_view *ret_view)
{
	*ret_view = (struct pciback_view){
		.phase = guest->phase,
		.exists = guest->exists,
		.own = guest->own,
		.frontend = guest->frontend,
		.life = guest->life,
		.online = guest->online && !guest->backend->stopping,
		.knows_all = guest->knows_all,
		.moved = guest->moved,
		.restarted = guest->page != NULL && guest->frontend == PCIBACK_XENBUS_INITIALISED &&
		    (guest->went_on || guest->seen_reference != guest->reference ||
		    guest->seen_port != guest->remote_port),
		.blocked = guest->blocked || guest->refused,
		.changed = is_changed(guest),
		.late = guest->deadline != 0 && guest->backend->now >= guest->deadline,
		.owes = guest->owes,
	};
}
