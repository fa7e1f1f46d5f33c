/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/trial.h>

const char *
pciback_trial_finding_name(enum pciback_trial_finding finding)
{
	static const char *const names[] = { "none", "unreadable", "armed", "running", "undone", "confirmed" };

	return names[finding];
}

void
pciback_trial_json(struct pciback_json *json, const struct pciback_trial_report *report)
{
	const struct pciback_trial *trial = &report->trial;

	pciback_json_string(json, "state", pciback_trial_finding_name(report->finding));
	if (report->finding == PCIBACK_TRIAL_NONE || report->finding == PCIBACK_TRIAL_UNREADABLE) {
		pciback_json_null(json, "link");
		pciback_json_null(json, "xen");
		pciback_json_null(json, "seconds");
		pciback_json_null(json, "starts");
	} else {
		pciback_json_string(json, "link", trial->link);
		pciback_json_string(json, "xen", trial->xen);
		pciback_json_unsigned(json, "seconds", trial->seconds);
		pciback_json_unsigned(json, "starts", trial->starts);
	}
	pciback_json_unsigned(json, "remaining", report->remaining);
	pciback_json_bool(json, "failed", report->failed);
	pciback_json_string(json, "message", report->message);
}
