/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTS_HARNESS_H
#define PCIBACK_TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A run of checks: each failure is printed with its place, and all are counted. */
struct harness {
	const char *test;
	size_t n_checks;
	size_t n_failed;
};

/* The checks of one file of tests. */
struct harness_suite {
	const char *name;
	void (*run)(struct harness *harness);
};

/* Runs them in their order and prints how many checks there were; the exit status of main(). */
int harness_run(const struct harness_suite *suites, size_t n_suites);

/* One function a file: main.c calls those of what pcibackctl needs, backend_main.c the others. */
void test_address(struct harness *harness);
void test_advisories(struct harness *harness);
void test_aer(struct harness *harness);
void test_allow(struct harness *harness);
void test_answer(struct harness *harness);
void test_boot_messages(struct harness *harness);
void test_boot_cfg(struct harness *harness);
void test_bus(struct harness *harness);
void test_bus_dump(struct harness *harness);
void test_channel(struct harness *harness);
void test_cli_options(struct harness *harness);
void test_beside(struct harness *harness);
void test_clock(struct harness *harness);
void test_command(struct harness *harness);
void test_confine(struct harness *harness);
void test_daemon_control(struct harness *harness);
void test_daemon_log(struct harness *harness);
void test_daemon_options(struct harness *harness);
void test_device(struct harness *harness);
void test_disk(struct harness *harness);
void test_dom0_builder(struct harness *harness);
void test_file(struct harness *harness);
void test_finding(struct harness *harness);
void test_guest_adopt(struct harness *harness);
void test_guest_backend(struct harness *harness);
void test_guest_child(struct harness *harness);
void test_guest_child_answer(struct harness *harness);
void test_guest_clean(struct harness *harness);
void test_guest_cleaning(struct harness *harness);
void test_guest_child_lost(struct harness *harness);
void test_guest_connection(struct harness *harness);
void test_guest_devices(struct harness *harness);
void test_guest_entry(struct harness *harness);
void test_guest_error(struct harness *harness);
void test_guest_forget(struct harness *harness);
void test_guest_guest(struct harness *harness);
void test_guest_job(struct harness *harness);
void test_guest_ledger(struct harness *harness);
void test_guest_look(struct harness *harness);
void test_guest_lost(struct harness *harness);
void test_guest_neighbour(struct harness *harness);
void test_guest_operations(struct harness *harness);
void test_guest_paths(struct harness *harness);
void test_guest_publish(struct harness *harness);
void test_guest_remember(struct harness *harness);
void test_guest_resume(struct harness *harness);
void test_guest_slot(struct harness *harness);
void test_guest_state(struct harness *harness);
void test_guest_status(struct harness *harness);
void test_guest_step(struct harness *harness);
void test_guest_store(struct harness *harness);
void test_guest_take(struct harness *harness);
void test_guest_taken(struct harness *harness);
void test_guest_toolstack(struct harness *harness);
void test_guest_view(struct harness *harness);
void test_guest_wait(struct harness *harness);
void test_guest_xenbus(struct harness *harness);
void test_hide_list(struct harness *harness);
void test_host_lock(struct harness *harness);
void test_interrupt(struct harness *harness);
void test_json(struct harness *harness);
void test_kernel(struct harness *harness);
void test_kernel_attach(struct harness *harness);
void test_kernel_detach(struct harness *harness);
void test_kernel_guests(struct harness *harness);
void test_kernel_hold(struct harness *harness);
void test_kernel_host(struct harness *harness);
void test_kernel_nodes(struct harness *harness);
void test_kernel_owner(struct harness *harness);
void test_kernel_prepare(struct harness *harness);
void test_kernel_share(struct harness *harness);
void test_limit(struct harness *harness);
void test_line(struct harness *harness);
void test_loader(struct harness *harness);
void test_loader_key(struct harness *harness);
void test_log(struct harness *harness);
void test_message(struct harness *harness);
void test_os_child(struct harness *harness);
void test_os_child_confine(struct harness *harness);
void test_os_child_memory(struct harness *harness);
void test_os_child_proxy(struct harness *harness);
void test_os_child_socket(struct harness *harness);
void test_os_child_work(struct harness *harness);
void test_os_children(struct harness *harness);
void test_config_proxy(struct harness *harness);
void test_policy_bound(struct harness *harness);
void test_policy_access(struct harness *harness);
void test_policy_capability(struct harness *harness);
void test_policy_chain(struct harness *harness);
void test_policy_command(struct harness *harness);
void test_policy_header(struct harness *harness);
void test_policy_quirks(struct harness *harness);
void test_policy_register(struct harness *harness);
void test_policy_report(struct harness *harness);
void test_predict(struct harness *harness);
void test_prepared(struct harness *harness);
void test_prepared_tree(struct harness *harness);
void test_priority(struct harness *harness);
void test_pristine(struct harness *harness);
void test_device_record(struct harness *harness);
void test_record_file(struct harness *harness);
void test_request(struct harness *harness);
void test_reset(struct harness *harness);
void test_reset_process(struct harness *harness);
void test_server(struct harness *harness);
void test_server_asks(struct harness *harness);
void test_serving(struct harness *harness);
void test_shared_line(struct harness *harness);
void test_simulated_bus(struct harness *harness);
void test_text(struct harness *harness);
void test_topology(struct harness *harness);
void test_trial(struct harness *harness);
void test_trial_host(struct harness *harness);
void test_trial_block(struct harness *harness);
void test_trial_grub(struct harness *harness);
void test_trial_report(struct harness *harness);
void test_trial_run(struct harness *harness);
void test_unread_list(struct harness *harness);
void test_vectors(struct harness *harness);
void test_walk(struct harness *harness);
void test_wanted(struct harness *harness);
void test_write32(struct harness *harness);
void test_xen_libraries(struct harness *harness);

void harness_check(struct harness *harness, bool holds, const char *file, int line,
    const char *what);
void harness_check_number(struct harness *harness, int64_t actual, int64_t expected,
    const char *file, int line, const char *what);
void harness_check_text(struct harness *harness, const char *actual, const char *expected,
    const char *file, int line, const char *what);

#define CHECK(condition) harness_check(harness, (condition), __FILE__, __LINE__, #condition)
#define CHECK_NUMBER(actual, expected) \
	harness_check_number(harness, (int64_t)(actual), (int64_t)(expected), __FILE__, __LINE__, \
	    #actual)
#define CHECK_TEXT(actual, expected) \
	harness_check_text(harness, (actual), (expected), __FILE__, __LINE__, #actual)

#endif
