/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CLI_H
#define PCIBACK_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <pciback/bus.h>
#include <pciback/json.h>

/* Exit statuses of every command. */
enum {
	CLI_OK = 0,
	CLI_FAILED = 1,		/* a file can't be read, a check did not hold */
	CLI_USAGE = 2,
	CLI_FINDINGS = 3,	/* boot: at least one finding of severity error */
};

/* What was given on the command line; a pointer is NULL for an option that wasn't. */
struct cli_options {
	const char *config;
	const char *bus;
	const char *root;
	const char *control;
	const char *domain;
	size_t entry;		/* 0 if not given */
	bool json, permissive, force;
	const char *const *words;	/* what is no option: addresses */
	size_t n_words;
};

int cli_boot(const struct cli_options *options);
int cli_scan(const struct cli_options *options);
int cli_status(const struct cli_options *options);
int cli_attach(const struct cli_options *options);
int cli_detach(const struct cli_options *options);
int cli_version(const struct cli_options *options);
int cli_selftest(const struct cli_options *options);

/* Says on stderr what went wrong, and with --json as an object on stdout too; gives `status`
 * back. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int cli_fail(const struct cli_options *options, int status, const char *format, ...);

/* Begins JSON on stdout; cli_json_end returns CLI_OK, or CLI_FAILED when stdout takes no more. */
void cli_json_begin(struct pciback_json *json, const char *schema);
int cli_json_end(struct pciback_json *json);

/* Reads a bus from a dump, or the machine's own when dump is NULL. Returns CLI_OK, or the exit
 * status after having said what is wrong. */
int cli_read_bus(const struct cli_options *options, const char *dump, struct pciback_bus *ret_bus);

/* Prints bytes of a file to a terminal: what is not printable ASCII becomes \xNN. */
void cli_print_bytes(const char *bytes, size_t length);

#endif
