/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "commands.h"

#include <stdio.h>

#include <pciback/version.h>

#include "output.h"

int
cli_version(const struct cli_options *options)
{
	struct pciback_json json;

	if (!options->json) {
		(void)printf("pcibackctl %s\nabi            %d\nsource_sha256  %s\ncompiler       %s\n"
		    "target         %s\n", PCIBACK_VERSION, PCIBACK_ABI, PCIBACK_SOURCE_SHA256,
		    PCIBACK_COMPILER, PCIBACK_TARGET);
		return cli_flush();
	}
	cli_json_begin(&json, "xen.pciback/version/1");
	pciback_json_string(&json, "version", PCIBACK_VERSION);
	pciback_json_number(&json, "abi", PCIBACK_ABI);
	pciback_json_string(&json, "source_sha256", PCIBACK_SOURCE_SHA256);
	pciback_json_string(&json, "compiler", PCIBACK_COMPILER);
	pciback_json_string(&json, "target", PCIBACK_TARGET);
	return cli_json_end(&json);
}
