/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../model/disk.h"

/* Names with a blank before and after each. */
static bool
exists_in(const void *context, const char *path)
{
	const char *found = strstr(context, path);

	return found != NULL && found[-1] == ' ' && found[strlen(path)] == ' ';
}

static bool
opens(const char *path, const char *names, bool is_module)
{
	struct pciback_boot_files files = { exists_in, names };
	struct model_disk disk = { .files = names != NULL ? &files : NULL, .text = path };
	struct pciback_span span = { 0, strlen(path) };

	return is_module ? model_module_opens(&disk, span) : model_opens(&disk, span);
}

static bool
has_kernel(const char *names)
{
	struct pciback_boot_files files = { exists_in, names };
	struct model_disk disk = { .files = names != NULL ? &files : NULL, .text = "" };

	return model_any_kernel(&disk);
}

/* What is said of a file by itself comes before what the disk has; the last word counts. */
static void
test_exceptions(struct harness *harness)
{
	static const struct pciback_boot_exception exceptions[] = {
		{ "/t", false },
		{ "u", true },
		{ "//k/k.kmod", true },
		{ "/v", false },
		{ "v", true },
		{ "netbsd", false },
	};
	static const struct {
		const char *path, *names;
		bool opens;
	} cases[] = {
		{ "/t", NULL, false },
		{ "t", NULL, false },
		{ "/t", " /t ", false },
		{ "/tt", NULL, true },
		{ "/u", " ", true },
		{ "/v", NULL, true },
		{ "/n", " ", false },
		{ "/u\r", NULL, false },
		{ "hd0a:/t", NULL, true },
	};
	struct pciback_boot_files none = { exists_in, " " };
	struct model_disk disk = { NULL, exceptions, sizeof(exceptions) / sizeof(exceptions[0]), "" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_boot_files files = { exists_in, cases[i].names };

		disk.files = cases[i].names != NULL ? &files : NULL;
		disk.text = cases[i].path;
		CHECK_NUMBER(model_opens(&disk, (struct pciback_span){ 0, strlen(disk.text) }),
		    cases[i].opens);
	}
	disk.files = &none;
	disk.text = "k";
	CHECK(model_module_opens(&disk, (struct pciback_span){ 0, 1 }));
	CHECK(!model_any_kernel(&disk));
	disk.files = NULL;
	CHECK(model_any_kernel(&disk));
	CHECK(!model_opens(&disk, (struct pciback_span){ 0, 0 }));
}

void
test_disk(struct harness *harness)
{
	static const struct {
		const char *path, *names;
		bool opens, module_opens;
	} cases[] = {
		{ "/n", NULL, true, true },
		{ "/n", " /n ", true, true },
		{ "/n", " /m ", false, false },
		{ "/n\r", NULL, false, false },
		{ "", NULL, true, true },
		{ "", " netbsd ", true, true },
		{ "", " /n ", false, false },
		{ "n", " n ", true, true },
		{ "n", " /n/n.kmod ", false, true },
		{ "/n x", " /n ", false, true },
		{ "n x", NULL, true, false },
		{ "hd0a:/n", " ", true, true },
		{ "hd0a:/n x", " ", true, true },
		{ "hd0a:n x", " ", true, false },
		{ "hd0a:/n\r", " ", false, false },
		{ "0a:/n", " ", false, false },
		{ "hd0ab:/n", " ", false, false },
		{ "NAME=root:/n", " ", true, true },
		{ "/n:/m", NULL, false, false },
	};
	char longest[PCIBACK_LOADER_PATH + 8];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* open() is given a path without arguments, but as it stands. */
		if (strchr(cases[i].path, ' ') == NULL)
			CHECK_NUMBER(opens(cases[i].path, cases[i].names, false), cases[i].opens);
		CHECK_NUMBER(opens(cases[i].path, cases[i].names, true), cases[i].module_opens);
	}
	test_exceptions(harness);
	CHECK(has_kernel(NULL));
	CHECK(has_kernel(" netbsd.old.gz "));
	CHECK(!has_kernel(" /netbsd "));

	/* 255 characters of a path are kept while it is opened. */
	memset(longest, '/', sizeof(longest));
	memcpy(longest + PCIBACK_LOADER_PATH - 1, " x", 3);
	CHECK(opens(longest, NULL, true));
	memcpy(longest + PCIBACK_LOADER_PATH - 1, "/ x", 4);
	CHECK(!opens(longest, NULL, true));
}
