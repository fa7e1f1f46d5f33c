/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "../../model/dom0_builder.h"

/* dom0's command line in Xen, for the arguments of a load and of the multiboot command. */
static struct model_command_line
command_line(const char *module, const char *xen, struct pciback_boot_prediction *ret_prediction)
{
	static char text[8192];
	struct model_loader loader = { .end = MODEL_STARTS_XEN };
	struct model_command_line line;

	(void)snprintf(text, sizeof(text), "%s|%s", module, xen);
	*ret_prediction = (struct pciback_boot_prediction){ .cfg.text = text,
		.cfg.length = strlen(text) };
	loader.first.text = (struct pciback_span){ 0, strlen(module) };
	loader.xen_arguments = (struct pciback_span){ strlen(module) + 1, strlen(text) };
	model_xen_command_line(ret_prediction, &loader, &line);
	line.bytes[line.length] = '\0';
	return line;
}

static void
test_pvh(struct harness *harness)
{
	static const struct {
		const char *options;
		bool pvh;
	} cases[] = {
		{ "", false },
		{ "dom0=pvh", true },
		{ "dom0_mem=1G  dom0=verbose,pvh noreboot", true },
		{ "dom0=pvh,pv", false },
		{ "dom0=pvh dom0=pv", false },
		{ "dom0=pv dom0=pvh", true },
		{ "dom0=pvh dom0=verbose", true },
		{ "dom0=pvhx", false },
		{ "xdom0=pvh", false },
		{ "dom0=", false },
		{ "dom0=,", false },
		{ "a -- dom0=pvh", false },
		{ "dom0=pvh -- dom0=pv", true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_NUMBER(model_dom0_is_pvh(cases[i].options,
		    (struct pciback_span){ 0, strlen(cases[i].options) }), cases[i].pvh);
}

void
test_dom0_builder(struct harness *harness)
{
	static const struct {
		const char *module, *xen, *expected;
	} cases[] = {
		{ "/n", "", "" },
		{ "/n a b", "x", "a b" },
		{ "/n   a  b", "x", "a  b" },
		{ "/n\ta b", "x", "b" },
		{ "/n\ta", "x", "" },
		{ "/n a", "x -- b", "a b" },
		{ "/n", "x -- b", " b" },
		{ "/n", "x --    b  c", " b  c" },
		{ "/n", "x -- b -- c", " b -- c" },
		{ "/n", "x --  -- c", " -- c" },
		{ "/n", "-- b", "" },
		{ "/n", "  -- b", "" },
		{ "/n", "x --b", "" },
		{ "/n", "x --", "" },
		{ "/n", "x\t-- b", "" },
		{ "/n", "x y -- b", " b" },
		{ "/n -- a", "x", "-- a" },
	};
	struct pciback_boot_prediction prediction;
	struct model_command_line line;
	char longest[2048];

	test_pvh(harness);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_TEXT(command_line(cases[i].module, cases[i].xen, &prediction).bytes,
		    cases[i].expected);

	line = command_line("/netbsd -v x", "dom0_mem=1 -- y", &prediction);
	CHECK_TEXT(prediction.kernel, "/netbsd");
	CHECK_TEXT(prediction.module_string, "/netbsd -v x");
	CHECK_NUMBER(line.offsets[0], 8);
	CHECK_NUMBER(line.offsets[5], 13 + 14);	/* the y */
	CHECK_NUMBER(line.length, 6);

	/* 79 characters of a module, 1023 of the whole. */
	memset(longest, 'a', sizeof(longest));
	longest[79] = '\0';
	longest[1] = ' ';
	(void)command_line(longest, "x", &prediction);
	CHECK_NUMBER(prediction.module_string_length, 79);
	CHECK_NUMBER(prediction.n_findings, 0);
	longest[79] = 'a';
	longest[80] = '\0';
	line = command_line(longest, "x", &prediction);
	CHECK_NUMBER(prediction.module_string_length, 79);
	CHECK_NUMBER(line.length, 77);
	CHECK_NUMBER(prediction.n_findings, 1);
	CHECK_TEXT(prediction.findings[0].code, "loader-module-string-cut");
	CHECK_NUMBER(prediction.findings[0].offset, 79);
	memset(longest, 'b', sizeof(longest));
	memcpy(longest, "x -- ", 5);
	longest[5 + 1022] = '\0';
	line = command_line("/n", longest, &prediction);
	CHECK_NUMBER(line.length, 1023);
	CHECK_NUMBER(prediction.n_findings, 0);
	longest[5 + 1022] = 'b';
	longest[5 + 1023] = '\0';
	line = command_line("/n", longest, &prediction);
	CHECK_NUMBER(line.length, 1023);
	CHECK_TEXT(prediction.findings[0].code, "xen-command-line-cut");

	/* A path that is longer than what the loader keeps of it. */
	memset(longest, '/', sizeof(longest));
	longest[300] = '\0';
	(void)command_line(longest, "x", &prediction);
	CHECK_NUMBER(prediction.kernel_length, 255);
}
