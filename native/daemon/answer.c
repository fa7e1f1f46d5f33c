/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/allow.h>
#include <pciback/json.h>
#include <pciback/registers.h>
#include <pciback/status.h>
#include <pciback/taken.h>
#include <pciback/version.h>

static int
append(void *context, const char *bytes, size_t length)
{
	struct answer *answer = context;

	if (length > answer->size - answer->length) {
		size_t size = (answer->size + length) * 2;
		char *larger = realloc(answer->bytes, size);

		if (larger == NULL)
			return -ENOMEM;
		answer->bytes = larger;
		answer->size = size;
	}
	memcpy(answer->bytes + answer->length, bytes, length);
	answer->length += length;
	return 0;
}

void
answer_say(struct answer *answer, const char *format, ...)
{
	char text[512];
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	(void)append(answer, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static const char *
interrupt_name(enum pciback_interrupt interrupt)
{
	switch (interrupt) {
	case PCIBACK_INTX:
		return "intx";
	case PCIBACK_MSI:
		return "msi";
	case PCIBACK_MSIX:
		return "msix";
	}
	return "?";
}

/* A number of an interrupt line; null for none. */
static void
json_line(struct pciback_json *json, const char *name, uint8_t line)
{
	if (line == 0 || line == INTERRUPT_LINE_NONE)
		pciback_json_null(json, name);
	else
		pciback_json_unsigned(json, name, line);
}

/* What its owner allows and states for a device alone, as `take` was told it. */
static void
json_owners(struct pciback_json *json, unsigned allow, uint8_t irq)
{
	char names[PCIBACK_ALLOW_SIZE];

	pciback_allow_format(allow, '+', names);
	pciback_json_string(json, "allow", names);
	json_line(json, "irq", irq);
}

static void
json_device(struct pciback_json *json, const struct pciback_device_status *device)
{
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_json_object(json, NULL);
	pciback_address_format(&device->address, name);
	pciback_json_string(json, "address", name);
	pciback_address_format(&device->place, name);
	pciback_json_string(json, "place", name);
	pciback_json_string(json, "interrupt", interrupt_name(device->interrupt));
	pciback_json_bool(json, "permissive", device->permissive);
	pciback_json_string(json, "rdm_policy", device->rdm_relaxed ? "relaxed" : "strict");
	json_line(json, "line", device->line);
	json_owners(json, device->allow, device->irq);
	pciback_json_unsigned(json, "permissions", device->n_permissions);
	pciback_json_object_end(json);
}

static void
json_guest(struct pciback_json *json, const struct pciback_backend *backend,
    const struct pciback_guest_status *guest)
{
	struct pciback_device_status device;
	size_t position = 0;

	pciback_json_object(json, NULL);
	pciback_json_unsigned(json, "domain", guest->domain);
	pciback_json_string(json, "phase", pciback_phase_name(guest->phase));
	pciback_json_unsigned(json, "state", (unsigned)guest->own);
	pciback_json_unsigned(json, "frontend_state", (unsigned)guest->frontend);
	pciback_json_bool(json, "hot_plug", guest->hot_plug);
	pciback_json_unsigned(json, "requests", guest->n_requests);
	pciback_json_unsigned(json, "refused", guest->n_refused);
	if (guest->message[0] != '\0')
		pciback_json_string(json, "message", guest->message);
	else
		pciback_json_null(json, "message");
	pciback_json_array(json, "devices");
	while (pciback_status_device(backend, guest->domain, &position, &device))
		json_device(json, &device);
	pciback_json_array_end(json);
	pciback_json_object_end(json);
}

static void
json_held_back(struct pciback_json *json, const struct pciback_backend *backend)
{
	struct pciback_held_back held_back;
	size_t position = 0;

	pciback_json_array(json, "held_back");
	while (pciback_status_held_back(backend, &position, &held_back)) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_json_object(json, NULL);
		pciback_address_format(&held_back.address, name);
		pciback_json_string(json, "address", name);
		pciback_json_unsigned(json, "domain", held_back.domain);
		json_owners(json, held_back.allow, held_back.irq);
		pciback_json_unsigned(json, "permissions", held_back.n_permissions);
		pciback_json_bool(json, "lost", held_back.is_lost);
		pciback_json_object_end(json);
	}
	pciback_json_array_end(json);
}

static void
json_taken(struct pciback_json *json, const struct pciback_backend *backend)
{
	struct pciback_taken_status taken;
	size_t position = 0;

	pciback_json_array(json, "taken");
	while (pciback_status_taken(backend, &position, &taken)) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_json_object(json, NULL);
		pciback_address_format(&taken.address, name);
		pciback_json_string(json, "address", name);
		pciback_json_bool(json, "clean", taken.is_clean);
		pciback_json_bool(json, "lost", taken.is_lost);
		json_owners(json, taken.allow, taken.irq);
		pciback_json_object_end(json);
	}
	pciback_json_array_end(json);
}

