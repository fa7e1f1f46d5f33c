/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/answer.h"
#include "fake_xen.h"

static void
check_answer(struct harness *harness, struct answer *answer, const char *expected)
{
	CHECK_NUMBER(answer->length, strlen(expected));
	CHECK(answer->length == strlen(expected) &&
	    memcmp(answer->bytes, expected, answer->length) == 0);
	free(answer->bytes);
	*answer = (struct answer){ .bytes = NULL };
}

/* The same of an answer that says more. */
static void
check_part(struct harness *harness, struct answer *answer, const char *expected)
{
	answer_say(answer, "%c", 0);
	CHECK(strstr(answer->bytes, expected) != NULL);
	free(answer->bytes);
	*answer = (struct answer){ .bytes = NULL };
}

static void
test_saying(struct harness *harness)
{
	struct answer answer = { .bytes = NULL };
	char line[700];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	answer_say(&answer, "%d and ", 1);
	answer_say(&answer, "%s", "2\n");
	check_answer(harness, &answer, "1 and 2\n");
	answer_say(&answer, "%s", line);
	CHECK_NUMBER(answer.length, 511);
	for (unsigned i = 0; i < 100; i++)
		answer_say(&answer, "0123456789");
	CHECK_NUMBER(answer.length, 1511);
	free(answer.bytes);
}

static void
test_status(struct harness *harness)
{
	static struct fake fake;
	struct answer answer = { .bytes = NULL };

	fake_init(&fake);
	answer_status(&answer, &fake.backend, false, 5);
	check_answer(harness, &answer, "0\nno guest has devices\n");
	answer_status(&answer, &fake.backend, true, 5);
	answer_say(&answer, "%c", 0);
	CHECK(strstr(answer.bytes, "0\n{\"schema\": \"xen.pciback/status/1\", "
	    "\"version\": \"0.1.0\", \"source_sha256\": \"") == answer.bytes);
	CHECK(strstr(answer.bytes, "\", \"pid\": 5, \"hands_over\": false, \"guests\": [], \"held_back\": [], "
	    "\"taken\": [], \"permissions\": {\"granted\": 0, "
	    "\"taken_back\": 0, \"not_taken_back\": 0}}\n") != NULL);
	free(answer.bytes);
	answer = (struct answer){ .bytes = NULL };
	fake_create(&fake, 1, 0, 1);
	fake_frontend(&fake, 1, true);
	answer_status(&answer, &fake.backend, false, 5);
	check_answer(harness, &answer, "0\ndomain 1  connected  backend 4 Connected, frontend 3 Initialised\n"
	    "  0000:03:00.0  seen as 0000:00:00.0  intx\n");
	answer_status(&answer, &fake.backend, true, 5);
	CHECK(answer.length > 0);
	check_part(harness, &answer, "\"guests\": [{\"domain\": 1, \"phase\": \"connected\", \"state\": 4, "
	    "\"frontend_state\": 3, \"hot_plug\": true, \"requests\": 0, \"refused\": 0, "
	    "\"message\": null, \"devices\": [{\"address\": \"0000:03:00.0\", "
	    "\"place\": \"0000:00:00.0\", \"interrupt\": \"intx\", \"permissive\": false, "
	    "\"rdm_policy\": \"strict\", \"line\": 16, \"allow\": \"\", \"irq\": null, \"permissions\": 5}]}]");
	/* From under the guest, which may have mapped memory of it. */
	fake.xen.devices[0].lost = -EBUSY;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	answer_status(&answer, &fake.backend, false, 5);
	check_part(harness, &answer, "0000:03:00.0 is held back: domain 1 may still reach it, and a driver of this system "
	    "has it, or it is gone\n");
	answer_status(&answer, &fake.backend, true, 5);
	check_part(harness, &answer, "\"permissions\": 0, \"lost\": true}]");
	fake.xen.devices[0].lost = 0;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	answer_status(&answer, &fake.backend, true, 5);
	check_part(harness, &answer, "\"permissions\": 0, \"lost\": false}]");
	/* The guest goes; its device could not be reset. */
	fake.xen.devices[0].reset_error = -EIO;
	fake_kill(&fake, 1, PCIBACK_LIFE_STOPPED);
	answer_status(&answer, &fake.backend, false, 5);
	check_part(harness, &answer, "0000:03:00.0 is held back: domain 1 may still reach it\n");
	fake.xen.devices[0].reset_error = 0;
	fake.xen.devices[0].slow = 3;
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	answer_status(&answer, &fake.backend, false, 5);
	check_part(harness, &answer, "0000:03:00.0 is taken from dom0, and no guest has it; it is being reset\n");
	fake.xen.devices[0].reset_error = -EIO;
	fake_pass(&fake, FAKE_RESET_LOOK);
	answer_status(&answer, &fake.backend, false, 5);
	check_part(harness, &answer, "0000:03:00.0 is taken from dom0, and no guest has it; it could not be reset\n");
	answer_status(&answer, &fake.backend, true, 5);
	check_part(harness, &answer, "\"taken\": [{\"address\": \"0000:03:00.0\", \"clean\": false, \"lost\": false, \"allow\": \"\", "
	    "\"irq\": null}]");
	fake.xen.devices[0].lost = -EBUSY;
	fake_pass(&fake, PCIBACK_WAIT_CHECK);
	answer_status(&answer, &fake.backend, false, 5);
	check_part(harness, &answer, "no guest has it; nor will one: a driver of this system has it, or it is gone\n");
	CHECK(fake_end(&fake));
}

