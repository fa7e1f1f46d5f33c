/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "job.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <pciback/taken.h>

#include "entry.h"
#include "slot.h"
#include "toolstack.h"
#include "wait.h"

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

/* The store's answer to a change: the next stage when it was made; the same one, to try again, when
 * the store has changed meanwhile; or the job has failed. */
static void
proceed(struct pciback_job *job, int r, enum pciback_job_stage stage)
{
	if (r == 0)
		job->stage = stage;
	else if (r != -ESTALE)
		REFUSE(job, r, "the store can't be written: %s", strerror(-r));
}

static void
make_guest(struct pciback_backend *backend, struct pciback_job *job)
{
	proceed(job, pciback_toolstack_create(backend, job), PCIBACK_JOB_WAIT);
	if (job->stage == PCIBACK_JOB_WAIT)
		backend->look_backends = true;
}

static void
extend_guest(struct pciback_job *job, struct pciback_guest *guest)
{
	if (guest->n_entries + job->n > PCIBACK_ENTRIES_MAX) {
		REFUSE(job, -ENOSPC, "domain %u would have more than %d devices", (unsigned)job->domain,
		    PCIBACK_ENTRIES_MAX);
		return;
	}
	proceed(job, pciback_toolstack_add(guest, job, guest->phase == PCIBACK_PHASE_CONNECTED),
	    PCIBACK_JOB_WAIT);
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
	if (guest->phase != PCIBACK_PHASE_CONNECTED || guest->handles_all_states)
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
		char name[PCIBACK_ADDRESS_SIZE], message[PCIBACK_LOG_LINE];

		if (pciback_slot_check_free(backend, &job->devices[i].address, job->domain, message) < 0) {
			REFUSE(job, -EBUSY, "%s", message);
			return;
		}
		pciback_address_format(&job->devices[i].address, name);
		if (guest != NULL && pciback_guest_entry(guest, &job->devices[i].address) != NULL) {
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
		extend_guest(job, guest);
	/* Else later. */
}

static void
start_detach(struct pciback_job *job, struct pciback_guest *guest)
{
	const char *why;

	for (size_t i = 0; i < job->n; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&job->devices[i].address, name);
		if (guest == NULL || pciback_guest_entry(guest, &job->devices[i].address) == NULL) {
			REFUSE(job, -ENOENT, "%s is not attached to domain %u", name,
			    (unsigned)job->domain);
			return;
		}
	}
	if (job->n == guest->n_entries) {
		proceed(job, pciback_toolstack_close(guest), PCIBACK_JOB_WAIT_CLOSED);
		return;
	}
	why = why_not(guest);
	if (why != NULL && !job->force) {
		REFUSE(job, -ENOTSUP, "%s, or use --force", why);
	} else if (guest->phase != PCIBACK_PHASE_CONNECTED || why != NULL) {
		if (guest->phase != PCIBACK_PHASE_RECONFIGURED && guest->phase != PCIBACK_PHASE_LEAVING)
			job->stage = PCIBACK_JOB_CLEAN;
	} else if (is_settled(guest)) {
		proceed(job, pciback_toolstack_set_state(guest, job, PCIBACK_XENBUS_CLOSING, true),
		    PCIBACK_JOB_WAIT);
	}
}

