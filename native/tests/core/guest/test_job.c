/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/status.h>

#include "fake_xen.h"

static struct fake fake;

/* Starts a job on devices `first` and up; it may be done by then. */
static const struct pciback_job *
start(enum pciback_job_kind kind, uint16_t domain, unsigned first, unsigned n, bool force)
{
	struct pciback_job *job = &fake.jobs[0];

	memset(job, 0, sizeof(*job));
	job->kind = kind;
	job->domain = domain;
	job->force = force;
	job->n = n;
	for (unsigned i = 0; i < n; i++)
		job->devices[i].address = (struct pciback_address){ .bus = 3, .device = (uint8_t)(first + i) };
	fake_run(&fake);
	return job;
}

static const struct pciback_job *
attach(uint16_t domain, unsigned first, unsigned n)
{
	return start(PCIBACK_JOB_ATTACH, domain, first, n, false);
}

static const struct pciback_job *
detach(uint16_t domain, unsigned first, unsigned n)
{
	return start(PCIBACK_JOB_DETACH, domain, first, n, false);
}

static void
frontend(const char *state)
{
	fake_write(&fake, 1, "/state", state);
	fake_run(&fake);
}

/* The nodes of a guest that has none are those that xl writes. */
static void
test_new_guest(struct harness *harness)
{
	const struct pciback_job *job;

	fake_init(&fake);
	job = attach(1, 0, 2);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "frontend"), "/local/domain/1/device/pci/0");
	CHECK_TEXT(fake_read(&fake, 1, "frontend-id"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "online"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "2");
	CHECK_TEXT(fake_read(&fake, 1, "key-1"), "0000:03:01.0");
	CHECK_TEXT(fake_read(&fake, 1, "dev-1"), "0000:03:01.0");
	CHECK_TEXT(fake_read(&fake, 1, "opts-1"),
	    "msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict");
	CHECK_TEXT(fake_read(&fake, 1, "/backend"), "/local/domain/0/backend/pci/1/0");
	CHECK_TEXT(fake_read(&fake, 1, "/backend-id"), "0");
	CHECK_TEXT(fake_read(&fake, 1, "/state"), "1");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	/* One more before the guest has looked. */
	job = attach(1, 2, 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "3");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK_TEXT(fake_read(&fake, 1, "vdev-2"), "0000:00:02.00");
	/* And away with the first: all later ones move down. */
	job = detach(1, 0, 1);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "dev-0"), "0000:03:01.0");
	CHECK_TEXT(fake_read(&fake, 1, "vdev-0"), "0000:00:01.00");
	CHECK_TEXT(fake_read(&fake, 1, "dev-1"), "0000:03:02.0");
	CHECK_TEXT(fake_read(&fake, 1, "dev-2"), "(none)");
	CHECK_TEXT(fake_read(&fake, 1, "opts-2"), "(none)");
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "2");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	/* The rest, and nothing is left of the guest. */
	job = detach(1, 1, 2);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "(none)");
	CHECK_TEXT(fake_read(&fake, 1, "/state"), "(none)");
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	CHECK(pciback_backend_find(&fake.backend, 1) == NULL);
	CHECK(fake_end(&fake));
}

/*
 * A guest that is still paused (`xl create -p`): whatever its frontend does, it does later, and is not waited
 * for. What holds for one device holds for that one.
 */
static void
test_paused_guest(struct harness *harness)
{
	struct pciback_job *job = &fake.jobs[0];
	struct pciback_device_status device;

	fake_init(&fake);
	*job = (struct pciback_job){
		.kind = PCIBACK_JOB_ATTACH,
		.domain = 1,
		.n = 2,
		.devices = { { .address = { .bus = 3 }, .permissive = true },
		    { .address = { .bus = 3, .device = 1 }, .rdm_relaxed = true } },
	};
	fake_run(&fake);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "/state"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "opts-0"), "msitranslate=0,power_mgmt=0,permissive=1,rdm_policy=strict");
	CHECK_TEXT(fake_read(&fake, 1, "opts-1"), "msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=relaxed");
	CHECK_NUMBER(pciback_status_find(&fake.backend, &job->devices[0].address, &device), 0);
	CHECK(device.permissive && !device.rdm_relaxed);
	CHECK_NUMBER(pciback_status_find(&fake.backend, &job->devices[1].address, &device), 0);
	CHECK(!device.permissive && device.rdm_relaxed);
	/* And so is one of whose devices xl has written the nodes. */
	fake_create(&fake, 2, 2, 1);
	job = &fake.jobs[1];
	*job = (struct pciback_job){
		.kind = PCIBACK_JOB_ATTACH,
		.domain = 2,
		.n = 1,
		.devices = { { .address = { .bus = 3, .device = 3 } } },
	};
	fake_run(&fake);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_NUMBER(fake_held(&fake, "device", 2), 2);
	CHECK(fake_end(&fake));
}