static void
status_json(const struct pciback_backend *backend, struct answer *answer, uint64_t pid)
{
	struct pciback_guest_status guest;
	struct pciback_counts counts;
	struct pciback_json json;
	size_t position = 0;

	pciback_json_init(&json, append, answer);
	pciback_json_object(&json, NULL);
	pciback_json_string(&json, "schema", "xen.pciback/status/1");
	pciback_json_string(&json, "version", PCIBACK_VERSION);
	pciback_json_string(&json, "source_sha256", PCIBACK_SOURCE_SHA256);
	pciback_json_unsigned(&json, "pid", pid);
	pciback_json_bool(&json, "hands_over", pciback_backend_can_hand_over(backend));
	pciback_json_array(&json, "guests");
	while (pciback_status_guest(backend, &position, &guest))
		json_guest(&json, backend, &guest);
	pciback_json_array_end(&json);
	json_held_back(&json, backend);
	json_taken(&json, backend);
	pciback_status_counts(backend, &counts);
	pciback_json_object(&json, "permissions");
	pciback_json_unsigned(&json, "granted", counts.n_granted);
	pciback_json_unsigned(&json, "taken_back", counts.n_revoked);
	pciback_json_unsigned(&json, "not_taken_back", counts.n_not_revoked);
	pciback_json_object_end(&json);
	pciback_json_object_end(&json);
	(void)pciback_json_finish(&json);
}

static void
status_text(const struct pciback_backend *backend, struct answer *answer)
{
	struct pciback_guest_status guest;
	struct pciback_held_back held_back;
	struct pciback_taken_status taken;
	size_t position = 0;
	bool is_empty = true;

	while (pciback_status_guest(backend, &position, &guest)) {
		struct pciback_device_status device;
		size_t at = 0;

		is_empty = false;
		answer_say(answer, "domain %u  %s  backend %d %s, frontend %d %s%s\n",
		    (unsigned)guest.domain, pciback_phase_name(guest.phase), (int)guest.own,
		    pciback_xenbus_name(guest.own), (int)guest.frontend,
		    pciback_xenbus_name(guest.frontend), guest.hot_plug ? "" : ", no hot plug");
		while (pciback_status_device(backend, guest.domain, &at, &device)) {
			char name[PCIBACK_ADDRESS_SIZE], place[PCIBACK_ADDRESS_SIZE];

			pciback_address_format(&device.address, name);
			pciback_address_format(&device.place, place);
			answer_say(answer, "  %s  seen as %s  %s%s\n", name, place,
			    interrupt_name(device.interrupt), device.permissive ? "  permissive" : "");
		}
		if (guest.message[0] != '\0')
			answer_say(answer, "  %s\n", guest.message);
	}
	if (is_empty)
		answer_say(answer, "no guest has devices\n");
	position = 0;
	while (pciback_status_held_back(backend, &position, &held_back)) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&held_back.address, name);
		answer_say(answer, "%s is held back: domain %u may still reach it%s\n", name,
		    (unsigned)held_back.domain,
		    held_back.is_lost ? ", and a driver of this system has it, or it is gone" : "");
	}
	position = 0;
	while (pciback_status_taken(backend, &position, &taken)) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&taken.address, name);
		answer_say(answer, "%s is taken from dom0, and no guest has it%s\n", name,
		    taken.is_lost ? "; nor will one: a driver of this system has it, or it is gone" :
		    taken.is_reset ? "; it is being reset" : taken.is_clean ? "" : "; it could not be reset");
	}
}

void
answer_status(struct answer *answer, const struct pciback_backend *backend,
    bool json_wanted, uint64_t pid)
{
	answer_say(answer, "0\n");
	if (json_wanted)
		status_json(backend, answer, pid);
	else
		status_text(backend, answer);
}

