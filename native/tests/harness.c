/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
harness_check(struct harness *harness, bool holds, const char *file, int line, const char *what)
{
	harness->n_checks++;
	if (holds)
		return;
	harness->n_failed++;
	(void)printf("%s:%d: %s: does not hold: %s\n", file, line, harness->test, what);
}

void
harness_check_number(struct harness *harness, int64_t actual, int64_t expected, const char *file,
    int line, const char *what)
{
	harness->n_checks++;
	if (actual == expected)
		return;
	harness->n_failed++;
	(void)printf("%s:%d: %s: %s is %" PRId64 ", not %" PRId64 "\n", file, line, harness->test,
	    what, actual, expected);
}

void
harness_check_text(struct harness *harness, const char *actual, const char *expected,
    const char *file, int line, const char *what)
{
	harness->n_checks++;
	if (strcmp(actual, expected) == 0)
		return;
	harness->n_failed++;
	(void)printf("%s:%d: %s: %s is \"%s\", not \"%s\"\n", file, line, harness->test, what, actual,
	    expected);
}

int
harness_run(const struct harness_suite *suites, size_t n_suites)
{
	struct harness harness = { .n_failed = 0 };

	for (size_t i = 0; i < n_suites; i++) {
		size_t before = harness.n_checks;

		harness.test = suites[i].name;
		suites[i].run(&harness);
		if (harness.n_checks == before) {
			harness.n_failed++;
			(void)printf("%s: checked nothing\n", suites[i].name);
		}
	}
	(void)printf("%zu checks, %zu failed\n", harness.n_checks, harness.n_failed);
	return harness.n_failed == 0 ? 0 : 1;
}
