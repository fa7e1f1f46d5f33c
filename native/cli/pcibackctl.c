/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/os.h>

static const char usage[] =
    "usage: pcibackctl boot --config FILE [--entry N] [--bus DUMP] [--root DIR] [--json]\n"
    "       pcibackctl scan [--bus DUMP] [--json]\n"
    "       pcibackctl status [--control PATH] [--json]\n"
    "       pcibackctl attach --domain ID [--permissive] [--control PATH] [--json] ADDRESS...\n"
    "       pcibackctl detach --domain ID [--force] [--control PATH] [--json] ADDRESS...\n"
    "       pcibackctl selftest [--json]\n"
    "       pcibackctl version [--json]\n";

static int
stdout_sink(void *context, const char *bytes, size_t length)
{
	(void)context;
	return fwrite(bytes, 1, length, stdout) == length ? 0 : -EIO;
}

void
cli_json_begin(struct pciback_json *json, const char *schema)
{
	pciback_json_init(json, stdout_sink, NULL);
	pciback_json_object(json, NULL);
	pciback_json_string(json, "schema", schema);
}

int
cli_json_end(struct pciback_json *json)
{
	pciback_json_object_end(json);
	if (pciback_json_finish(json) < 0 || fflush(stdout) != 0) {
		(void)fprintf(stderr, "pcibackctl: standard output can't be written\n");
		return CLI_FAILED;
	}
	return CLI_OK;
}

int
cli_fail(const struct cli_options *options, int status, const char *format, ...)
{
	char message[1024];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	(void)fprintf(stderr, "pcibackctl: %s\n", message);
	if (options->json) {
		struct pciback_json json;

		cli_json_begin(&json, "xen.pciback/error/1");
		pciback_json_string(&json, "message", message);
		(void)cli_json_end(&json);
	}
	return status;
}

int
cli_read_bus(const struct cli_options *options, const char *dump, struct pciback_bus *ret_bus)
{
	struct pciback_dump_error error;
	struct pciback_scan_error scan_error = { .path = "" };
	char *text;
	size_t length;
	int r;

	pciback_bus_init(ret_bus);
	if (dump == NULL) {
		r = pciback_bus_scan(ret_bus, &scan_error);
		if (r < 0)
			return cli_fail(options, CLI_FAILED, "%s can't be read: %s; run as root, or give "
			    "the output of lspci -xxxx with --bus", scan_error.path, strerror(-r));
		return CLI_OK;
	}
	r = pciback_read_file(dump, PCIBACK_DUMP_MAX + 1, &text, &length);
	if (r < 0)
		return cli_fail(options, CLI_FAILED, "%s can't be read: %s", dump, strerror(-r));
	r = pciback_bus_read_dump(ret_bus, text, length, &error);
	free(text);
	if (r == -ENOMEM)
		return cli_fail(options, CLI_FAILED, "%s: %s", dump, strerror(ENOMEM));
	if (r < 0 && error.line != 0)
		return cli_fail(options, CLI_FAILED, "%s, line %zu: %s", dump, error.line,
		    error.message);
	if (r < 0)
		return cli_fail(options, CLI_FAILED, "%s: %s", dump, error.message);
	return CLI_OK;
}

void
cli_print_bytes(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte >= 0x20 && byte < 0x7f)
			(void)putchar(byte);
		else
			(void)printf("\\x%02x", (unsigned)byte);
	}
}

static int
usage_error(const struct cli_options *options, const char *what, const char *argument)
{
	int status = cli_fail(options, CLI_USAGE, "%s: %s", argument, what);

	(void)fputs(usage, stderr);
	return status;
}

/* Reads a menu entry's number; 0 if it is none. */
static size_t
read_entry(const char *text)
{
	size_t value = 0;

	for (; *text >= '0' && *text <= '9' && value < SIZE_MAX / 16; text++)
		value = value * 10 + (size_t)(*text - '0');
	return *text == '\0' ? value : 0;
}

/* The argument of an option, "--name VALUE" or "--name=VALUE"; NULL for another option, "" when
 * another option stands where the value would. Moves *i on, past argc when the value is missing. */
