/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "commands.h"

#include <stdio.h>

#include <pciback/trial_host.h>

#include "output.h"

int
cli_confirm(const struct cli_options *options)
{
	struct pciback_trial_host host = { options->root != NULL ? options->root : "" };
	struct pciback_trial_world world = pciback_trial_host_world(&host);
	struct pciback_trial_report report;
	struct pciback_json json;
	int status = CLI_OK;

	pciback_trial_confirm(&world, &report);
	if (options->json) {
		cli_json_begin(&json, "xen.pciback/trial/1");
		pciback_trial_json(&json, &report);
		status = cli_json_end(&json);
	} else if (report.failed) {
		return cli_fail(options, CLI_FAILED, "%s", report.message);
	} else {
		(void)printf("%s\n", report.message);
		status = cli_flush();
	}
	return report.failed ? CLI_FAILED : status;
}