static void
test_running_guest(struct harness *harness)
{
	const struct pciback_job *job;

	fake_init(&fake);
	(void)attach(1, 0, 1);
	fake_frontend(&fake, 1, true);
	frontend("4");
	job = attach(1, 1, 2);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_WAIT);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "7");
	frontend("7");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	CHECK_NUMBER(job->stage, PCIBACK_JOB_WAIT);
	frontend("4");
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 3);

	job = detach(1, 0, 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_WAIT);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "5");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 3);
	frontend("7");
	frontend("4");
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "dev-0"), "0000:03:01.0");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);

	/* It does not take part: all is as it was. */
	job = attach(1, 3, 1);
	fake_pass(&fake, PCIBACK_WAIT_CHANGE);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, -ETIMEDOUT);
	CHECK_TEXT(job->message, "domain 1 did not take part in the change");
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "2");
	CHECK_TEXT(fake_read(&fake, 1, "dev-2"), "(none)");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	job = detach(1, 1, 1);
	fake_pass(&fake, PCIBACK_WAIT_CHANGE);
	CHECK_NUMBER(job->error, -ETIMEDOUT);
	CHECK_TEXT(job->message, "domain 1 did not take part in the change; --force takes the devices from "
	    "under its drivers");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	CHECK(strcmp(fake_read(&fake, 1, "state-0"), "5") != 0);
	job = start(PCIBACK_JOB_DETACH, 1, 1, 1, true);
	fake_pass(&fake, PCIBACK_WAIT_CHANGE);
	CHECK_NUMBER(job->error, 0);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);

	/* It takes part, and its drivers start for longer than anybody waits. */
	job = attach(1, 0, 1);
	frontend("7");
	fake_pass(&fake, PCIBACK_WAIT_JOB - 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_WAIT);
	fake_pass(&fake, 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "8");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 2);
	/* The next change waits for that. */
	job = detach(1, 0, 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_START);
	frontend("4");
	CHECK_NUMBER(job->stage, PCIBACK_JOB_WAIT);
	frontend("7");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake_pass(&fake, PCIBACK_WAIT_JOB);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "1");
	frontend("4");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");

	/* One that can't be had leaves no entry. */
	job = attach(1, 9, 1);
	frontend("7");
	frontend("4");
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_TEXT(job->message, "0000:03:09.0 is no device of this machine");
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "1");
	CHECK_TEXT(fake_read(&fake, 1, "dev-1"), "(none)");

	/* All of it: the frontend is asked. */
	job = detach(1, 2, 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_WAIT_CLOSED);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
	frontend("6");
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "(none)");
	CHECK(fake_end(&fake));
}

/* A store that can't be read is named; nothing is tried again and again. */
static void
test_malformed_store(struct harness *harness)
{
	const struct pciback_job *job;

	fake_init(&fake);
	(void)attach(1, 0, 1);
	fake_write(&fake, 1, "num_devs", "many");
	fake_run(&fake);
	job = detach(1, 0, 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, -EINVAL);
	CHECK(strstr(job->message, "num_devs is 'many'") != NULL);
	job = attach(1, 1, 1);
	CHECK_NUMBER(job->error, -EINVAL);
	CHECK(strstr(job->message, "num_devs is 'many'") != NULL);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	CHECK(fake_end(&fake));
}

