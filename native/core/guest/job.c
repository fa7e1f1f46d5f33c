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

/*
 * What a toolstack writes, where there is none that could: xl can't attach a device on a NetBSD
 * dom0. The keys, their order and the states are those of libxl, so that `xl pci-list` shows them.
 * The state machine takes it from there as if xl had written it.
 */

/* The keys of one device; a later one takes the number of one that goes. */
static const char *const keys[] = { "key", "dev", "vdev", "vdevfn", "opts", "name", "state" };

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static void
fail(struct pciback_job *job, int error, const char *format, ...)
{
	va_list arguments;

	if (job->error != 0)
		return;
	job->error = error;
	va_start(arguments, format);
	(void)vsnprintf(job->message, sizeof(job->message), format, arguments);
	va_end(arguments);
}

/* Failed before anything was written. */
#define REFUSE(job, ...) \
	do { \
		fail((job), __VA_ARGS__); \
		(job)->stage = PCIBACK_JOB_DONE; \
	} while (0)

static bool
is_of_job(const struct pciback_job *job, const struct pciback_address *address)
{
	for (size_t i = 0; i < job->n; i++)
		if (pciback_address_compare(&job->addresses[i], address) == 0)
			return true;
	return false;
}

static bool
is_idle(const struct pciback_guest *guest)
{
	return guest->phase == PCIBACK_PHASE_NEW || guest->phase == PCIBACK_PHASE_RELEASED ||
	    guest->phase == PCIBACK_PHASE_CLOSED;
}

static int
change(struct pciback_backend *backend, size_t n)
{
	return backend->xen.operations->store_change(backend->xen.world, backend->items, n);
}

/* The store's answer to a change: true when it was made, false when it may be tried again, or the
 * job has failed. */
static bool
is_changed(struct pciback_job *job, struct pciback_guest *guest, int r)
{
	if (guest != NULL)
		guest->look_backend = true;
	if (r == 0)
		return true;
	if (r != -ESTALE)
		REFUSE(job, r, "the store can't be written: error %d", -r);
	return false;
}

/* The entry of one new device under number N. */
static size_t
add_device(const struct pciback_job *job, struct pciback_store_item *items, size_t device,
    size_t number)
{
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(&job->addresses[device], name);
	pciback_item_set(&items[0], PCIBACK_STORE_WRITE, job->domain, "key-%zu", number);
	pciback_item_value(&items[0], "%s", name);
	pciback_item_set(&items[1], PCIBACK_STORE_WRITE, job->domain, "dev-%zu", number);
	pciback_item_value(&items[1], "%s", name);
	pciback_item_set(&items[2], PCIBACK_STORE_WRITE, job->domain, "opts-%zu", number);
	pciback_item_value(&items[2], "msitranslate=0,power_mgmt=0,permissive=%d,rdm_policy=strict",
	    job->permissive);
	pciback_item_set(&items[3], PCIBACK_STORE_WRITE, job->domain, "state-%zu", number);
	pciback_item_value(&items[3], "%d", (int)PCIBACK_XENBUS_INITIALISING);
	return 4;
}

/* One value, written under a path. */
#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
static void
set(struct pciback_store_item *item, enum pciback_store_action action, uint16_t domain,
    const char *path, const char *format, ...)
{
	va_list arguments;

	pciback_item_set(item, action, domain, "%s", "");
	if (path[0] == '/')
		(void)snprintf(item->path, sizeof(item->path), "/local/domain/%u/device/pci/0%s",
		    (unsigned)domain, path);
	else
		(void)snprintf(item->path, sizeof(item->path), PCIBACK_BACKENDS_PATH "/%u/0%s%s",
		    (unsigned)domain, path[0] == '\0' ? "" : "/", path);
	va_start(arguments, format);
	(void)vsnprintf(item->value, sizeof(item->value), format, arguments);
	va_end(arguments);
}