/* The devices of a request or a job, a line or an object each. `done`: what they are now. */
static void
list_devices(struct answer *answer, const struct pciback_backend *backend, const struct pciback_job *job,
    const char *schema, const char *done, bool json_wanted)
{
	struct pciback_json json;

	answer_say(answer, "0\n");
	for (size_t i = 0; i < job->n && !json_wanted; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&job->devices[i].address, name);
		answer_say(answer, "%s is %s\n", name, done);
	}
	if (!json_wanted)
		return;
	pciback_json_init(&json, append, answer);
	pciback_json_object(&json, NULL);
	pciback_json_string(&json, "schema", schema);
	if (job->domain != 0)
		pciback_json_unsigned(&json, "domain", job->domain);
	pciback_json_array(&json, "devices");
	for (size_t i = 0; i < job->n; i++) {
		struct pciback_device_status device;
		char name[PCIBACK_ADDRESS_SIZE];

		if (job->kind == PCIBACK_JOB_ATTACH &&
		    pciback_status_find(backend, &job->devices[i].address, &device) == 0) {
			json_device(&json, &device);
			continue;
		}
		pciback_address_format(&job->devices[i].address, name);
		pciback_json_object(&json, NULL);
		pciback_json_string(&json, "address", name);
		pciback_json_object_end(&json);
	}
	pciback_json_array_end(&json);
	pciback_json_object_end(&json);
	(void)pciback_json_finish(&json);
}

/* The device at an address as the machine has it; what vanishes meanwhile has no numbers. */
static void
check_one(struct answer *answer, struct pciback_json *json, const struct pciback_backend *backend,
    const struct pciback_address *address)
{
	struct pciback_found found = { .driver = "" };
	const struct pciback_identity *is = &found.identity;
	char name[PCIBACK_ADDRESS_SIZE], id[12], subsystem[12];

	(void)pciback_backend_find_device(backend, address, &found);
	pciback_address_format(address, name);
	(void)snprintf(id, sizeof(id), "%04x:%04x", (unsigned)is->vendor, (unsigned)is->device);
	(void)snprintf(subsystem, sizeof(subsystem), "%04x:%04x", (unsigned)is->subsystem_vendor,
	    (unsigned)is->subsystem);
	if (json == NULL) {
		answer_say(answer, "%s is %s, and %s has it\n", name, id,
		    found.driver[0] != '\0' ? found.driver : "no driver");
		return;
	}
	pciback_json_object(json, NULL);
	pciback_json_string(json, "address", name);
	pciback_json_string(json, "id", id);
	pciback_json_string(json, "subsystem", subsystem);
	if (found.driver[0] != '\0')
		pciback_json_string(json, "driver", found.driver);
	else
		pciback_json_null(json, "driver");
	pciback_json_object_end(json);
}

void
answer_checked(struct answer *answer, const struct pciback_backend *backend, const struct pciback_job *job,
    bool json_wanted)
{
	struct pciback_json json;

	answer_say(answer, "0\n");
	pciback_json_init(&json, append, answer);
	if (json_wanted) {
		pciback_json_object(&json, NULL);
		pciback_json_string(&json, "schema", "xen.pciback/check/1");
		pciback_json_array(&json, "devices");
	}
	for (size_t i = 0; i < job->n; i++)
		check_one(answer, json_wanted ? &json : NULL, backend, &job->devices[i].address);
	if (!json_wanted)
		return;
	pciback_json_array_end(&json);
	pciback_json_object_end(&json);
	(void)pciback_json_finish(&json);
}

void
answer_job(struct answer *answer, const struct pciback_backend *backend, const struct pciback_job *job,
    bool json_wanted)
{
	bool is_attach = job->kind == PCIBACK_JOB_ATTACH;
	char done[40];

	if (job->error != 0) {
		answer_say(answer, "1 %s\n", job->message);
		return;
	}
	if (job->kind == PCIBACK_JOB_TAKE) {
		list_devices(answer, backend, job, "xen.pciback/take/1", "taken from dom0", json_wanted);
		return;
	}
	if (job->kind == PCIBACK_JOB_RETURN) {
		list_devices(answer, backend, job, "xen.pciback/return/1", "returned to dom0", json_wanted);
		return;
	}
	(void)snprintf(done, sizeof(done), "%s domain %u", is_attach ? "attached to" : "detached from",
	    (unsigned)job->domain);
	list_devices(answer, backend, job, is_attach ? "xen.pciback/attach/1" : "xen.pciback/detach/1", done,
	    json_wanted);
}
