/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/kernel_host.h>

#include "commands.h"
#include "options.h"
#include "output.h"

static const char usage[] =
    "usage: pcibackctl boot --config FILE [--entry N] [--bus DUMP] [--root DIR]\n"
    "                       [--loader either|old|new|10|11] [--with PATH]... [--without PATH]...\n"
    "                       [--json]\n"
    "       pcibackctl scan [--bus DUMP] [--json]\n"
    "       pcibackctl status [--control PATH] [--json]\n"
    "       pcibackctl take [--check] [--control PATH] [--json]\n"
    "                       ADDRESS[,id=VVVV:DDDD][,subsystem=VVVV:DDDD]\n"
    "                               [,irq=NUMBER][,allow=NAME[+NAME]...]...\n"
    "       pcibackctl return [--control PATH] [--json] ADDRESS...\n"
    "       pcibackctl attach --domain ID [--permissive] [--rdm-relaxed] [--control PATH] [--json]\n"
    "                         ADDRESS[,permissive=0|1][,rdm_policy=strict|relaxed]...\n"
    "       pcibackctl detach --domain ID [--force] [--control PATH] [--json] ADDRESS...\n"
    "       (each of the last five: --control PATH, --wait SECONDS)\n"
    "       pcibackctl status --backend kernel [--json]\n"
    "       pcibackctl attach --backend kernel --domain ID [--allow LIST] [--rdm-relaxed] [--json]\n"
    "                         ADDRESS[,rdm_policy=strict|relaxed][,id=VVVV:DDDD]\n"
    "                                [,subsystem=VVVV:DDDD][,irq=NUMBER]\n"
    "                                [,allow=NAME[+NAME]...]...\n"
    "       pcibackctl detach --backend kernel --domain ID [--allow LIST] [--json]\n"
    "       pcibackctl prepare [--root DIR] [--allow LIST] [--json]\n"
    "                          ADDRESS[,id=VVVV:DDDD][,subsystem=VVVV:DDDD]\n"
    "                                 [,irq=NUMBER][,allow=NAME[+NAME]...]...\n"
    "       pcibackctl unprepare [--root DIR] [--allow LIST] [--json] ADDRESS...\n"
    "       pcibackctl confirm [--root DIR] [--json]\n"
    "       pcibackctl selftest [--json]\n"
    "       pcibackctl version [--json]\n";

static int
usage_error(const struct cli_options *options, const char *message)
{
	int status = cli_fail(options, CLI_USAGE, "%s", message);

	(void)fputs(usage, stderr);
	return status;
}

/* The arguments in their order, which reading them changes; NULL without memory. */
static char **
copy_arguments(int argc, char **argv)
{
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));

	if (copy != NULL)
		memcpy(copy, argv, (size_t)argc * sizeof(*copy));
	return copy;
}

/* Reads what follows a command and runs it; one for the kernel's backend where tests play that kernel. */
static int
run_command(int (*run)(const struct cli_options *options), unsigned takes, int argc, char **argv,
    struct cli_options *options)
{
	char message[CLI_MESSAGE];
	char **arguments = copy_arguments(argc, argv);
	int status;

	if (arguments == NULL)
		return cli_fail(options, CLI_FAILED, "%s", strerror(ENOMEM));
	if (cli_options_read(takes, argc, argv, options, message) < 0) {
		status = usage_error(options, message);
	} else {
		if (options->is_kernel || run == cli_prepare || run == cli_unprepare)
			pciback_kernel_play(arguments);
		status = run(options);
	}
	free(arguments);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct cli_options *options);
		unsigned takes;
	} commands[] = {
		{ "boot", cli_boot, CLI_TAKES_CONFIG | CLI_TAKES_BUS | CLI_TAKES_ROOT },
		{ "scan", cli_scan, CLI_TAKES_BUS },
		{ "status", cli_status, CLI_TAKES_CONTROL | CLI_TAKES_BACKEND },
		{ "take", cli_take, CLI_TAKES_CONTROL | CLI_TAKES_DEVICES | CLI_TAKES_CHECK },
		{ "return", cli_return, CLI_TAKES_CONTROL | CLI_TAKES_DEVICES },
		{ "attach", cli_attach, CLI_TAKES_CONTROL | CLI_TAKES_DEVICES | CLI_TAKES_DOMAIN |
		    CLI_TAKES_POLICY | CLI_TAKES_BACKEND | CLI_TAKES_ALLOW },
		{ "detach", cli_detach, CLI_TAKES_CONTROL | CLI_TAKES_DEVICES | CLI_TAKES_DOMAIN |
		    CLI_TAKES_FORCE | CLI_TAKES_BACKEND | CLI_TAKES_ALLOW },
		{ "prepare", cli_prepare, CLI_TAKES_DEVICES | CLI_TAKES_ALLOW | CLI_TAKES_ROOT },
		{ "unprepare", cli_unprepare, CLI_TAKES_DEVICES | CLI_TAKES_ALLOW | CLI_TAKES_ROOT },
		{ "confirm", cli_confirm, CLI_TAKES_ROOT },
		{ "selftest", cli_selftest, 0 },
		{ "version", cli_version, 0 },
	};
	struct cli_options options = { .entry = 0 };
	char message[CLI_MESSAGE];

	/* --json first: it decides how a mistake is reported. */
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") == 0)
			options.json = true;
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)) {
		(void)fputs(usage, stdout);
		return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
	}
	for (size_t i = 0; argc >= 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		return run_command(commands[i].run, commands[i].takes, argc, argv, &options);
	}
	(void)snprintf(message, sizeof(message), "%s: a command would stand here",
	    argc >= 2 ? argv[1] : "pcibackctl");
	return usage_error(&options, message);
}