/* Both directories of a guest that has none. A leading slash means the frontend's. */
static void
make_guest(struct pciback_backend *backend, struct pciback_job *job)
{
	struct pciback_store_item *items = backend->items;
	unsigned domain = job->domain;
	size_t n = 0;

	set(&items[n++], PCIBACK_STORE_EXPECT_NONE, job->domain, "state", "%s", "");
	set(&items[n++], PCIBACK_STORE_REMOVE, job->domain, "", "%s", "");
	set(&items[n++], PCIBACK_STORE_MAKE, job->domain, "", "n0,r%u", domain);
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "frontend",
	    "/local/domain/%u/device/pci/0", domain);
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "frontend-id", "%u", domain);
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "online", "1");
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "state", "1");
	pciback_item_set(&items[n], PCIBACK_STORE_REMOVE, job->domain,
	    "/local/domain/%u/device/pci/0", domain);
	n++;
	pciback_item_set(&items[n], PCIBACK_STORE_MAKE, job->domain,
	    "/local/domain/%u/device/pci/0", domain);
	pciback_item_value(&items[n++], "n%u,r0", domain);
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "/backend", PCIBACK_BACKENDS_PATH "/%u/0",
	    domain);
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "/backend-id", "0");
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "/state", "1");
	for (size_t i = 0; i < job->n; i++)
		n += add_device(job, &items[n], i, i);
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "num_devs", "%zu", job->n);
	if (is_changed(job, NULL, change(backend, n))) {
		backend->look_backends = true;
		job->stage = PCIBACK_JOB_WAIT;
	}
}

/* What must hold for the changes of a job to be right: the state that we know, and the devices. */
static size_t
expect(const struct pciback_guest *guest, struct pciback_store_item *items)
{
	size_t n = 0;

	set(&items[n++], PCIBACK_STORE_EXPECT, guest->domain, "state", "%d", (int)guest->own);
	set(&items[n++], PCIBACK_STORE_EXPECT, guest->domain, "num_devs", "%zu", guest->n_entries);
	return n;
}

static void
extend_guest(struct pciback_backend *backend, struct pciback_job *job, struct pciback_guest *guest)
{
	struct pciback_store_item *items = backend->items;
	bool is_connected = guest->phase == PCIBACK_PHASE_CONNECTED;
	size_t n;

	if (guest->n_entries + job->n > PCIBACK_ENTRIES_MAX) {
		REFUSE(job, -ENOSPC, "domain %u would have more than %d devices", (unsigned)job->domain,
		    PCIBACK_ENTRIES_MAX);
		return;
	}
	n = expect(guest, items);
	for (size_t i = 0; i < job->n; i++)
		n += add_device(job, &items[n], i, guest->n_entries + i);
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "num_devs", "%zu",
	    guest->n_entries + job->n);
	if (is_connected)
		set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "state", "%d",
		    (int)PCIBACK_XENBUS_RECONFIGURING);
	if (is_changed(job, guest, change(backend, n)))
		job->stage = PCIBACK_JOB_WAIT;
}

/* Whether a connected guest is between two changes, and has looked at what it got. */
static bool
is_settled(const struct pciback_guest *guest)
{
	return guest->phase == PCIBACK_PHASE_CONNECTED && guest->own == PCIBACK_XENBUS_CONNECTED &&
	    guest->frontend == PCIBACK_XENBUS_CONNECTED;
}

/* Why a connected guest can't take part in a change; NULL if it can, or may later. */
static const char *
why_not(const struct pciback_guest *guest)
{
	if (guest->phase != PCIBACK_PHASE_CONNECTED || guest->knows_all)
		return NULL;
	return "its frontend is not known to handle hot plug, and NetBSD's would panic; shut the guest "
	    "down first";
}

static void
start_attach(struct pciback_backend *backend, struct pciback_job *job, struct pciback_guest *guest)
{
	enum pciback_life life;
	const char *why;
	int r = backend->xen.operations->domain_life(backend->xen.world, job->domain, &life);

	if (r < 0 || life == PCIBACK_LIFE_GONE) {
		REFUSE(job, -ESRCH, "domain %u does not exist", (unsigned)job->domain);
		return;
	}
	for (size_t i = 0; i < job->n; i++) {
		const struct pciback_slot *slot = pciback_backend_slot(backend, &job->addresses[i]);
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&job->addresses[i], name);
		if (slot != NULL) {
			REFUSE(job, -EBUSY, "%s belongs to domain %u", name, (unsigned)slot->guest->domain);
			return;
		}
		if (guest != NULL && pciback_guest_entry(guest, &job->addresses[i]) != NULL) {
			REFUSE(job, -EEXIST, "the store names %s for domain %u already", name,
			    (unsigned)job->domain);
			return;
		}
	}
	if (guest == NULL) {
		make_guest(backend, job);
		return;
	}
	why = why_not(guest);
	if (why != NULL)
		REFUSE(job, -ENOTSUP, "%s", why);
	else if (guest->malformed)
		REFUSE(job, -EINVAL, "%s", guest->message);
	else if (guest->phase == PCIBACK_PHASE_RELEASED || guest->phase == PCIBACK_PHASE_CLOSED)
		REFUSE(job, -EBUSY, "domain %u has closed its frontend; detach its devices first",
		    (unsigned)job->domain);
	else if (guest->phase == PCIBACK_PHASE_NEW || guest->phase == PCIBACK_PHASE_READY ||
	    is_settled(guest))
		extend_guest(backend, job, guest);
	/* Else later. */
}

