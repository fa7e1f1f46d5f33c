/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include <pciback/vectors.h>

#include "output.h"

struct tally {
	const struct cli_options *options;
	struct pciback_json json;
	size_t passed, failed;
};

/* Compares one run with what really happened. */
static void
check(struct tally *tally, const char *name, const struct pciback_vector_run *run,
    const char *outcome, const char *claims)
{
	if (strcmp(run->outcome, outcome) == 0 && strcmp(run->claims, claims) == 0) {
		tally->passed++;
		return;
	}
	tally->failed++;
	if (tally->options->json) {
		pciback_json_object(&tally->json, NULL);
		pciback_json_string(&tally->json, "name", name);
		pciback_json_string(&tally->json, "expected_outcome", outcome);
		pciback_json_string(&tally->json, "outcome", run->outcome);
		pciback_json_string(&tally->json, "expected_claims", claims);
		pciback_json_string(&tally->json, "claims", run->claims);
		pciback_json_object_end(&tally->json);
		return;
	}
	(void)printf("FAILED  ");
	cli_print_bytes(name, strlen(name));
	(void)printf(": %s [%s], where a real kernel gives %s [%s]\n", run->outcome, run->claims,
	    outcome, claims);
}

int
cli_selftest(const struct cli_options *options)
{
	struct tally tally = { .options = options };
	struct pciback_vector_run run;
	int status = CLI_OK;

	if (options->json) {
		cli_json_begin(&tally.json, "xen.pciback/selftest/1");
		pciback_json_array(&tally.json, "failures");
	}
	for (size_t i = 0; i < pciback_n_list_vectors; i++) {
		const struct pciback_list_vector *vector = &pciback_list_vectors[i];

		pciback_run_list_vector(vector, &run);
		check(&tally, vector->value, &run, pciback_hide_result_name(vector->result),
		    vector->claims);
	}
	for (size_t i = 0; i < pciback_n_boot_vectors; i++) {
		const struct pciback_boot_vector *vector = &pciback_boot_vectors[i];

		pciback_run_boot_vector(vector, &run);
		check(&tally, vector->name, &run, pciback_boot_outcome_name(vector->outcome),
		    vector->claims);
	}
	if (options->json) {
		pciback_json_array_end(&tally.json);
		pciback_json_unsigned(&tally.json, "passed", tally.passed);
		pciback_json_unsigned(&tally.json, "failed", tally.failed);
		pciback_json_bool(&tally.json, "ok", tally.failed == 0);
		status = cli_json_end(&tally.json);
	} else {
		(void)printf("%zu passed, %zu failed\n", tally.passed, tally.failed);
		status = cli_flush();
	}
	return tally.failed != 0 ? CLI_FAILED : status;
}
