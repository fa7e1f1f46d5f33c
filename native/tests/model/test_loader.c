/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "../../model/boot_cfg.h"
#include "../../model/loader.h"

/* The files of a test: names with a blank before and after each. */
static bool
exists_in(const void *context, const char *path)
{
	char padded[1024];

	(void)snprintf(padded, sizeof(padded), " %s ", path);
	return strstr(context, padded) != NULL;
}

struct loaded {
	struct model_loader loader;
	char first[128];
};

/* Runs the first entry of a boot.cfg with one of the loaders; `files` NULL: everything exists. */
static struct loaded
run_with(enum pciback_loader which, const char *boot_cfg, const char *files)
{
	struct pciback_boot_files asked = { exists_in, files };
	struct pciback_boot_request request = { .text = boot_cfg };
	struct pciback_boot_prediction prediction = { .entry = 1 };
	struct loaded loaded = { .first = "" };

	model_read_boot_cfg(&prediction, boot_cfg, strlen(boot_cfg), PCIBACK_LOADERS_ALL, which);
	request.files = files != NULL ? &asked : NULL;
	model_run_loader(&prediction, &request, &loaded.loader);
	if (loaded.loader.n_modules > 0)
		(void)snprintf(loaded.first, sizeof(loaded.first), "%.*s",
		    (int)pciback_span_length(loaded.loader.first.text),
		    boot_cfg + loaded.loader.first.text.begin);
	return loaded;
}

static struct loaded
run(const char *boot_cfg, const char *files)
{
	return run_with(PCIBACK_LOADER_11, boot_cfg, files);
}

static void
test_ends(struct harness *harness)
{
	static const struct {
		const char *commands;
		enum model_end end;
		bool failed;
		size_t n_modules;
	} cases[] = {
		{ "load /n;multiboot /x", MODEL_STARTS_XEN, false, 1 },
		{ "load /n ; multiboot /x", MODEL_STARTS_XEN, false, 1 },
		{ "load /n;\tmultiboot /x", MODEL_RETURNS, true, 1 },
		{ "load /n;multibootx /x", MODEL_RETURNS, true, 1 },
		{ "Load /n", MODEL_RETURNS, true, 0 },
		{ "load /n;multiboot /x;load /m", MODEL_STARTS_XEN, false, 1 },
		{ "load /n;multiboot", MODEL_RETURNS, true, 1 },
		{ "load /n;multiboot /x\r", MODEL_RETURNS, true, 1 },
		{ "load hd0a:/n\r", MODEL_RETURNS, false, 0 },
		{ "boot", MODEL_STARTS_KERNEL, false, 0 },
		{ "boot netbsd -s", MODEL_STARTS_KERNEL, false, 0 },
		{ "boot netbsd s", MODEL_RETURNS, true, 0 },
		{ "boot -s", MODEL_STARTS_KERNEL, false, 0 },
		{ "pkboot netbsd", MODEL_STARTS_KERNEL, false, 0 },
		{ "quit;multiboot /x", MODEL_LEAVES, false, 0 },
		{ "menu;multiboot /x", MODEL_LEAVES, false, 0 },
		{ "prompt", MODEL_RETURNS, false, 0 },
		{ "prompt;dev", MODEL_RETURNS, true, 0 },
		{ "help;?;ls /;dev;consdev pc;vesa on;userconf x;modules", MODEL_RETURNS, false, 0 },
		{ "gop 3;text 1;memmap;devpath;efivar;version full", MODEL_RETURNS, false, 0 },
		{ "gop 3;load /n;multiboot /x", MODEL_STARTS_XEN, false, 1 },
		{ "", MODEL_RETURNS, false, 0 },
		{ " dev", MODEL_RETURNS, true, 0 },
		{ "dev ", MODEL_RETURNS, false, 0 },
		{ "dev;", MODEL_RETURNS, false, 0 },
		{ "dev;;dev", MODEL_RETURNS, false, 0 },
		{ "dev; ;dev", MODEL_RETURNS, false, 0 },
		{ "dev;;", MODEL_RETURNS, false, 0 },
		{ "dev;;;", MODEL_LOOPS, false, 0 },
		{ "dev;;;dev", MODEL_LOOPS, false, 0 },
		{ ";;dev", MODEL_LOOPS, false, 0 },
		{ " dev;;dev", MODEL_LOOPS, true, 0 },
		{ "\tdev;;dev", MODEL_LOOPS, true, 0 },
		{ "dev;;dev;;dev", MODEL_RETURNS, false, 0 },
	};
	char text[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct loaded loaded;

		(void)snprintf(text, sizeof(text), "menu=A:%s\n", cases[i].commands);
		loaded = run(text, NULL);
		CHECK_NUMBER(loaded.loader.end, cases[i].end);
		CHECK_NUMBER(loaded.loader.failed, cases[i].failed);
		CHECK_NUMBER(loaded.loader.n_modules, cases[i].n_modules);
	}
	CHECK(run("menu=A:;dev\n", NULL).loader.may_loop);
	CHECK(!run("menu=A:dev;;dev\n", NULL).loader.may_loop);
	CHECK(!run("menu=A:\n", NULL).loader.may_loop);
}