static void
start_detach(struct pciback_backend *backend, struct pciback_job *job, struct pciback_guest *guest)
{
	struct pciback_store_item *items = backend->items;
	const char *why;
	size_t n;

	for (size_t i = 0; i < job->n; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&job->addresses[i], name);
		if (guest == NULL || pciback_guest_entry(guest, &job->addresses[i]) == NULL) {
			REFUSE(job, -ENOENT, "%s is not attached to domain %u", name,
			    (unsigned)job->domain);
			return;
		}
	}
	if (job->n == guest->n_entries) {
		set(&items[0], PCIBACK_STORE_EXPECT, job->domain, "num_devs", "%zu", guest->n_entries);
		set(&items[1], PCIBACK_STORE_WRITE, job->domain, "online", "0");
		set(&items[2], PCIBACK_STORE_WRITE, job->domain, "state", "%d",
		    guest->own == PCIBACK_XENBUS_CLOSED ? (int)PCIBACK_XENBUS_CLOSED :
		    (int)PCIBACK_XENBUS_CLOSING);
		if (is_changed(job, guest, change(backend, 3)))
			job->stage = PCIBACK_JOB_WAIT_CLOSED;
		return;
	}
	why = why_not(guest);
	if (why != NULL && !job->force) {
		REFUSE(job, -ENOTSUP, "%s, or use --force", why);
	} else if (guest->phase != PCIBACK_PHASE_CONNECTED || why != NULL) {
		if (guest->phase != PCIBACK_PHASE_RECONFIGURED && guest->phase != PCIBACK_PHASE_LEAVING)
			job->stage = PCIBACK_JOB_CLEAN;
	} else if (is_settled(guest)) {
		n = expect(guest, items);
		for (size_t i = 0; i < guest->n_entries; i++)
			if (is_of_job(job, &guest->entries[i].address))
				pciback_item_set(&items[n], PCIBACK_STORE_WRITE, job->domain, "state-%zu", i),
				    pciback_item_value(&items[n++], "%d", (int)PCIBACK_XENBUS_CLOSING);
		set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "state", "%d",
		    (int)PCIBACK_XENBUS_RECONFIGURING);
		if (is_changed(job, guest, change(backend, n)))
			job->stage = PCIBACK_JOB_WAIT;
	}
}

/* How many of a job's devices the guest has. */
static size_t
count_held(const struct pciback_job *job, const struct pciback_guest *guest)
{
	size_t n = 0;

	for (size_t i = 0; guest != NULL && i < job->n; i++) {
		const struct pciback_slot *slot = pciback_backend_slot(guest->backend, &job->addresses[i]);

		n += slot != NULL && slot->guest == guest;
	}
	return n;
}

/* Attach: all of them there, or one that failed. */
static void
wait_attached(struct pciback_backend *backend, struct pciback_job *job,
    const struct pciback_guest *guest)
{
	bool has_answered = (guest->phase == PCIBACK_PHASE_READY &&
	    guest->own == PCIBACK_XENBUS_INITIALISED) ||
	    (guest->phase == PCIBACK_PHASE_CONNECTED && guest->own == PCIBACK_XENBUS_CONNECTED);
	size_t n_held = 0;

	for (size_t i = 0; i < job->n; i++) {
		const struct pciback_slot *slot = pciback_backend_slot(backend, &job->addresses[i]);
		const struct pciback_entry *entry = pciback_guest_entry(guest, &job->addresses[i]);

		if (slot != NULL && slot->guest == guest)
			n_held++;
		else if (entry == NULL || entry->state == PCIBACK_XENBUS_CLOSED)
			fail(job, -EIO, "%s", guest->message[0] != '\0' ? guest->message :
			    "the store's entry went away");
		else if (has_answered && guest->phase == PCIBACK_PHASE_CONNECTED)
			fail(job, -ETIMEDOUT, "domain %u did not take part in the change",
			    (unsigned)job->domain);
	}
	if (job->error != 0)
		job->stage = PCIBACK_JOB_CLEAN;
	else if (n_held == job->n && has_answered)
		job->stage = PCIBACK_JOB_DONE;
}

