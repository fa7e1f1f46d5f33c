/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CLI_READ_BUS_H
#define PCIBACK_CLI_READ_BUS_H

#include <pciback/bus.h>

#include "options.h"

/* Reads a bus from a dump, or the machine's own when dump is NULL. Returns CLI_OK, or the exit
 * status after having said what is wrong. */
int cli_read_bus(const struct cli_options *options, const char *dump, struct pciback_bus *ret_bus);

#endif
