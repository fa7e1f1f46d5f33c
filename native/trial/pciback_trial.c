/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <pciback/trial_host.h>

/*
 * The part of a trial that a host does by itself. It stands on the root file system, needs nothing of
 * Xen but its kernel's privcmd, and is run before other file systems are mounted.
 */

enum {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

static const char usage[] =
    "usage: pciback-trial begin|confirm|probe|status [--root DIR] [--json]\n";

static int
to_stdout(void *context, const char *bytes, size_t length)
{
	(void)context;
	return fwrite(bytes, 1, length, stdout) == length ? 0 : -EIO;
}

static int
print_report(const struct pciback_trial_report *report, bool is_json)
{
	struct pciback_json json;

	if (is_json) {
		pciback_json_init(&json, to_stdout, NULL);
		pciback_json_object(&json, NULL);
		pciback_json_string(&json, "schema", "xen.pciback/trial/1");
		pciback_trial_json(&json, report);
		pciback_json_object_end(&json);
		(void)pciback_json_finish(&json);
	} else {
		(void)fprintf(report->failed ? stderr : stdout, "pciback-trial: %s\n", report->message);
	}
	return fflush(stdout) != 0 || report->failed ? STATUS_FAILED : STATUS_OK;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const struct pciback_trial_world *world, struct pciback_trial_report *ret_report);
	} commands[] = {
		{ "begin", pciback_trial_begin },
		{ "confirm", pciback_trial_confirm },
		{ "probe", pciback_trial_probe },
		{ "status", pciback_trial_look },
	};
	struct pciback_trial_host host = { "" };
	struct pciback_trial_world world = pciback_trial_host_world(&host);
	struct pciback_trial_report report;
	bool is_json = false;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0) {
			is_json = true;
		} else if (strcmp(argv[i], "--root") == 0 && i + 1 < argc) {
			host.root = argv[++i];
		} else {
			(void)fputs(usage, stderr);
			return STATUS_USAGE;
		}
	}
	/* The files of another directory are no host's, and its Xen is this one. */
	if (host.root[0] == '\0')
		pciback_trial_host_play(argv);
	for (size_t i = 0; argc >= 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		commands[i].run(&world, &report);
		/* Without a trial, a boot has nothing to say. */
		if (i == 0 && report.finding == PCIBACK_TRIAL_NONE && !is_json)
			return STATUS_OK;
		return print_report(&report, is_json);
	}
	(void)fputs(usage, stderr);
	return STATUS_USAGE;
}