static void
test_files(struct harness *harness)
{
	static const struct {
		const char *boot_cfg;
		const char *files;
		const char *first;
		size_t n_missing;
	} cases[] = {
		{ "menu=A:load /n x;load /m y\n", " /n /m ", "/n x", 0 },
		{ "menu=A:load /n x;load /m y\n", " /m ", "/m y", 1 },
		{ "load=/n  x  \nmenu=A:load /m\n", NULL, "/n  x  ", 0 },
		{ "load= \t/n\nmenu=A:dev\n", NULL, "/n", 0 },
		{ "menu=A:load \t /n\tx\n", " /n ", "/n\tx", 0 },
		{ "menu=A:load n x;load /n\n", NULL, "/n", 1 },
		{ "menu=A:load n\n", NULL, "n", 0 },
		{ "menu=A:load n x\n", " /n/n.kmod ", "n x", 0 },
		{ "menu=A:load n\n", " n ", "n", 0 },
		{ "menu=A:load n\n", " /n ", "", 1 },
		{ "menu=A:load hd0a:/n x\n", " ", "hd0a:/n x", 0 },
		{ "menu=A:load hd0a:n x\n", NULL, "", 1 },
		{ "menu=A:load hd0a:n\n", NULL, "hd0a:n", 0 },
		{ "menu=A:load NAME=my root:/n\n", NULL, "", 1 },
		{ "menu=A:load NAME=root:/n\n", NULL, "NAME=root:/n", 0 },
		{ "menu=A:load 0a:/n\n", NULL, "", 1 },
		{ "menu=A:load hd0ab:/n\n", NULL, "", 1 },
		{ "menu=A:load hd:/n\n", NULL, "hd:/n", 0 },
		{ "menu=A:load /n:/m\n", NULL, "", 1 },
		{ "menu=A:load\n", " netbsd ", "", 0 },
		{ "menu=A:load\n", " ", "", 1 },
		{ "fs=/ram\nmenu=A:load /n\n", NULL, "/ram", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct loaded loaded = run(cases[i].boot_cfg, cases[i].files);

		CHECK_TEXT(loaded.first, cases[i].first);
		CHECK_NUMBER(loaded.loader.n_missing, cases[i].n_missing);
	}
	CHECK_NUMBER(run("menu=A:load /n;multiboot /x\n", " /n ").loader.end, MODEL_RETURNS);
	CHECK(run("menu=A:load /n;multiboot /x\n", " /n ").loader.failed);
	CHECK_NUMBER(run("menu=A:multiboot /x;multiboot /y a b\n", " /y ").loader.end,
	    MODEL_STARTS_XEN);
	CHECK_NUMBER(run("menu=A:boot /k\n", " /n ").loader.end, MODEL_RETURNS);
	CHECK_NUMBER(run("menu=A:boot\n", " onetbsd ").loader.end, MODEL_STARTS_KERNEL);
	CHECK_NUMBER(run("menu=A:boot\n", " /n ").loader.end, MODEL_RETURNS);
	CHECK_NUMBER(run("fs=/ram\nmenu=A:dev\n", NULL).loader.first.type, MODEL_MODULE_DATA);
	CHECK(run("menu=A:modules off;dev\n", NULL).loader.modules_off);
	CHECK(!run("menu=A:modules disabled;modules enabled\n", NULL).loader.modules_off);
	CHECK(!run("menu=A:modules offf\n", NULL).loader.modules_off);
}

/* 79 characters fit; longer commands are harmless unless the loader returns from the entry. */
static void
test_lengths(struct harness *harness)
{
	static const struct {
		size_t length;
		bool boots, warned, hangs;
	} cases[] = { { 79, false, false, false }, { 80, false, true, false },
		{ 91, false, true, false }, { 92, false, true, true }, { 92, true, true, false } };
	char command[128], text[256];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_boot_prediction prediction = { .entry = 1 };
		struct model_loader loader;

		memset(command, 'x', sizeof(command));
		memcpy(command, "userconf ", 9);
		command[cases[i].length] = '\0';
		(void)snprintf(text, sizeof(text), "menu=A:%s%s\n", command,
		    cases[i].boots ? ";boot netbsd" : "");
		model_read_boot_cfg(&prediction, text, strlen(text), PCIBACK_LOADERS_ALL,
		    PCIBACK_LOADER_11);
		model_run_loader(&prediction, &(struct pciback_boot_request){ .text = NULL }, &loader);
		CHECK_NUMBER(loader.end == MODEL_LOOPS, cases[i].hangs);
		CHECK_NUMBER(loader.end == MODEL_STARTS_KERNEL, cases[i].boots);
		CHECK_NUMBER(prediction.n_findings, cases[i].warned ? 1 : 0);
	}
}

