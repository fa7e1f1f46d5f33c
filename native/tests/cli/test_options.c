/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/allow.h>
#include <pciback/boot.h>

#include "../../cli/options.h"

#define BOOT	(CLI_TAKES_CONFIG | CLI_TAKES_BUS | CLI_TAKES_ROOT)
#define KERNEL	(CLI_TAKES_DEVICES | CLI_TAKES_DOMAIN | CLI_TAKES_POLICY | CLI_TAKES_BACKEND | CLI_TAKES_ALLOW)
#define DETACH	(CLI_TAKES_DEVICES | CLI_TAKES_DOMAIN | CLI_TAKES_FORCE | CLI_TAKES_BACKEND | CLI_TAKES_ALLOW)
#define PREPARE	(CLI_TAKES_DEVICES | CLI_TAKES_ALLOW | CLI_TAKES_ROOT)
#define ATTACH	(CLI_TAKES_CONTROL | CLI_TAKES_DEVICES | CLI_TAKES_DOMAIN | CLI_TAKES_POLICY)

/* Reads words that are split at blanks; `read` stays as it is if that fails. */
static int
read_words(unsigned takes, const char *words, struct cli_options *ret_options,
    char message[CLI_MESSAGE])
{
	static char text[512];
	static char *argv[64];
	int argc = 0;

	memcpy(text, words, strlen(words) + 1);
	argv[argc++] = text + strlen(words);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	message[0] = '\0';
	return cli_options_read(takes, argc, argv, ret_options, message);
}

