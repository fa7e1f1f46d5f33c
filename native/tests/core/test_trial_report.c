/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/trial.h>

static char text[1024];
static size_t length;

static int
to_text(void *context, const char *bytes, size_t n)
{
	(void)context;
	if (n >= sizeof(text) - length)
		return -ENOSPC;
	memcpy(text + length, bytes, n);
	length += n;
	text[length] = '\0';
	return 0;
}

static const char *
as_json(const struct pciback_trial_report *report)
{
	struct pciback_json json;

	length = 0;
	pciback_json_init(&json, to_text, NULL);
	pciback_json_object(&json, NULL);
	pciback_trial_json(&json, report);
	pciback_json_object_end(&json);
	return pciback_json_finish(&json) == 0 ? text : "";
}

void
test_trial_report(struct harness *harness)
{
	struct pciback_trial_report report = { .finding = PCIBACK_TRIAL_RUNS, .remaining = 400, .message = "a \"b\"",
		.trial = { .link = "/t", .xen = "/xen.gz", .seconds = 600, .starts = 1 } };

	CHECK_TEXT(as_json(&report), "{\"state\": \"running\", \"link\": \"/t\", \"xen\": \"/xen.gz\", \"seconds\": 600, \"starts\": 1, "
	    "\"remaining\": 400, \"failed\": false, \"message\": \"a \\\"b\\\"\"}\n");
	report = (struct pciback_trial_report){ .finding = PCIBACK_TRIAL_NONE, .failed = true };
	CHECK_TEXT(as_json(&report), "{\"state\": \"none\", \"link\": null, \"xen\": null, \"seconds\": null, \"starts\": null, "
	    "\"remaining\": 0, \"failed\": true, \"message\": \"\"}\n");
	CHECK_TEXT(pciback_trial_finding_name(PCIBACK_TRIAL_UNREADABLE), "unreadable");
	CHECK_TEXT(pciback_trial_finding_name(PCIBACK_TRIAL_WAITS), "armed");
	CHECK_TEXT(pciback_trial_finding_name(PCIBACK_TRIAL_IS_UNDONE), "undone");
	CHECK_TEXT(pciback_trial_finding_name(PCIBACK_TRIAL_IS_CONFIRMED), "confirmed");
}
