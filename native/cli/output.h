/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CLI_OUTPUT_H
#define PCIBACK_CLI_OUTPUT_H

#include <pciback/json.h>

#include "options.h"

/* Exit statuses of every command. */
enum {
	CLI_OK = 0,
	CLI_FAILED = 1,		/* a file can't be read, a check did not hold */
	CLI_USAGE = 2,
	CLI_FINDINGS = 3,	/* boot: at least one finding of severity error */
};

/* Says on stderr what went wrong, and with --json as an object on stdout too; gives `status`
 * back. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int cli_fail(const struct cli_options *options, int status, const char *format, ...);

/* Begins JSON on stdout; cli_json_end returns CLI_OK, or CLI_FAILED when stdout takes no more. */
void cli_json_begin(struct pciback_json *json, const char *schema);
int cli_json_end(struct pciback_json *json);

/* What was printed goes out. Returns CLI_OK, or CLI_FAILED when stdout takes no more. */
int cli_flush(void);

/* Prints bytes of a file to a terminal: what is not printable ASCII becomes \xNN. */
void cli_print_bytes(const char *bytes, size_t length);

#endif
