/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../model/kernel.h"

/* What the kernel makes of a command line, which stands in the file as it is. */
static struct pciback_boot_prediction
boot(const char *text, const struct pciback_bus *bus)
{
	struct pciback_boot_prediction prediction = {
		.cfg = { .text = text, .length = strlen(text), .n_entries = 1 },
		.entry = 1,
	};
	struct model_loader loader = { .end = MODEL_STARTS_XEN };
	struct model_command_line line = { .length = strlen(text) };

	memcpy(line.bytes, text, line.length);
	for (uint32_t i = 0; i < line.length; i++)
		line.offsets[i] = i;
	model_boot_kernel(&prediction, &loader, &line, bus);
	return prediction;
}

/* The same for a kernel of a name and options of Xen, which stand before the line. */
static struct pciback_boot_prediction
boot_with(const char *kernel, const char *options, const char *list)
{
	static char file[128];
	size_t begin = strlen(options);
	struct pciback_boot_prediction prediction = {
		.cfg = { .text = file, .length = begin + strlen(list), .n_entries = 1 },
		.entry = 1,
	};
	struct model_loader loader = { .end = MODEL_STARTS_XEN, .xen_arguments = { 0, begin } };
	struct model_command_line line = { .length = strlen(list) };

	memcpy(file, options, begin);
	memcpy(file + begin, list, line.length + 1);
	memcpy(prediction.kernel, kernel, strlen(kernel));
	memcpy(line.bytes, list, line.length);
	for (uint32_t i = 0; i < line.length; i++)
		line.offsets[i] = (uint32_t)begin + i;
	model_boot_kernel(&prediction, &loader, &line, NULL);
	return prediction;
}

