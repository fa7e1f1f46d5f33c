/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/aer.h>

#include "adopt.h"
#include "child.h"
#include "cleaning.h"
#include "connection.h"
#include "guest.h"
#include "job.h"
#include "lost.h"
#include "operations.h"
#include "paths.h"
#include "publish.h"
#include "remember.h"
#include "slot.h"
#include "step.h"
#include "store.h"
#include "wait.h"

int
pciback_backend_new(const struct pciback_backend_settings *settings,
    struct pciback_backend **ret_backend)
{
	struct pciback_backend *backend = calloc(1, sizeof(*backend));

	if (backend == NULL)
		return -ENOMEM;
	backend->topology = settings->topology;
	backend->allow = settings->allow;
	backend->n_guests = settings->n_guests;
	backend->guests = calloc(backend->n_guests, sizeof(*backend->guests));
	backend->n_slots = settings->n_devices;
	backend->slots = calloc(backend->n_slots, sizeof(*backend->slots));
	backend->n_jobs = settings->n_jobs;
	backend->waits_for_resets = settings->waits_for_resets;
	backend->jobs = calloc(backend->n_jobs, sizeof(*backend->jobs));
	/* Whoever left a directory behind must not hide the others. */
	backend->max_domains = PCIBACK_DOMAIN_MAX;
	backend->domains = calloc(backend->max_domains, sizeof(*backend->domains));
	if (backend->guests == NULL || backend->slots == NULL || backend->jobs == NULL ||
	    backend->domains == NULL) {
		pciback_backend_free(backend);
		return -ENOMEM;
	}
	*ret_backend = backend;
	return 0;
}

void
pciback_backend_free(struct pciback_backend *backend)
{
	if (backend == NULL)
		return;
	free(backend->guests);
	free(backend->slots);
	free(backend->jobs);
	free(backend->domains);
	free(backend);
}

void
pciback_backend_bind(struct pciback_backend *backend, const struct pciback_xen *xen,
    const struct pciback_hardware *hardware)
{
	backend->xen = *xen;
	backend->hardware = *hardware;
	pciback_backend_init(backend);
}

void
pciback_backend_serve_by(struct pciback_backend *backend, const struct pciback_children *children)
{
	backend->children = *children;
}

void
pciback_backend_keep_record(struct pciback_backend *backend, const struct pciback_record_store *store)
{
	backend->record_store = *store;
}

void
pciback_backend_child(struct pciback_backend *backend, size_t number)
{
	if (number < backend->n_guests)
		backend->guests[number].child.is_ready = backend->guests[number].child.is_running;
}

void
pciback_backend_init(struct pciback_backend *backend)
{
	pciback_operations_init(&backend->operations);
	if (backend->hardware.operations->power_set == NULL)
		backend->operations.power_set = NULL;
	backend->host = (struct pciback_host){
		.operations = &backend->operations,
		.world = backend,
	};
	backend->look_backends = backend->look_domains = backend->stopping = false;
	backend->is_full = false;
	backend->counted_work = backend->xen.work != NULL ? backend->xen.work(backend->xen.world) : 0;
	backend->n_granted = backend->n_revoked = backend->n_not_revoked = 0;
}

int
pciback_backend_start(struct pciback_backend *backend, uint64_t now)
{
	const struct pciback_xen *xen = &backend->xen;
	int r;

	backend->now = now;
	pciback_adopt(backend);
	r = xen->operations->store_watch(xen->world, PCIBACK_BACKENDS_PATH, PCIBACK_WATCH_BACKENDS);
	if (r == 0)
		r = xen->operations->store_watch(xen->world, PCIBACK_DOMAINS_PATH,
		    PCIBACK_WATCH_DOMAINS);
	backend->look_backends = true;
	return r;
}

void
pciback_backend_watch(struct pciback_backend *backend, const char *path, uint32_t token)
{
	struct pciback_guest *guest;
	uint16_t domain;

	if (token == PCIBACK_WATCH_DOMAINS) {
		backend->look_domains = true;
		return;
	}
	if (token >= PCIBACK_WATCH_FRONTEND) {
		if (token - PCIBACK_WATCH_FRONTEND >= backend->n_guests)
			return;
		guest = &backend->guests[token - PCIBACK_WATCH_FRONTEND];
		guest->look_frontend = guest->frontend_wrote = guest->used;
		return;
	}
	domain = pciback_path_domain(path);
	guest = domain == 0 ? NULL : pciback_backend_find(backend, domain);
	if (guest != NULL)
		guest->look_backend = true;
	else
		backend->look_backends = true;
}