/* What stands outside the menu, as each loader reads it: the first module, and how many. */
static void
test_loaders(struct harness *harness)
{
	static const struct {
		const char *boot_cfg;
		struct {
			const char *first;
			size_t n_modules;
		} loaders[PCIBACK_N_LOADERS];	/* old, old-fs, 10, 11 */
	} cases[] = {
		{ "load=/m\nmenu=A:load /n\n", { { "/m", 2 }, { "/m", 2 }, { "/m", 2 }, { "/m", 2 } } },
		{ "loader=/m\nmenu=A:load /n\n",
		    { { "/m", 2 }, { "/m", 2 }, { "/n", 1 }, { "/n", 1 } } },
		{ "load =/m\nmenu=A:load /n\n",
		    { { "/m", 2 }, { "/m", 2 }, { "/n", 1 }, { "/n", 1 } } },
		{ "fs=/m\nmenu=A:load /n\n", { { "/n", 1 }, { "/m", 2 }, { "/m", 2 }, { "/m", 2 } } },
		{ "fsx=/m\nmenu=A:load /n\n", { { "/n", 1 }, { "/n", 1 }, { "/n", 1 }, { "/n", 1 } } },
		{ "rndseed=/m\nmenu=A:load /n\n",
		    { { "/n", 1 }, { "/n", 1 }, { "/n", 1 }, { "/m", 2 } } },
		{ "dev=hd0a:\nmenu=A:load /n\n",
		    { { "/n", 1 }, { "/n", 1 }, { "/n", 1 }, { "/n", 1 } } },
		/* One that is named twice, with the same arguments, counts once for newer loaders. */
		{ "load=/n  x\nmenu=A:load \t/n  x;load /n x\n",
		    { { "/n  x", 3 }, { "/n  x", 3 }, { "/n  x", 2 }, { "/n  x", 2 } } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int which = 0; which < PCIBACK_N_LOADERS; which++) {
			struct loaded loaded = run_with((enum pciback_loader)which,
			    cases[i].boot_cfg, NULL);

			CHECK_TEXT(loaded.first, cases[i].loaders[which].first);
			CHECK_NUMBER(loaded.loader.n_modules, cases[i].loaders[which].n_modules);
		}
}

void
test_loader(struct harness *harness)
{
	test_loaders(harness);
	test_ends(harness);
	test_files(harness);
	test_lengths(harness);
}