/* A NetBSD guest would panic. */
static void
test_netbsd(struct harness *harness)
{
	const struct pciback_job *job;

	fake_init(&fake);
	(void)attach(1, 0, 2);
	fake_frontend(&fake, 1, false);
	frontend("4");
	job = attach(1, 2, 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, -ENOTSUP);
	CHECK_TEXT(job->message, "its frontend is not known to handle hot plug, and NetBSD's would panic; shut "
	    "the guest down first");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK_TEXT(fake_read(&fake, 1, "num_devs"), "2");
	job = detach(1, 0, 1);
	CHECK_NUMBER(job->error, -ENOTSUP);
	CHECK(strstr(job->message, "shut the guest down first, or use --force") != NULL);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	job = start(PCIBACK_JOB_DETACH, 1, 0, 1, true);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "4");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	/* All of them: through 5, and never 6. */
	job = detach(1, 1, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "5");
	fake_pass(&fake, PCIBACK_WAIT_CLOSE);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, 0);
	CHECK_TEXT(fake_read(&fake, 1, "state"), "(none)");
	CHECK(fake_end(&fake));
}

/* One clear sentence for each. */
static void
test_refusals(struct harness *harness)
{
	char sentence[PCIBACK_LOG_LINE];
	const struct pciback_job *job;

	fake_init(&fake);
	fake.xen.life[2] = PCIBACK_LIFE_GONE;
	job = attach(2, 0, 1);
	CHECK_TEXT(job->message, "domain 2 does not exist");
	CHECK_TEXT(fake_read(&fake, 2, "state"), "(none)");
	job = attach(1, 9, 1);
	CHECK_TEXT(job->message, "0000:03:09.0 is no device of this machine");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "(none)");
	job = detach(1, 0, 1);
	CHECK_TEXT(job->message, "0000:03:00.0 is not attached to domain 1");
	(void)attach(1, 0, 1);
	job = attach(1, 0, 1);
	CHECK_TEXT(job->message, "0000:03:00.0 belongs to domain 1");
	job = attach(3, 0, 1);
	CHECK_TEXT(job->message, "0000:03:00.0 belongs to domain 1");
	job = detach(1, 0, 2);
	CHECK_TEXT(job->message, "0000:03:01.0 is not attached to domain 1");
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	fake_write(&fake, 1, "num_devs", "x");
	fake_run(&fake);
	job = attach(1, 1, 1);
	CHECK_TEXT(job->message,
	    "/local/domain/0/backend/pci/1/0/num_devs is 'x', not a number of devices up to 64");
	fake_write(&fake, 1, "num_devs", "1");
	fake_frontend(&fake, 1, true);
	frontend("6");
	job = attach(1, 1, 1);
	CHECK_TEXT(job->message, "domain 1 has closed its frontend; detach its devices first");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake.xen.fail_with = -EACCES;
	fake.xen.fail_at = fake.xen.n_calls + 2;
	job = attach(1, 0, 1);
	CHECK_NUMBER(job->error, -EACCES);
	(void)snprintf(sentence, sizeof(sentence), "the store can't be written: %s", strerror(EACCES));
	CHECK_TEXT(job->message, sentence);
	/* The store has changed: it is tried once more. */
	fake.xen.was_stale = true;
	job = attach(1, 0, 1);
	fake_run(&fake);
	CHECK_NUMBER(job->error, 0);
	/* The process ends meanwhile. */
	fake_frontend(&fake, 1, true);
	frontend("4");
	job = attach(1, 1, 1);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_WAIT);
	pciback_backend_stop(&fake.backend, fake.now);
	fake_run(&fake);
	CHECK_TEXT(job->message, "pcibackd is being stopped");
	CHECK(fake_end(&fake));

	/* Its domain dies meanwhile. */
	fake_init(&fake);
	(void)attach(1, 0, 1);
	fake_frontend(&fake, 1, true);
	frontend("4");
	job = attach(1, 1, 1);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_pass(&fake, PCIBACK_WAIT_JOB);
	fake_pass(&fake, PCIBACK_WAIT_CLOSE);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_TEXT(job->message, "domain 1 took no part in it");
	CHECK_NUMBER(fake_held(&fake, NULL, 0), 0);
	CHECK(fake_end(&fake));
}