static void
test_jobs(struct harness *harness)
{
	static struct fake fake;
	struct answer answer = { .bytes = NULL };
	struct pciback_job job = {
		.kind = PCIBACK_JOB_DETACH,
		.domain = 3,
		.n = 2,
		.devices = { { .address = { .bus = 3 } }, { .address = { .bus = 4 } } },
	};
	struct pciback_job one = { .kind = PCIBACK_JOB_TAKE, .n = 1, .devices = { { .address = { .bus = 3 } } } };

	fake_init(&fake);
	answer_job(&answer, &fake.backend, &one, false);
	check_answer(harness, &answer, "0\n0000:03:00.0 is taken from dom0\n");
	answer_job(&answer, &fake.backend, &one, true);
	check_answer(harness, &answer, "0\n{\"schema\": \"xen.pciback/take/1\", "
	    "\"devices\": [{\"address\": \"0000:03:00.0\"}]}\n");
	answer_checked(&answer, &fake.backend, &one, false);
	check_answer(harness, &answer, "0\n0000:03:00.0 is 8086:10d3, and no driver has it\n");
	answer_checked(&answer, &fake.backend, &one, true);
	check_answer(harness, &answer, "0\n{\"schema\": \"xen.pciback/check/1\", "
	    "\"devices\": [{\"address\": \"0000:03:00.0\", \"id\": \"8086:10d3\", "
	    "\"subsystem\": \"8086:a01f\", \"driver\": null}]}\n");
	fake.xen.cant_open = -EBUSY;
	answer_checked(&answer, &fake.backend, &one, false);
	check_answer(harness, &answer, "0\n0000:03:00.0 is 8086:10d3, and wm2 has it\n");
	answer_checked(&answer, &fake.backend, &one, true);
	check_part(harness, &answer, "\"driver\": \"wm2\"}]}");
	fake.xen.cant_open = 0;
	one.kind = PCIBACK_JOB_RETURN;
	answer_job(&answer, &fake.backend, &one, false);
	check_answer(harness, &answer, "0\n0000:03:00.0 is returned to dom0\n");
	answer_job(&answer, &fake.backend, &one, true);
	check_answer(harness, &answer, "0\n{\"schema\": \"xen.pciback/return/1\", "
	    "\"devices\": [{\"address\": \"0000:03:00.0\"}]}\n");
	answer_job(&answer, &fake.backend, &job, false);
	check_answer(harness, &answer, "0\n0000:03:00.0 is detached from domain 3\n"
	    "0000:04:00.0 is detached from domain 3\n");
	answer_job(&answer, &fake.backend, &job, true);
	check_answer(harness, &answer, "0\n{\"schema\": \"xen.pciback/detach/1\", \"domain\": 3, "
	    "\"devices\": [{\"address\": \"0000:03:00.0\"}, {\"address\": \"0000:04:00.0\"}]}\n");
	job.kind = PCIBACK_JOB_ATTACH;
	job.n = 1;
	answer_job(&answer, &fake.backend, &job, false);
	check_answer(harness, &answer, "0\n0000:03:00.0 is attached to domain 3\n");
	job.error = -EBUSY;
	(void)snprintf(job.message, sizeof(job.message), "it is in use");
	answer_job(&answer, &fake.backend, &job, true);
	check_answer(harness, &answer, "1 it is in use\n");
	CHECK(fake_end(&fake));
}

void
test_answer(struct harness *harness)
{
	test_saying(harness);
	test_status(harness);
	test_jobs(harness);
}
