/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "options.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <pciback/allow.h>
#include <pciback/boot.h>
#include <pciback/text.h>

#define WAIT_MAX 3600

static int
refuse(char message[CLI_MESSAGE], const char *argument, const char *what)
{
	(void)snprintf(message, CLI_MESSAGE, "%s: %s", argument, what);
	return -EINVAL;
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

/* Reads which loaders are possible: a set of PCIBACK_LOADER_BIT(), 0 for another word. */
static unsigned
read_loaders(const char *text)
{
	static const struct {
		const char *name;
		unsigned loaders;
	} names[] = {
		{ "either", PCIBACK_LOADERS_ALL },
		{ "old", PCIBACK_LOADERS_OLD },
		{ "new", PCIBACK_LOADERS_NEW },
		{ "10", PCIBACK_LOADER_BIT(PCIBACK_LOADER_10) },
		{ "11", PCIBACK_LOADER_BIT(PCIBACK_LOADER_11) },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i].name) == 0)
			return names[i].loaders;
	return 0;
}

/* Another file that is there, or is not; false if there are too many. */
static bool
add_exception(struct cli_options *options, const char *path, bool exists)
{
	if (options->n_exceptions == PCIBACK_BOOT_EXCEPTIONS_MAX)
		return false;
	options->exceptions[options->n_exceptions++] =
	    (struct pciback_boot_exception){ path, exists };
	return true;
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

/* An option with a value: where it goes, for a command that takes it. */
struct valued {
	const char *name;
	unsigned takes;
	const char **place;
};

/* One without a value. */
struct flag {
	const char *name;
	unsigned takes;
	bool *place;
};

/* One option or word at argv[*i]; moves *i to its last word. */
static int
read_one(unsigned takes, int argc, char **argv, int *i, struct cli_options *options,
    char message[CLI_MESSAGE])
{
	const char *argument = argv[*i], *value = NULL, *entry = NULL, *loader = NULL, *wait = NULL,
	    *backend = NULL, *allow = NULL, *with = NULL, *without = NULL;
	size_t length = 0;
	const struct valued valued[] = {
		{ "--control", CLI_TAKES_CONTROL, &options->control },
		{ "--wait", CLI_TAKES_CONTROL, &wait },
		{ "--domain", CLI_TAKES_DOMAIN, &options->domain },
		{ "--config", CLI_TAKES_CONFIG, &options->config },
		{ "--root", CLI_TAKES_ROOT, &options->root },
		{ "--entry", CLI_TAKES_CONFIG, &entry },
		{ "--loader", CLI_TAKES_CONFIG, &loader },
		{ "--with", CLI_TAKES_CONFIG, &with },
		{ "--without", CLI_TAKES_CONFIG, &without },
		{ "--bus", CLI_TAKES_BUS, &options->bus },
		{ "--backend", CLI_TAKES_BACKEND, &backend },
		{ "--allow", CLI_TAKES_ALLOW, &allow },
	};
	const struct flag flags[] = {
		{ "--permissive", CLI_TAKES_POLICY, &options->permissive },
		{ "--rdm-relaxed", CLI_TAKES_POLICY, &options->rdm_relaxed },
		{ "--force", CLI_TAKES_FORCE, &options->force },
		{ "--check", CLI_TAKES_CHECK, &options->check },
	};

	if (strcmp(argument, "--json") == 0) {
		options->json = true;
		return 0;
	}
	if ((takes & CLI_TAKES_DEVICES) != 0 && argument[0] != '-') {
		/* Kept in order, at the front of what was read. */
		argv[options->n_words++] = argv[*i];
		return 0;
	}
	for (size_t j = 0; j < sizeof(flags) / sizeof(flags[0]); j++) {
		if ((takes & flags[j].takes) == 0 || strcmp(argument, flags[j].name) != 0)
			continue;
		*flags[j].place = true;
		return 0;
	}
	for (size_t j = 0; value == NULL && j < sizeof(valued) / sizeof(valued[0]); j++) {
		if ((takes & valued[j].takes) == 0)
			continue;
		value = option_value(valued[j].name, argc, argv, i);
		if (value != NULL)
			*valued[j].place = value;
	}
	if (value == NULL)
		return refuse(message, argument, "no such option of this command");
	if (entry != NULL) {
		options->entry = read_entry(entry);
		if (*entry != '\0' && options->entry == 0)
			return refuse(message, argument, "the number of an entry would follow, 1 or more");
	}
	if (wait != NULL && *wait != '\0' &&
	    (pciback_decimal_parse(wait, WAIT_MAX, &options->wait) < 0 || options->wait == 0))
		return refuse(message, argument, "seconds would follow, from 1 to 3600");
	if (loader != NULL) {
		options->loaders = read_loaders(loader);
		if (*loader != '\0' && options->loaders == 0)
			return refuse(message, argument, "either, old, new, 10 or 11 would follow");
	}
	if ((with != NULL && *with != '\0' && !add_exception(options, with, true)) ||
	    (without != NULL && *without != '\0' && !add_exception(options, without, false)))
		return refuse(message, argument, "16 files at most are said to be there or not");
	if (backend != NULL && *backend != '\0') {
		options->is_kernel = strcmp(backend, "kernel") == 0;
		if (!options->is_kernel && strcmp(backend, "native") != 0)
			return refuse(message, argument, "kernel or native would follow");
	}
	if (allow != NULL && pciback_allow_parse(allow, ',', &options->allow, &length) != NULL)
		return refuse(message, argument, PCIBACK_ALLOW_NAMES " would follow");
	return *value == '\0' ? refuse(message, argument, "a value would follow") : 0;
}

int
cli_options_read(unsigned takes, int argc, char **argv, struct cli_options *ret_options,
    char message[CLI_MESSAGE])
{
	struct cli_options options = { .words = (const char *const *)argv };
	const char *command = argv[1];

	for (int i = 2; i < argc; i++) {
		int r = read_one(takes, argc, argv, &i, &options, message);

		if (r < 0)
			return r;
	}
	if ((takes & CLI_TAKES_CONFIG) != 0 && options.config == NULL)
		return refuse(message, command, "--config FILE is needed");
	if ((takes & CLI_TAKES_DOMAIN) != 0 && options.domain == NULL)
		return refuse(message, command, "--domain ID is needed");
	if ((takes & CLI_TAKES_BACKEND) != 0 && options.allow != 0 && !options.is_kernel)
		return refuse(message, command, "--allow goes with --backend kernel; pcibackd is started with its own");
	if ((takes & CLI_TAKES_DEVICES) != 0 && options.n_words == 0 &&
	    !(options.is_kernel && (takes & CLI_TAKES_FORCE) != 0))
		return refuse(message, command, "addresses of devices would follow");
	*ret_options = options;
	return 0;
}