static void
test_words(struct harness *harness)
{
	static const struct {
		const char *line;
		enum pciback_boot_outcome outcome;
		const char *hide;
	} cases[] = {
		{ "", PCIBACK_BOOT_EMPTY, "" },
		{ "pciback.hide=(00:04.0)", PCIBACK_BOOT_REGISTERED, "(00:04.0)" },
		{ "a PCIBACK.Hide=(00:04.0) b", PCIBACK_BOOT_REGISTERED, "(00:04.0)" },
		{ "pciback.hide=(00:04.0) pciback.hide=(00:05.0)", PCIBACK_BOOT_REGISTERED, "(00:05.0)" },
		{ "pciback.hide=(00:04.0) pciback.hide=", PCIBACK_BOOT_EMPTY, "" },
		{ "xpciback.hide=(00:04.0)", PCIBACK_BOOT_EMPTY, "" },
		{ "a\tpciback.hide=(00:04.0)", PCIBACK_BOOT_EMPTY, "" },
		{ "pciback.hide=(00:04.0", PCIBACK_BOOT_NOT_REGISTERED, "(00:04.0" },
		{ "pciback.hide=(junk)", PCIBACK_BOOT_KERNEL_FAULT, "(junk)" },
		{ "-vd pciback.hide=(00:04.0)", PCIBACK_BOOT_KERNEL_FAULT, "(00:04.0)" },
		{ "v-d", PCIBACK_BOOT_EMPTY, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_boot_prediction prediction = boot(cases[i].line, NULL);

		CHECK_NUMBER(prediction.outcome, cases[i].outcome);
		CHECK_TEXT(prediction.hide, cases[i].hide);
		CHECK_TEXT(prediction.command_line, cases[i].line);
	}
	/* Nobody's list is looked at when the debugger comes first. */
	CHECK_NUMBER(boot("-d pciback.hide=(00:04.0)", NULL).n_claims, 0);
	CHECK_TEXT(boot("-as", NULL).findings[1].code, "kernel-single-user");
	CHECK_TEXT(boot("-c", NULL).findings[0].code, "kernel-userconf");
}

static void
test_length(struct harness *harness)
{
	char line[300];
	struct pciback_boot_prediction prediction;

	memset(line, 'x', sizeof(line));
	line[255] = '\0';
	CHECK_NUMBER(boot(line, NULL).n_findings, 0);
	line[255] = 'x';
	line[256] = '\0';
	prediction = boot(line, NULL);
	CHECK_NUMBER(prediction.command_line_length, 255);
	CHECK_NUMBER(prediction.xen_command_line_length, 256);
	CHECK_TEXT(prediction.findings[0].code, "kernel-command-line-cut");
	CHECK_NUMBER(prediction.findings[0].offset, 255);
}

static void
test_claims(struct harness *harness)
{
	static const struct {
		uint8_t device, header_type;
		uint32_t class;
		const char *code;
	} functions[] = {
		{ 0, 0, 0x060000, "hide-chipset" },
		{ 1, 1, 0x060400, "hide-bridge" },
		{ 2, 0, 0x030000, "hide-display" },
		{ 3, 0, 0x010802, "hide-storage" },
		{ 4, 0, 0x020000, NULL },
	};
	struct pciback_boot_prediction prediction;
	struct pciback_bus bus;
	char line[64];

	pciback_bus_init(&bus);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		struct pciback_address address = { .device = functions[i].device };
		uint8_t config[64] = { 0x86, 0x80, 1, 1 };

		config[0x09] = (uint8_t)functions[i].class;
		config[0x0a] = (uint8_t)(functions[i].class >> 8);
		config[0x0b] = (uint8_t)(functions[i].class >> 16);
		config[0x0e] = functions[i].header_type;
		CHECK_NUMBER(pciback_bus_add(&bus, &address, 0, config, sizeof(config)), 0);
	}
	CHECK_NUMBER(pciback_bus_sort(&bus, NULL), 0);
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		memcpy(line, "pciback.hide=(00:00.0)", 23);
		line[18] = (char)('0' + functions[i].device);
		prediction = boot(line, &bus);
		CHECK_NUMBER(prediction.n_claims, 1);
		CHECK_NUMBER(prediction.outcome, functions[i].header_type == 1 ?
		    PCIBACK_BOOT_KERNEL_FAULT : PCIBACK_BOOT_REGISTERED);
		CHECK_NUMBER(prediction.n_findings, functions[i].code != NULL);
		if (functions[i].code != NULL)
			CHECK_TEXT(prediction.findings[0].code, functions[i].code);
	}
	prediction = boot("pciback.hide=(00:05.0)", &bus);
	CHECK_NUMBER(prediction.n_claims, 0);
	CHECK_TEXT(prediction.findings[0].code, "hide-no-such-function");
	prediction = boot("pciback.hide=(00:04.0)(0:4.0)(00:3f.0)(zz:1.0)", &bus);
	CHECK_NUMBER(prediction.n_claims, 1);
	CHECK_TEXT(prediction.findings[0].code, "hide-entry-twice");
	CHECK_TEXT(prediction.findings[1].code, "hide-entry-no-match");
	CHECK_TEXT(prediction.findings[2].code, "hide-entry-skipped");
	pciback_bus_free(&bus);
}

/* Kernels without pciback read no list. */
static void
test_no_pciback(struct harness *harness)
{
	static const struct {
		const char *kernel, *line;
		bool reads;
	} cases[] = {
		{ "/netbsd-XEN3_DOM0.gz", "", true },
		{ "/netbsd-GENERIC.gz", "", false },
		{ "hd0a:/netbsd.generic", "", false },
		{ "/GENERIC/netbsd", "", true },
		{ "/netbsd", "dom0=pvh", false },
		{ "/netbsd-XEN3_DOM0.gz", "dom0=verbose,pvh", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char list[] = "pciback.hide=(00:04.0)";
		struct pciback_boot_prediction prediction = boot_with(cases[i].kernel, cases[i].line,
		    list);

		CHECK_NUMBER(prediction.outcome, cases[i].reads ? PCIBACK_BOOT_REGISTERED :
		    PCIBACK_BOOT_EMPTY);
		CHECK_NUMBER(prediction.n_claims, cases[i].reads);
		CHECK_NUMBER(prediction.hide_length, cases[i].reads ? 9 : 0);
		CHECK_NUMBER(prediction.n_findings, !cases[i].reads);
		if (!cases[i].reads)
			CHECK_TEXT(prediction.findings[0].code, "list-without-pciback");
		CHECK_NUMBER(boot_with(cases[i].kernel, cases[i].line, "x").n_findings, 0);
	}
}

void
test_kernel(struct harness *harness)
{
	test_no_pciback(harness);
	test_words(harness);
	test_length(harness);
	test_claims(harness);
}