static const char *
option_value(const char *name, int argc, char **argv, int *i)
{
	size_t length = strlen(name);

	if (strncmp(argv[*i], name, length) != 0)
		return NULL;
	if (argv[*i][length] == '=')
		return argv[*i] + length + 1;
	if (argv[*i][length] != '\0')
		return NULL;
	*i += 1;
	return *i < argc && strncmp(argv[*i], "--", 2) != 0 ? argv[*i] : "";
}

struct command {
	const char *name;
	int (*run)(const struct cli_options *options);
	bool takes_config, takes_bus, takes_control, takes_devices;
};

/* Options of the commands that pcibackd carries out. Returns whether it was one; *ret_value as
 * option_value() gives it, or a text when there is none. */
static bool
read_control_option(const struct command *command, int argc, char **argv, int *i,
    struct cli_options *options, const char **ret_value)
{
	*ret_value = "none";
	if (command->takes_devices && strcmp(argv[*i], "--permissive") == 0 &&
	    command->run == cli_attach)
		options->permissive = true;
	else if (command->takes_devices && strcmp(argv[*i], "--force") == 0 &&
	    command->run == cli_detach)
		options->force = true;
	else if (command->takes_control &&
	    (*ret_value = option_value("--control", argc, argv, i)) != NULL)
		options->control = *ret_value;
	else if (command->takes_devices &&
	    (*ret_value = option_value("--domain", argc, argv, i)) != NULL)
		options->domain = *ret_value;
	else
		return false;
	return true;
}

static int
read_options(const struct command *command, int argc, char **argv, struct cli_options *options)
{
	for (int i = 2; i < argc; i++) {
		const char *argument = argv[i], *value = NULL;

		if (strcmp(argument, "--json") == 0)
			continue;
		if (command->takes_devices && strncmp(argument, "-", 1) != 0) {
			/* Kept in order, at the front of what was read. */
			argv[options->n_words++] = argv[i];
			continue;
		}
		if (read_control_option(command, argc, argv, &i, options, &value))
			;
		else if (command->takes_config && (value = option_value("--config", argc, argv, &i)) != NULL)
			options->config = value;
		else if (command->takes_config &&
		    (value = option_value("--root", argc, argv, &i)) != NULL)
			options->root = value;
		else if (command->takes_config &&
		    (value = option_value("--entry", argc, argv, &i)) != NULL) {
			options->entry = read_entry(value);
			if (*value != '\0' && options->entry == 0)
				return usage_error(options, "the number of an entry would follow, 1 or more",
				    argument);
		} else if (command->takes_bus &&
		    (value = option_value("--bus", argc, argv, &i)) != NULL)
			options->bus = value;
		else
			return usage_error(options, "no such option of this command", argument);
		if (i >= argc || *value == '\0')
			return usage_error(options, "a value would follow", argument);
	}
	if (command->takes_config && options->config == NULL)
		return usage_error(options, "--config FILE is needed", command->name);
	if (command->takes_devices && options->domain == NULL)
		return usage_error(options, "--domain ID is needed", command->name);
	if (command->takes_devices && options->n_words == 0)
		return usage_error(options, "addresses of devices would follow", command->name);
	options->words = (const char *const *)argv;
	return CLI_OK;
}

int
main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "boot", cli_boot, true, true, false, false },
		{ "scan", cli_scan, false, true, false, false },
		{ "status", cli_status, false, false, true, false },
		{ "attach", cli_attach, false, false, true, true },
		{ "detach", cli_detach, false, false, true, true },
		{ "selftest", cli_selftest, false, false, false, false },
		{ "version", cli_version, false, false, false, false },
	};
	struct cli_options options = { .entry = 0 };

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
		int status;

		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		status = read_options(&commands[i], argc, argv, &options);
		return status != CLI_OK ? status : commands[i].run(&options);
	}
	return usage_error(&options, "a command would stand here",
	    argc >= 2 ? argv[1] : "pcibackctl");
}
