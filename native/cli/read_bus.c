/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "read_bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/os.h>

#include "output.h"

int
cli_read_bus(const struct cli_options *options, const char *dump, struct pciback_bus *ret_bus)
{
	struct pciback_dump_error error;
	struct pciback_scan_error scan_error = { .path = "" };
	struct pciback_bus bus;
	char *text;
	size_t length;
	int r;

	pciback_bus_init(&bus);
	if (dump == NULL) {
		r = pciback_bus_scan(&bus, NULL, &scan_error);
		if (r < 0)
			return cli_fail(options, CLI_FAILED, "%s can't be read: %s; run as root, or give "
			    "the output of lspci -xxxx with --bus", scan_error.path, strerror(-r));
		*ret_bus = bus;
		return CLI_OK;
	}
	r = pciback_read_file(dump, PCIBACK_DUMP_MAX + 1, &text, &length);
	if (r < 0)
		return cli_fail(options, CLI_FAILED, "%s can't be read: %s", dump, strerror(-r));
	r = pciback_bus_read_dump(&bus, text, length, &error);
	free(text);
	if (r == -ENOMEM)
		return cli_fail(options, CLI_FAILED, "%s: %s", dump, strerror(ENOMEM));
	if (r < 0 && error.line != 0)
		return cli_fail(options, CLI_FAILED, "%s, line %zu: %s", dump, error.line,
		    error.message);
	if (r < 0)
		return cli_fail(options, CLI_FAILED, "%s: %s", dump, error.message);
	*ret_bus = bus;
	return CLI_OK;
}
