/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

int
main(void)
{
	static const struct harness_suite suites[] = {
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
		{ "clock", test_clock },
		{ "daemon/options", test_daemon_options },
		{ "request", test_request },
		{ "answer", test_answer },
		{ "daemon/log", test_daemon_log },
	};

	return harness_run(suites, sizeof(suites) / sizeof(suites[0]));
}