/* Detach of some: none of them there any more, or the guest did not take part. */
static void
wait_detached(struct pciback_backend *backend, struct pciback_job *job,
    struct pciback_guest *guest)
{
	struct pciback_store_item *items = backend->items;
	size_t n;

	if (guest->own == PCIBACK_XENBUS_RECONFIGURING || guest->phase == PCIBACK_PHASE_RECONFIGURED)
		return;
	if (count_held(job, guest) == 0 || job->force || guest->phase != PCIBACK_PHASE_CONNECTED) {
		job->stage = PCIBACK_JOB_CLEAN;
		return;
	}
	n = expect(guest, items);
	for (size_t i = 0; i < guest->n_entries; i++)
		if (is_of_job(job, &guest->entries[i].address))
			pciback_item_set(&items[n], PCIBACK_STORE_WRITE, job->domain, "state-%zu", i),
			    pciback_item_value(&items[n++], "%d", (int)PCIBACK_XENBUS_INITIALISED);
	if (is_changed(job, guest, change(backend, n)))
		REFUSE(job, -ETIMEDOUT, "domain %u did not take part in the change; --force takes the "
		    "devices from under its drivers", (unsigned)job->domain);
}

static void
remove_guest(struct pciback_backend *backend, struct pciback_job *job, struct pciback_guest *guest)
{
	struct pciback_store_item *items = backend->items;

	set(&items[0], PCIBACK_STORE_EXPECT, job->domain, "num_devs", "%zu", guest->n_entries);
	pciback_item_set(&items[1], PCIBACK_STORE_REMOVE, job->domain,
	    "/local/domain/%u/device/pci/0", (unsigned)job->domain);
	pciback_item_set(&items[2], PCIBACK_STORE_REMOVE, job->domain, PCIBACK_BACKENDS_PATH "/%u",
	    (unsigned)job->domain);
	if (is_changed(job, guest, change(backend, 3)))
		job->stage = PCIBACK_JOB_DONE;
}

/* Takes the job's entries out of the store; all later ones move down, as libxl does it. */
static void
clean(struct pciback_backend *backend, struct pciback_job *job, struct pciback_guest *guest)
{
	const struct pciback_xen *xen = &backend->xen;
	struct pciback_store_item *items = backend->items;
	size_t n_old = guest->n_entries, n_new = 0, n;
	int r;

	for (size_t i = 0; i < n_old; i++)
		for (size_t key = 0; key < N_KEYS; key++)
			pciback_item_set(&items[i * N_KEYS + key], PCIBACK_STORE_READ, job->domain, "%s-%zu",
			    keys[key], i);
	for (size_t i = 0; i < n_old; i++)
		n_new += !guest->entries[i].valid || !is_of_job(job, &guest->entries[i].address);
	if (n_new == n_old) {
		job->stage = PCIBACK_JOB_DONE;
		return;
	}
	if (n_new == 0 && guest->phase != PCIBACK_PHASE_CONNECTED &&
	    guest->phase != PCIBACK_PHASE_RECONFIGURED) {
		remove_guest(backend, job, guest);
		return;
	}
	r = xen->operations->store_read(xen->world, items, n_old * N_KEYS);
	if (r < 0) {
		REFUSE(job, r, "the store can't be read: error %d", -r);
		return;
	}
	/* In place: the number only ever falls, so what is still to be read is not yet overwritten. */
	n = 0;
	for (size_t i = 0, number = 0; i < n_old; i++) {
		if (guest->entries[i].valid && is_of_job(job, &guest->entries[i].address))
			continue;
		for (size_t key = 0; key < N_KEYS; key++) {
			struct pciback_store_item item = items[i * N_KEYS + key];

			pciback_item_set(&items[n], item.result < 0 ? PCIBACK_STORE_REMOVE :
			    PCIBACK_STORE_WRITE, job->domain, "%s-%zu", keys[key], number);
			if (item.result == 0)
				pciback_item_value(&items[n], "%s", item.value);
			n++;
		}
		number++;
	}
	for (size_t i = n_new; i < n_old; i++)
		for (size_t key = 0; key < N_KEYS; key++, n++)
			pciback_item_set(&items[n], PCIBACK_STORE_REMOVE, job->domain, "%s-%zu", keys[key], i);
	n += expect(guest, &items[n]);
	set(&items[n++], PCIBACK_STORE_WRITE, job->domain, "num_devs", "%zu", n_new);
	if (is_changed(job, guest, change(backend, n)))
		job->stage = PCIBACK_JOB_DONE;
}

