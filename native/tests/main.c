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
main(void)
{
	static const struct {
		const char *name;
		void (*run)(struct harness *harness);
	} tests[] = {
		{ "text", test_text },
		{ "address", test_address },
		{ "hide_list", test_hide_list },
		{ "json", test_json },
		{ "bus", test_bus },
		{ "bus_dump", test_bus_dump },
		{ "boot_cfg", test_boot_cfg },
		{ "loader", test_loader },
		{ "dom0", test_dom0 },
		{ "predict", test_predict },
		{ "vectors", test_vectors },
		{ "file", test_file },
		{ "simulated_bus", test_simulated_bus },
		{ "topology", test_topology },
		{ "policy", test_policy },
		{ "device", test_device },
		{ "dispatch", test_dispatch },
		{ "advisories", test_advisories },
		{ "write32", test_write32 },
		{ "xenbus", test_xenbus },
		{ "ledger", test_ledger },
		{ "slot", test_slot },
		{ "look", test_look },
		{ "publish", test_publish },
		{ "guest", test_guest },
		{ "backend", test_backend },
		{ "job", test_job },
	};
	struct harness harness = { .n_failed = 0 };

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		size_t before = harness.n_checks;

		harness.test = tests[i].name;
		tests[i].run(&harness);
		if (harness.n_checks == before) {
			harness.n_failed++;
			(void)printf("%s: checked nothing\n", tests[i].name);
		}
	}
	(void)printf("%zu checks, %zu failed\n", harness.n_checks, harness.n_failed);
	return harness.n_failed == 0 ? 0 : 1;
}