static void
test_mistakes(struct harness *harness)
{
	static const struct {
		unsigned takes;
		const char *words, *message;
	} cases[] = {
		{ BOOT, "boot", "boot: --config FILE is needed" },
		{ BOOT, "boot --config", "--config: a value would follow" },
		{ BOOT, "boot --config=", "--config=: a value would follow" },
		{ BOOT, "boot --config --bus", "--config: a value would follow" },
		{ BOOT, "boot --config f --entry", "--entry: a value would follow" },
		{ BOOT, "boot --config f --entry 0",
		    "--entry: the number of an entry would follow, 1 or more" },
		{ BOOT, "boot --config f --entry=2x",
		    "--entry=2x: the number of an entry would follow, 1 or more" },
		{ BOOT, "boot --config f --loader", "--loader: a value would follow" },
		{ BOOT, "boot --config f --loader 9", "--loader: either, old, new, 10 or 11 would follow" },
		{ BOOT, "boot --config f --without", "--without: a value would follow" },
		{ BOOT, "boot --config f --with 1 --with 2 --with 3 --with 4 --with 5 --with 6 --with 7 --with 8 "
		    "--without 9 --without 10 --without 11 --without 12 --without 13 --without 14 --without 15 "
		    "--without 16 --without=17",
		    "--without=17: 16 files at most are said to be there or not" },
		{ BOOT, "boot --config f --control s", "--control: no such option of this command" },
		{ BOOT, "boot f", "f: no such option of this command" },
		{ BOOT, "boot --configs f", "--configs: no such option of this command" },
		{ CLI_TAKES_BUS, "scan --config f", "--config: no such option of this command" },
		{ ATTACH, "attach 03:00.0", "attach: --domain ID is needed" },
		{ ATTACH, "attach --domain 3", "attach: addresses of devices would follow" },
		{ ATTACH, "attach --domain 3 --force 03:00.0", "--force: no such option of this command" },
		{ CLI_TAKES_CONTROL, "status --wait", "--wait: a value would follow" },
		{ CLI_TAKES_CONTROL, "status --wait 0", "--wait: seconds would follow, from 1 to 3600" },
		{ CLI_TAKES_CONTROL, "status --wait=3601", "--wait=3601: seconds would follow, from 1 to 3600" },
		{ CLI_TAKES_CONTROL, "status --wait 1s", "--wait: seconds would follow, from 1 to 3600" },
		{ BOOT, "boot --config f --wait 1", "--wait: no such option of this command" },
		{ ATTACH, "attach --domain 3 --check 03:00.0", "--check: no such option of this command" },
		{ KERNEL, "attach --domain 3 --backend xl 03:00.0", "--backend: kernel or native would follow" },
		{ KERNEL, "attach --domain 3 --backend --json 03:00.0", "--backend: a value would follow" },
		{ KERNEL, "attach --domain 3 --backend kernel", "attach: addresses of devices would follow" },
		{ KERNEL, "attach --domain 3 --backend kernel --allow iommu 03:00.0",
		    "--allow: no-iommu, shared-irq, shared-bar-page, no-reset or kept-mappings would follow" },
		{ KERNEL, "attach --domain 3 --allow no-iommu 03:00.0",
		    "attach: --allow goes with --backend kernel; pcibackd is started with its own" },
		{ DETACH, "detach --domain 3", "detach: addresses of devices would follow" },
		{ DETACH, "detach --domain 3 --backend native", "detach: addresses of devices would follow" },
		{ PREPARE, "prepare --root /r", "prepare: addresses of devices would follow" },
		{ PREPARE, "prepare --backend kernel 03:00.0", "--backend: no such option of this command" },
		{ 0, "version more", "more: no such option of this command" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cli_options options = { .entry = 77 };
		char message[CLI_MESSAGE];

		CHECK_NUMBER(read_words(cases[i].takes, cases[i].words, &options, message), -EINVAL);
		CHECK_TEXT(message, cases[i].message);
		CHECK_NUMBER(options.entry, 77);
	}
}

static void
test_loaders(struct harness *harness)
{
	static const struct {
		const char *words;
		unsigned loaders;
	} cases[] = {
		{ "boot --config f --loader either", PCIBACK_LOADERS_ALL },
		{ "boot --config f --loader=old", PCIBACK_LOADERS_OLD },
		{ "boot --config f --loader new", PCIBACK_LOADERS_NEW },
		{ "boot --config f --loader 10", PCIBACK_LOADER_BIT(PCIBACK_LOADER_10) },
		{ "boot --config f --loader 11", PCIBACK_LOADER_BIT(PCIBACK_LOADER_11) },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cli_options options;
		char message[CLI_MESSAGE];

		CHECK_NUMBER(read_words(BOOT, cases[i].words, &options, message), 0);
		CHECK_NUMBER(options.loaders, cases[i].loaders);
	}
}

static void
test_kernel_options(struct harness *harness)
{
	struct cli_options options;
	char message[CLI_MESSAGE];

	CHECK_NUMBER(read_words(KERNEL, "attach --backend=kernel --domain 3 --allow no-iommu,no-reset 03:00.0", &options,
	    message), 0);
	CHECK(options.is_kernel);
	CHECK_NUMBER(options.allow, PCIBACK_ALLOW_NO_IOMMU | PCIBACK_ALLOW_NO_RESET);
	CHECK_NUMBER(read_words(KERNEL, "attach --backend native --domain 3 03:00.0", &options, message), 0);
	CHECK(!options.is_kernel);
	/* All of a guest's. */
	CHECK_NUMBER(read_words(DETACH, "detach --backend kernel --domain 3", &options, message), 0);
	CHECK(options.is_kernel && options.n_words == 0 && options.allow == 0);
	CHECK_NUMBER(read_words(PREPARE, "prepare --root /r --allow no-reset 03:00.0", &options, message), 0);
	CHECK_TEXT(options.root, "/r");
	CHECK_NUMBER(options.allow, PCIBACK_ALLOW_NO_RESET);
}

void
test_cli_options(struct harness *harness)
{
	struct cli_options options;
	char message[CLI_MESSAGE];

	CHECK_NUMBER(read_words(BOOT, "boot --config f --entry=3 --json --root /r --bus=d", &options,
	    message), 0);
	CHECK_TEXT(options.config, "f");
	CHECK_TEXT(options.root, "/r");
	CHECK_TEXT(options.bus, "d");
	CHECK_NUMBER(options.entry, 3);
	CHECK(options.json);
	CHECK_NUMBER(options.loaders, 0);
	test_loaders(harness);
	test_kernel_options(harness);
	CHECK_NUMBER(read_words(ATTACH, "attach a --domain 3 b --permissive c", &options, message), 0);
	CHECK_NUMBER(options.n_words, 3);
	CHECK_TEXT(options.words[0], "a");
	CHECK_TEXT(options.words[2], "c");
	CHECK_TEXT(options.domain, "3");
	CHECK(options.permissive && !options.rdm_relaxed && !options.force && !options.json);
	CHECK_NUMBER(read_words(ATTACH, "attach --rdm-relaxed --domain 3 b", &options, message), 0);
	CHECK(!options.permissive && options.rdm_relaxed);
	CHECK(options.control == NULL && options.bus == NULL);
	CHECK_NUMBER(read_words(CLI_TAKES_DEVICES | CLI_TAKES_CHECK, "take --check b", &options, message), 0);
	CHECK(options.check);
	CHECK_NUMBER(options.wait, 0);
	CHECK_NUMBER(read_words(CLI_TAKES_CONTROL, "status --wait 3600", &options, message), 0);
	CHECK_NUMBER(options.wait, 3600);
	test_mistakes(harness);
}
