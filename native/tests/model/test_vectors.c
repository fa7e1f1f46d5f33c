/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <pciback/vectors.h>

void
test_vectors(struct harness *harness)
{
	struct pciback_vector_run run;

	CHECK(pciback_n_list_vectors > 30);
	for (size_t i = 0; i < pciback_n_list_vectors; i++) {
		const struct pciback_list_vector *vector = &pciback_list_vectors[i];

		pciback_run_list_vector(vector, &run);
		CHECK_TEXT(run.outcome, pciback_hide_result_name(vector->result));
		CHECK_TEXT(run.claims, vector->claims);
	}
	CHECK(pciback_n_boot_vectors > 10);
	for (size_t i = 0; i < pciback_n_boot_vectors; i++) {
		const struct pciback_boot_vector *vector = &pciback_boot_vectors[i];

		pciback_run_boot_vector(vector, &run);
		CHECK_TEXT(run.outcome, pciback_boot_outcome_name(vector->outcome));
		CHECK_TEXT(run.claims, vector->claims);
	}
}