void
pciback_backend_event(struct pciback_backend *backend, uint32_t port)
{
	const struct pciback_children *children = &backend->children;

	if (children->operations != NULL) {
		int number = children->operations->event == NULL ? -1 :
		    children->operations->event(children->world, port);

		if (number >= 0)
			pciback_backend_child(backend, (size_t)number);
		return;
	}
	for (size_t i = 0; i < backend->n_guests; i++) {
		struct pciback_guest *guest = &backend->guests[i];

		if (guest->used && guest->port_bound && guest->port == port)
			guest->serving.is_pending = true;
	}
}

/* Who has a directory in the store? */
static void
look_for_guests(struct pciback_backend *backend)
{
	const struct pciback_xen *xen = &backend->xen;
	const uint16_t *domains = backend->domains;
	size_t n = 0;
	int r;

	backend->look_backends = false;
	r = xen->operations->store_list(xen->world, PCIBACK_BACKENDS_PATH, backend->domains,
	    backend->max_domains, &n);
	if (r == -ENOENT)
		n = 0;
	else if (r < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, PCIBACK_BACKENDS_PATH
		    " can't be read: %s", strerror(-r));
	for (size_t i = 0; i < n && i < backend->max_domains; i++) {
		if (!pciback_path_is_domain(domains[i]) ||
		    pciback_backend_find(backend, domains[i]) != NULL)
			continue;
		if (pciback_guest_add(backend, domains[i]) != NULL)
			continue;
		if (!backend->is_full)
			pciback_backend_log(backend, PCIBACK_LOG_ERROR, domains[i],
			    "is one guest too many: %zu are handled", backend->n_guests);
		backend->is_full = true;
	}
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used)
			backend->guests[i].look_backend = true;
}

/* Devices that are held back may be free by now, if a domain has ended or Xen has changed its mind. Returns
 * milliseconds until the next try, -1 for none. */
static int
try_held_back(struct pciback_backend *backend, bool has_ended)
{
	bool is_due = backend->now >= backend->retry_held_back;

	/* No permission stays anywhere, as nearly always. */
	if (backend->n_not_revoked == 0 && !has_ended)
		return -1;
	if (has_ended || is_due) {
		/* Another guest may wait for it. */
		if (pciback_slot_free_held_back(backend))
			backend->look_backends = true;
		backend->retry_held_back = backend->now + PCIBACK_WAIT_HELD_BACK;
	}
	return backend->n_not_revoked == 0 ? -1 : (int)(backend->retry_held_back - backend->now);
}

int
pciback_backend_run(struct pciback_backend *backend, uint64_t now)
{
	bool has_ended = backend->look_domains;
	int wait;

	backend->now = now;
	backend->has_stepped = false;
	if (has_ended) {
		backend->look_domains = false;
		for (size_t i = 0; i < backend->n_guests; i++)
			backend->guests[i].look_life = backend->guests[i].used;
	}
	wait = pciback_wait_shorter(try_held_back(backend, has_ended), pciback_lost_check(backend));
	if (backend->look_backends && !backend->stopping)
		look_for_guests(backend);
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used)
			wait = pciback_wait_shorter(wait, pciback_guest_run(&backend->guests[i]));
	for (size_t i = 0; i < backend->n_jobs; i++)
		wait = pciback_wait_shorter(wait, pciback_job_run(backend, &backend->jobs[i]));
	wait = pciback_wait_shorter(wait, pciback_cleaning_run(backend));
	/* What was done, or came in while Xen was asked, may concern a guest that had its turn. */
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used && pciback_guest_is_due(&backend->guests[i]))
			wait = 0;
	return (backend->look_backends && !backend->stopping) || backend->look_domains ? 0 : wait;
}

bool
pciback_backend_has_stepped(const struct pciback_backend *backend)
{
	return backend->has_stepped;
}

