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
		{ "text", test_text },
		{ "address", test_address },
		{ "allow", test_allow },
		{ "hide_list", test_hide_list },
		{ "json", test_json },
		{ "bus", test_bus },
		{ "bus_dump", test_bus_dump },
		{ "finding", test_finding },
		{ "line", test_line },
		{ "command", test_command },
		{ "loader_key", test_loader_key },
		{ "boot_cfg", test_boot_cfg },
		{ "disk", test_disk },
		{ "loader", test_loader },
		{ "dom0_builder", test_dom0_builder },
		{ "unread_list", test_unread_list },
		{ "kernel", test_kernel },
		{ "predict", test_predict },
		{ "shared_line", test_shared_line },
		{ "vectors", test_vectors },
		{ "file", test_file },
		{ "cli/options", test_cli_options },
	};

	return harness_run(suites, sizeof(suites) / sizeof(suites[0]));
}
