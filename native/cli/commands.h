/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CLI_COMMANDS_H
#define PCIBACK_CLI_COMMANDS_H

#include "options.h"

/* The commands; each returns an exit status (output.h). */
int cli_boot(const struct cli_options *options);
int cli_confirm(const struct cli_options *options);
int cli_scan(const struct cli_options *options);
int cli_status(const struct cli_options *options);
int cli_take(const struct cli_options *options);
int cli_return(const struct cli_options *options);
int cli_attach(const struct cli_options *options);
int cli_detach(const struct cli_options *options);
int cli_kernel_status(const struct cli_options *options);
int cli_kernel_attach(const struct cli_options *options);
int cli_kernel_detach(const struct cli_options *options);
int cli_prepare(const struct cli_options *options);
int cli_unprepare(const struct cli_options *options);
int cli_version(const struct cli_options *options);
int cli_selftest(const struct cli_options *options);

#endif