void
pciback_backend_stop(struct pciback_backend *backend, uint64_t now)
{
	backend->now = now;
	backend->stopping = true;
	for (size_t i = 0; i < backend->n_guests; i++)
		backend->guests[i].look_life = backend->guests[i].used;
}

bool
pciback_backend_idle(const struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].guest != NULL || pciback_slot_is_cleaned(&backend->slots[i]))
			return false;
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used && backend->guests[i].is_open)
			return false;
	return true;
}

void
pciback_backend_end(struct pciback_backend *backend, uint64_t now)
{
	const struct pciback_xen *xen = &backend->xen;

	backend->now = now;
	for (size_t i = 0; i < backend->n_guests; i++) {
		struct pciback_guest *guest = &backend->guests[i];

		if (!guest->used)
			continue;
		guest->log.now = now;
		pciback_step_release(guest);
		if (guest->phase == PCIBACK_PHASE_READY || guest->phase == PCIBACK_PHASE_CONNECTED ||
		    guest->phase == PCIBACK_PHASE_RECONFIGURED)
			(void)pciback_guest_publish(guest, PCIBACK_XENBUS_CLOSING);
		if (guest->watched)
			pciback_store_unwatch_frontend(guest);
		/* Nobody will be there once its toolstack had its time. */
		pciback_guest_remove_left(guest);
		guest->used = false;
	}
	(void)pciback_slot_free_held_back(backend);
	pciback_cleaning_end(backend);
	pciback_slot_give_up(backend);
	(void)xen->operations->store_unwatch(xen->world, PCIBACK_BACKENDS_PATH,
	    PCIBACK_WATCH_BACKENDS);
	(void)xen->operations->store_unwatch(xen->world, PCIBACK_DOMAINS_PATH,
	    PCIBACK_WATCH_DOMAINS);
}

void
pciback_backend_hand_over(struct pciback_backend *backend, uint64_t now)
{
	backend->now = now;
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used)
			pciback_child_stop(&backend->guests[i]);
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].is_taken)
			pciback_remember(&backend->slots[i], PCIBACK_EXACT);
	backend->record_store.operations = NULL;
	for (size_t i = 0; i < backend->n_guests; i++)
		if (backend->guests[i].used)
			pciback_connection_close(&backend->guests[i]);
}

bool
pciback_backend_can_hand_over(const struct pciback_backend *backend)
{
	return backend->record_store.operations != NULL;
}

bool
pciback_backend_has_jobs(const struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_jobs; i++)
		if (backend->jobs[i].kind != PCIBACK_JOB_NONE && backend->jobs[i].stage != PCIBACK_JOB_DONE)
			return true;
	/* What follows would wait for it, too. */
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].is_taken && pciback_slot_is_cleaned(&backend->slots[i]))
			return true;
	return false;
}

struct pciback_job *
pciback_backend_job(struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_jobs; i++) {
		struct pciback_job *job = &backend->jobs[i];

		if (job->kind != PCIBACK_JOB_NONE && job->stage == PCIBACK_JOB_DONE && job->abandoned)
			job->kind = PCIBACK_JOB_NONE;
		if (job->kind == PCIBACK_JOB_NONE)
			return job;
	}
	return NULL;
}

int
pciback_backend_report(struct pciback_backend *backend, const struct pciback_address *address,
    enum pciback_command command, int32_t state, uint64_t now)
{
	struct pciback_slot *slot = pciback_backend_slot(backend, address);
	struct pciback_guest *guest;
	int r;

	if (slot == NULL || !slot->guest->is_open)
		return -ENOENT;
	guest = slot->guest;
	/* A page that was only just mapped has no channel. */
	if (guest->phase != PCIBACK_PHASE_CONNECTED && guest->phase != PCIBACK_PHASE_RECONFIGURED &&
	    guest->phase != PCIBACK_PHASE_LEAVING)
		return -ENOENT;
	if (guest->report.is_out)
		return -EBUSY;
	r = pciback_connection_report(guest, command, state, &slot->place);
	if (r < 0)
		return r;
	guest->report = (struct pciback_report){
		.is_out = true,
		.address = *address,
		.command = command,
		.deadline = now + PCIBACK_WAIT_REPORT,
	};
	return 0;
}