/* How many of a job's devices the guest has. */
static size_t
count_held(const struct pciback_job *job, const struct pciback_guest *guest)
{
	size_t n = 0;

	for (size_t i = 0; guest != NULL && i < job->n; i++) {
		const struct pciback_slot *slot = pciback_backend_slot(guest->backend, &job->devices[i].address);

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
		const struct pciback_slot *slot = pciback_backend_slot(backend, &job->devices[i].address);
		const struct pciback_entry *entry = pciback_guest_entry(guest, &job->devices[i].address);

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
wait_detached(struct pciback_job *job, struct pciback_guest *guest)
{
	int r;

	if (guest->own == PCIBACK_XENBUS_RECONFIGURING || guest->phase == PCIBACK_PHASE_RECONFIGURED)
		return;
	if (count_held(job, guest) == 0 || job->force || guest->phase != PCIBACK_PHASE_CONNECTED) {
		job->stage = PCIBACK_JOB_CLEAN;
		return;
	}
	/* The devices stay. */
	r = pciback_toolstack_set_state(guest, job, PCIBACK_XENBUS_INITIALISED, false);
	if (r == 0)
		REFUSE(job, -ETIMEDOUT, "domain %u did not take part in the change; --force takes the "
		    "devices from under its drivers", (unsigned)job->domain);
	else
		proceed(job, r, job->stage);
}

/* Takes the job's entries out of the store. */
static void
clean(struct pciback_job *job, struct pciback_guest *guest)
{
	size_t n_left = 0;
	int r;

	for (size_t i = 0; i < guest->n_entries; i++)
		n_left += !guest->entries[i].valid ||
		    !pciback_job_has(job, &guest->entries[i].address);
	if (n_left == guest->n_entries) {
		job->stage = PCIBACK_JOB_DONE;
		return;
	}
	if (n_left == 0 && guest->phase != PCIBACK_PHASE_CONNECTED &&
	    guest->phase != PCIBACK_PHASE_RECONFIGURED) {
		proceed(job, pciback_toolstack_destroy(guest), PCIBACK_JOB_DONE);
		return;
	}
	r = pciback_toolstack_load(guest);
	if (r < 0)
		REFUSE(job, r, "the store can't be read: %s", strerror(-r));
	else
		proceed(job, pciback_toolstack_remove(guest, job), PCIBACK_JOB_DONE);
}

/* No guest has part in it. */
static void
move(struct pciback_backend *backend, struct pciback_job *job)
{
	char message[PCIBACK_LOG_LINE];
	int r = job->kind == PCIBACK_JOB_TAKE ? pciback_backend_take(backend, job->devices, job->n, message) :
	    pciback_backend_return(backend, job->devices, job->n, message);

	if (r == -EINPROGRESS)
		return;
	if (r < 0)
		fail(job, r, "%s", message);
	job->stage = PCIBACK_JOB_DONE;
}

static void
run(struct pciback_backend *backend, struct pciback_job *job)
{
	struct pciback_guest *guest = pciback_backend_find(backend, job->domain);

	if (job->kind == PCIBACK_JOB_TAKE || job->kind == PCIBACK_JOB_RETURN) {
		move(backend, job);
		return;
	}
	if (guest != NULL && !guest->exists)
		guest = NULL;
	/* Nothing is decided on what may have changed. */
	if (backend->look_backends || (guest != NULL && (guest->look_backend || guest->look_life)))
		return;
	if (guest == NULL && job->stage != PCIBACK_JOB_START) {
		if (job->kind == PCIBACK_JOB_ATTACH)
			fail(job, -ENOENT, "domain %u has gone", (unsigned)job->domain);
		job->stage = PCIBACK_JOB_DONE;
		return;
	}
	/* What is known of its devices is then not what the store says, and every change would fail. */
	if (guest != NULL && guest->refused) {
		REFUSE(job, -EINVAL, "%s", guest->message);
		return;
	}
	switch (job->stage) {
	case PCIBACK_JOB_START:
		if (job->kind == PCIBACK_JOB_ATTACH)
			start_attach(backend, job, guest);
		else
			start_detach(job, guest);
		return;
	case PCIBACK_JOB_WAIT:
		if (job->kind == PCIBACK_JOB_ATTACH)
			wait_attached(backend, job, guest);
		else
			wait_detached(job, guest);
		return;
	case PCIBACK_JOB_WAIT_CLOSED:
		if (pciback_guest_is_idle(guest))
			proceed(job, pciback_toolstack_destroy(guest), PCIBACK_JOB_DONE);
		return;
	case PCIBACK_JOB_CLEAN:
		clean(job, guest);
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
	/* The frontend has taken part. How long it looks at the result is not waited for: Linux's drivers
	 * start within that. */
	if (guest != NULL && guest->phase == PCIBACK_PHASE_RECONFIGURED &&
	    count_held(job, guest) == (is_attach ? job->n : 0)) {
		job->stage = is_attach ? PCIBACK_JOB_DONE : PCIBACK_JOB_CLEAN;
	} else if (is_attach) {
		fail(job, -ETIMEDOUT, "domain %u took no part in it", (unsigned)job->domain);
		job->stage = PCIBACK_JOB_CLEAN;
	} else {
		REFUSE(job, -ETIMEDOUT, "domain %u has not taken part in the detach yet; it may still do",
		    (unsigned)job->domain);
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
	if (job->n == 0) {
		REFUSE(job, -EINVAL, "no device is named");
		return 0;
	}
	if (backend->stopping) {
		REFUSE(job, -ECANCELED, "pcibackd is being stopped");
		return 0;
	}
	before = job->stage;
	run(backend, job);
	if (job->stage != before)
		return 0;
	/* The time that one of its devices is made clean does not count. */
	if (pciback_backend_is_any_cleaned(backend, job->devices, job->n))
		job->deadline = backend->now + PCIBACK_WAIT_JOB;
	if (backend->now < job->deadline)
		return pciback_wait_until(backend->now, job->deadline);
	end_late(backend, job);
	return 0;
}