static void
run(struct pciback_backend *backend, struct pciback_job *job)
{
	struct pciback_guest *guest = pciback_backend_find(backend, job->domain);

	if (guest != NULL && !guest->exists)
		guest = NULL;
	/* On old news nothing is decided. */
	if (backend->look_backends || (guest != NULL && (guest->look_backend || guest->look_life)))
		return;
	if (guest == NULL && job->stage != PCIBACK_JOB_START) {
		if (job->kind == PCIBACK_JOB_ATTACH)
			fail(job, -ENOENT, "domain %u has gone", (unsigned)job->domain);
		job->stage = PCIBACK_JOB_DONE;
		return;
	}
	/* Then what we know of its devices is not what the store says, and no change would be taken. */
	if (guest != NULL && guest->refused) {
		REFUSE(job, -EINVAL, "%s", guest->message);
		return;
	}
	switch (job->stage) {
	case PCIBACK_JOB_START:
		if (job->kind == PCIBACK_JOB_ATTACH)
			start_attach(backend, job, guest);
		else
			start_detach(backend, job, guest);
		return;
	case PCIBACK_JOB_WAIT:
		if (job->kind == PCIBACK_JOB_ATTACH)
			wait_attached(backend, job, guest);
		else
			wait_detached(backend, job, guest);
		return;
	case PCIBACK_JOB_WAIT_CLOSED:
		if (is_idle(guest))
			remove_guest(backend, job, guest);
		return;
	case PCIBACK_JOB_CLEAN:
		clean(backend, job, guest);
		return;
	case PCIBACK_JOB_DONE:
		return;
	}
}

/* The time of a job is over. */
static void
end_late(struct pciback_backend *backend, struct pciback_job *job)
{
	const struct pciback_guest *guest = pciback_backend_find(backend, job->domain);
	bool is_attach = job->kind == PCIBACK_JOB_ATTACH;

	if (job->stage != PCIBACK_JOB_WAIT) {
		REFUSE(job, -ETIMEDOUT, "domain %u was not ready for it in time", (unsigned)job->domain);
		return;
	}
	/* The frontend has taken part. How long it looks at the result is its own affair: Linux's drivers
	 * start within that. */
	if (guest != NULL && guest->phase == PCIBACK_PHASE_RECONFIGURED &&
	    count_held(job, guest) == (is_attach ? job->n : 0)) {
		job->stage = is_attach ? PCIBACK_JOB_DONE : PCIBACK_JOB_CLEAN;
	} else if (is_attach) {
		fail(job, -ETIMEDOUT, "domain %u took no part in it", (unsigned)job->domain);
		job->stage = PCIBACK_JOB_CLEAN;
	} else {
		REFUSE(job, -ETIMEDOUT, "domain %u was not ready for it in time", (unsigned)job->domain);
	}
	job->deadline = backend->now + PCIBACK_WAIT_CLOSE;
}

int
pciback_job_run(struct pciback_backend *backend, struct pciback_job *job)
{
	enum pciback_job_stage before;

	if (job->kind == PCIBACK_JOB_NONE || job->stage == PCIBACK_JOB_DONE)
		return -1;
	if (!job->started) {
		job->started = true;
		job->deadline = backend->now + PCIBACK_WAIT_JOB;
	}
	if (backend->stopping) {
		REFUSE(job, -ECANCELED, "pcibackd is being stopped");
		return 0;
	}
	before = job->stage;
	run(backend, job);
	if (job->stage != before)
		return 0;
	if (backend->now < job->deadline)
		return pciback_until(backend->now, job->deadline);
	end_late(backend, job);
	return 0;
}