/* While the store can't be read nobody knows what became of a change; its time is over all the same. */
static void
test_no_store(struct harness *harness)
{
	static const struct {
		enum pciback_job_kind kind;
		bool has_begun;
		const char *words;
	} cases[] = {
		{ PCIBACK_JOB_ATTACH, true, "domain 1 took no part in it" },
		{ PCIBACK_JOB_ATTACH, false, "domain 1 was not ready for it in time" },
		{ PCIBACK_JOB_DETACH, true, "domain 1 has not taken part in the detach yet; it may still do" },
		{ PCIBACK_JOB_DETACH, false, "domain 1 was not ready for it in time" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pciback_job *job = &fake.jobs[0];
		bool is_attach = cases[i].kind == PCIBACK_JOB_ATTACH;

		fake_init(&fake);
		(void)attach(1, 0, is_attach ? 1 : 2);
		fake_frontend(&fake, 1, true);
		frontend("4");
		if (cases[i].has_begun) {
			(void)start(cases[i].kind, 1, 1, 1, false);
			CHECK_NUMBER(job->stage, PCIBACK_JOB_WAIT);
		}
		fake.xen.fail_from = fake.xen.n_calls + 1;
		fake_write(&fake, 1, "domain", "x");
		fake_run(&fake);
		if (!cases[i].has_begun)
			(void)start(cases[i].kind, 1, 1, 1, false);
		fake_pass(&fake, PCIBACK_WAIT_JOB);
		CHECK_NUMBER(job->error, -ETIMEDOUT);
		CHECK_TEXT(job->message, cases[i].words);
		fake.xen.fail_from = 0;
		fake_pass(&fake, PCIBACK_WAIT_CHANGE);
		CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
		CHECK(fake_end(&fake));
	}
}

/* Somebody else takes the entry away meanwhile; and the store fails when the entry is to be taken out. */
static void
test_entry_gone(struct harness *harness)
{
	const struct pciback_job *job;
	char sentence[PCIBACK_LOG_LINE];
	bool was_said = false;

	fake_init(&fake);
	(void)attach(1, 0, 1);
	fake_frontend(&fake, 1, true);
	frontend("4");
	job = attach(1, 1, 1);
	fake_remove(&fake, 1, "dev-1");
	fake_set(&fake, 1, "num_devs", "1");
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_TEXT(job->message, "the store's entry went away");
	CHECK(fake_end(&fake));

	/* And with it all of the guest. */
	fake_init(&fake);
	(void)attach(1, 0, 1);
	fake_frontend(&fake, 1, true);
	frontend("4");
	job = attach(1, 1, 1);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_remove(&fake, 1, "/");
	fake_remove(&fake, 1, "");
	fake_run(&fake);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_TEXT(job->message, "domain 1 has gone");
	CHECK(fake_end(&fake));

	(void)snprintf(sentence, sizeof(sentence), "the store can't be read: %s", strerror(EIO));
	for (size_t i = 1; i < 30; i++) {
		fake_init(&fake);
		(void)attach(1, 0, 2);
		fake.xen.fail_at = fake.xen.n_calls + i;
		job = detach(1, 0, 1);
		was_said = was_said || strcmp(job->message, sentence) == 0;
		CHECK(fake_end(&fake));
	}
	CHECK(was_said);
}

/* Nothing is made of it: a guest's nodes without devices would be a guest that waits for ever. */
static void
test_no_devices(struct harness *harness)
{
	const struct pciback_job *job;

	fake_init(&fake);
	job = start(PCIBACK_JOB_ATTACH, 1, 0, 0, false);
	CHECK_NUMBER(job->stage, PCIBACK_JOB_DONE);
	CHECK_NUMBER(job->error, -EINVAL);
	CHECK_TEXT(job->message, "no device is named");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "(none)");
	job = start(PCIBACK_JOB_DETACH, 1, 0, 0, false);
	CHECK_TEXT(job->message, "no device is named");
	CHECK(fake_end(&fake));
}

void
test_guest_job(struct harness *harness)
{
	test_new_guest(harness);
	test_paused_guest(harness);
	test_running_guest(harness);
	test_malformed_store(harness);
	test_netbsd(harness);
	test_no_devices(harness);
	test_refusals(harness);
	test_no_store(harness);
	test_entry_gone(harness);
}
