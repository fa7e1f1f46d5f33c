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
		{ "limit", test_limit },
		{ "log", test_log },
		{ "topology", test_topology },
		{ "policy/report", test_policy_report },
		{ "policy/register", test_policy_register },
		{ "policy/command", test_policy_command },
		{ "policy/header", test_policy_header },
		{ "policy/quirks", test_policy_quirks },
		{ "policy/chain", test_policy_chain },
		{ "policy/capability", test_policy_capability },
		{ "policy/access", test_policy_access },
		{ "interrupt", test_interrupt },
		{ "device", test_device },
		{ "channel", test_channel },
		{ "aer", test_aer },
		{ "advisories", test_advisories },
		{ "write32", test_write32 },
		{ "boot_messages", test_boot_messages },
		{ "pristine", test_pristine },
		{ "reset", test_reset },
		{ "guest/wait", test_guest_wait },
		{ "guest/paths", test_guest_paths },
		{ "guest/xenbus", test_guest_xenbus },
		{ "guest/state", test_guest_state },
		{ "guest/store", test_guest_store },
		{ "guest/entry", test_guest_entry },
		{ "guest/error", test_guest_error },
		{ "guest/ledger", test_guest_ledger },
		{ "guest/operations", test_guest_operations },
		{ "guest/take", test_guest_take },
		{ "guest/slot", test_guest_slot },
		{ "guest/neighbour", test_guest_neighbour },
		{ "guest/lost", test_guest_lost },
		{ "guest/look", test_guest_look },
		{ "guest/view", test_guest_view },
		{ "guest/publish", test_guest_publish },
		{ "guest/connection", test_guest_connection },
		{ "guest/devices", test_guest_devices },
		{ "guest/step", test_guest_step },
		{ "guest/guest", test_guest_guest },
		{ "guest/toolstack", test_guest_toolstack },
		{ "guest/job", test_guest_job },
		{ "guest/taken", test_guest_taken },
		{ "guest/status", test_guest_status },
		{ "guest/backend", test_guest_backend },
		{ "kernel/nodes", test_kernel_nodes },
		{ "kernel/owner", test_kernel_owner },
		{ "kernel/share", test_kernel_share },
		{ "kernel/hold", test_kernel_hold },
		{ "kernel/attach", test_kernel_attach },
		{ "kernel/detach", test_kernel_detach },
		{ "kernel/guests", test_kernel_guests },
		{ "kernel/prepare", test_kernel_prepare },
		{ "clock", test_clock },
		{ "xen_libraries", test_xen_libraries },
		{ "prepared_tree", test_prepared_tree },
		{ "prepared", test_prepared },
		{ "confine", test_confine },
		{ "priority", test_priority },
		{ "daemon/options", test_daemon_options },
		{ "request", test_request },
		{ "wanted", test_wanted },
		{ "answer", test_answer },
		{ "daemon/control", test_daemon_control },
		{ "host_lock", test_host_lock },
		{ "kernel_host", test_kernel_host },
		{ "daemon/log", test_daemon_log },
	};

	return harness_run(suites, sizeof(suites) / sizeof(suites[0]));
}
