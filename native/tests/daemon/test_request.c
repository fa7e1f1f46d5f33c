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

#include "../../daemon/request.h"

static int
read_line(const char *text, struct request *ret_request, bool *ret_json,
    char message[REQUEST_MESSAGE])
{
	static char line[4096];

	(void)snprintf(line, sizeof(line), "%s", text);
	message[0] = '\0';
	return request_read(line, ret_request, ret_json, message);
}

static void
test_mistakes(struct harness *harness)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "", "no such request" },
		{ "status", "no such request" },
		{ "status xml", "no such request" },
		{ "frob json", "no such request" },
		{ "attach json", "a domain's number from 1 to 32751 would follow --domain" },
		{ "attach text 0 03:00.0", "a domain's number from 1 to 32751 would follow --domain" },
		{ "attach text 32752 03:00.0", "a domain's number from 1 to 32751 would follow --domain" },
		{ "attach text x 03:00.0", "a domain's number from 1 to 32751 would follow --domain" },
		{ "attach text 3", "addresses of devices would follow" },
		{ "attach text 3 permissive", "addresses of devices would follow" },
		{ "attach text 3 force", "'force' is no address of a device, such as 0000:03:00.0" },
		{ "detach text 3 force force", "'force' is no address of a device, such as 0000:03:00.0" },
		{ "attach text 3 03:00", "'03:00' is no address of a device, such as 0000:03:00.0" },
		{ "attach text 3 03:00.0 0000:03:00.0", "0000:03:00.0 is named twice" },
		{ "take json", "addresses of devices would follow" },
		{ "return text 3", "'3' is no address of a device, such as 0000:03:00.0" },
		{ "check text", "addresses of devices would follow" },
		{ "take text 03:00.0,permissive=1", "'permissive' is no option of a device here" },
		{ "return text 03:00.0,id=8086:10d3", "'id' is no option of a device here" },
		{ "attach text 3 03:00.0,id=8086:10d3", "'id' is no option of a device here" },
		{ "detach text 3 03:00.0,permissive=1", "'permissive' is no option of a device here" },
		{ "attach text 3 03:00.0 03:00.0,permissive=1", "03:00.0 is named twice" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request request = { .job.domain = 77 };
		char message[REQUEST_MESSAGE];
		bool json;

		CHECK_NUMBER(read_line(cases[i].line, &request, &json, message), -EINVAL);
		CHECK_TEXT(message, cases[i].message);
		CHECK_NUMBER(request.job.domain, 77);
		CHECK_NUMBER(json, strstr(cases[i].line, "json") != NULL);
	}
}

void
test_request(struct harness *harness)
{
	char message[REQUEST_MESSAGE], line[2048] = "attach text 3";
	struct request request;
	bool json;

	CHECK_NUMBER(read_line("status json", &request, &json, message), 0);
	CHECK_NUMBER(request.kind, REQUEST_STATUS);
	CHECK(json);
	CHECK_NUMBER(read_line("take text 03:00.0 03:01.0", &request, &json, message), 0);
	CHECK_NUMBER(request.job.kind, PCIBACK_JOB_TAKE);
	CHECK_NUMBER(request.job.n, 2);
	CHECK_NUMBER(read_line("return json 03:00.0", &request, &json, message), 0);
	CHECK_NUMBER(request.job.kind, PCIBACK_JOB_RETURN);
	CHECK_NUMBER(read_line("check json 03:00.0,id=8086:10d3 03:01.0", &request, &json, message), 0);
	CHECK_NUMBER(request.kind, REQUEST_CHECK);
	CHECK_NUMBER(request.job.kind, PCIBACK_JOB_NONE);
	CHECK(request.job.devices[0].has_id && !request.job.devices[1].has_id);
	CHECK_NUMBER(read_line("take json 03:00.0,subsystem=8086:a01f", &request, &json, message), 0);
	CHECK_NUMBER(request.job.devices[0].identity.subsystem, 0xa01f);
	CHECK_NUMBER(read_line("  attach  text 3 permissive 03:00.0  0001:04:1f.7 ", &request, &json,
	    message), 0);
	CHECK_NUMBER(request.kind, REQUEST_CHANGE);
	CHECK(!json);
	CHECK_NUMBER(request.job.kind, PCIBACK_JOB_ATTACH);
	CHECK_NUMBER(request.job.stage, PCIBACK_JOB_START);
	CHECK_NUMBER(request.job.domain, 3);
	CHECK(request.job.devices[1].permissive && !request.job.force && !request.job.devices[1].rdm_relaxed);
	CHECK_NUMBER(request.job.n, 2);
	CHECK_NUMBER(request.job.devices[1].address.domain, 1);
	CHECK_NUMBER(request.job.devices[1].address.device, 0x1f);
	CHECK_NUMBER(read_line("attach text 3 rdm-relaxed permissive 03:00.0", &request, &json, message), 0);
	CHECK(request.job.devices[0].permissive && request.job.devices[0].rdm_relaxed);
	CHECK_NUMBER(read_line("attach text 3 rdm-relaxed 03:00.0", &request, &json, message), 0);
	CHECK(!request.job.devices[0].permissive && request.job.devices[0].rdm_relaxed);
	/* A flag holds for all that say nothing else. */
	CHECK_NUMBER(read_line("attach text 3 permissive 03:00.0,permissive=0 03:01.0,rdm_policy=relaxed", &request,
	    &json, message), 0);
	CHECK(!request.job.devices[0].permissive && !request.job.devices[0].rdm_relaxed);
	CHECK(request.job.devices[1].permissive && request.job.devices[1].rdm_relaxed);
	CHECK_NUMBER(read_line("detach json 32751 force 03:00.0", &request, &json, message), 0);
	CHECK_NUMBER(request.job.kind, PCIBACK_JOB_DETACH);
	CHECK_NUMBER(request.job.domain, 32751);
	CHECK(request.job.force && !request.job.devices[0].permissive);

	/* As many as a guest can have, and one more. */
	for (unsigned i = 0; i < PCIBACK_ENTRIES_MAX; i++)
		(void)snprintf(line + strlen(line), sizeof(line) - strlen(line), " 00:%02x.%u", i / 8, i % 8);
	CHECK_NUMBER(read_line(line, &request, &json, message), 0);
	CHECK_NUMBER(request.job.n, PCIBACK_ENTRIES_MAX);
	(void)snprintf(line + strlen(line), sizeof(line) - strlen(line), " 01:00.0");
	CHECK_NUMBER(read_line(line, &request, &json, message), -EINVAL);
	CHECK_TEXT(message, "no guest has more than 64 devices");
	test_mistakes(harness);
}
