/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/boot.h>

static struct pciback_boot_prediction
predict(const char *text)
{
	struct pciback_boot_request request = { .text = text, .length = strlen(text) };
	struct pciback_boot_prediction prediction = { 0 };

	(void)pciback_boot_predict(&request, &prediction);
	return prediction;
}

static size_t
count(const struct pciback_boot_prediction *prediction, const char *code,
    enum pciback_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < prediction->n_findings; i++)
		n += strcmp(prediction->findings[i].code, code) == 0 &&
		    prediction->findings[i].severity == severity;
	return n;
}

static void
test_severities(struct harness *harness)
{
	struct pciback_boot_prediction prediction;

	/* The same cut is a warning when the list is whole, and an error when it isn't. */
	prediction = predict("menu=A:load /n pciback.hide=(00:04.0) "
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx;multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_REGISTERED);
	CHECK_NUMBER(prediction.n_errors, 0);
	CHECK_NUMBER(count(&prediction, "loader-module-string-cut", PCIBACK_WARNING), 1);
	prediction = predict("menu=A:load /n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
	    "pciback.hide=(00:04.0)(00:05.0);multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_NOT_REGISTERED);
	CHECK_NUMBER(count(&prediction, "loader-module-string-cut", PCIBACK_ERROR), 1);
	/* And a list that is lost as a whole is an error although dom0 boots. */
	prediction = predict("menu=A:load /n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxx pciback.hide=(00:04.0);multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_EMPTY);
	CHECK_NUMBER(count(&prediction, "list-not-read", PCIBACK_ERROR), 1);
	prediction = predict("menu=A:load /n x=pciback.hide=(00:04.0);multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_EMPTY);
	CHECK_NUMBER(count(&prediction, "list-inside-word", PCIBACK_ERROR), 1);
	prediction = predict("load=/m\nload=/n pciback.hide=(00:04.0)\nmenu=A:multiboot /x\n");
	CHECK_NUMBER(count(&prediction, "list-on-other-module", PCIBACK_ERROR), 1);
	prediction = predict("menu=A:modules off;load /n pciback.hide=(00:04.0);multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_LOADER_FAILURE);
	CHECK_TEXT(prediction.findings[0].message,
	    "modules are switched off, so the loader gives Xen no dom0 kernel and Xen panics");
	/* No list anywhere is what many hosts want. */
	prediction = predict("menu=A:load /n;multiboot /x\ntimeout=5\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_EMPTY);
	CHECK_NUMBER(prediction.n_findings, 0);
}

/* What the loaders that are possible make of a file. */
static void
test_readings(struct harness *harness)
{
	static const struct {
		const char *boot_cfg;
		unsigned loaders;
		enum pciback_boot_outcome outcome;
		size_t n_claims, n_errors;
	} cases[] = {
		/* As seen on NetBSD 11. */
		{ "loader=/n pciback.hide=(00:04.0)\nmenu=A:load /m;multiboot /x\n", 0,
		    PCIBACK_BOOT_UNDEFINED, 0, 2 },
		{ "loader=/n pciback.hide=(00:04.0)\nmenu=A:load /m;multiboot /x\n",
		    PCIBACK_LOADERS_OLD, PCIBACK_BOOT_REGISTERED, 1, 0 },
		{ "loader=/n pciback.hide=(00:04.0)\nmenu=A:load /m;multiboot /x\n",
		    PCIBACK_LOADERS_NEW, PCIBACK_BOOT_EMPTY, 0, 1 },
		{ "rndseed=/r\nmenu=A:load /m pciback.hide=(00:04.0);multiboot /x\n", 0,
		    PCIBACK_BOOT_UNDEFINED, 0, 2 },
		{ "rndseed=/r\nmenu=A:load /m pciback.hide=(00:04.0);multiboot /x\n",
		    PCIBACK_LOADER_BIT(PCIBACK_LOADER_10), PCIBACK_BOOT_REGISTERED, 1, 0 },
		{ "rndseed=/r\nmenu=A:load /m pciback.hide=(00:04.0);multiboot /x\n",
		    PCIBACK_LOADER_BIT(PCIBACK_LOADER_11), PCIBACK_BOOT_LOADER_FAILURE, 0, 1 },
		/* The kernel comes first for all of them. */
		{ "load=/m pciback.hide=(00:04.0)\nrndseed=/r\nloader=/n\nfs=/f\nmenu=A:multiboot /x\n",
		    0, PCIBACK_BOOT_REGISTERED, 1, 0 },
		/* What all of them claim is certain. */
		{ "load =/n pciback.hide=(00:04.0)(00:05.0)\n"
		    "menu=A:load /m pciback.hide=(00:05.0)(00:06.0);multiboot /x\n", 0,
		    PCIBACK_BOOT_UNDEFINED, 1, 2 },
	};
	struct pciback_boot_prediction prediction;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_boot_request request = { .text = cases[i].boot_cfg,
			.length = strlen(cases[i].boot_cfg), .loaders = cases[i].loaders };

		CHECK_NUMBER(pciback_boot_predict(&request, &prediction), 0);
		CHECK_NUMBER(prediction.outcome, cases[i].outcome);
		CHECK_NUMBER(prediction.n_claims, cases[i].n_claims);
		CHECK_NUMBER(prediction.n_errors, cases[i].n_errors);
		CHECK_NUMBER(prediction.readings_differ,
		    cases[i].outcome == PCIBACK_BOOT_UNDEFINED);
	}
	CHECK_NUMBER(prediction.n_readings, PCIBACK_N_LOADERS);
	CHECK_NUMBER(prediction.readings[0].outcome, PCIBACK_BOOT_REGISTERED);
	CHECK_NUMBER(prediction.readings[0].claims[0].device, 4);
	CHECK_NUMBER(prediction.readings[3].claims[0].device, 5);
	CHECK_NUMBER(prediction.claims[0].device, 5);
	prediction = predict("# nothing\n");
	CHECK_NUMBER(prediction.n_readings, 0);

	/* What differs is told, also where it does no harm. */
	prediction = predict("rndseed=/r\ndev=hd0a:\nfs=/f\nuserconfx=x\nloadx=x\nmenu=A:dev\nx=y\n");
	CHECK_NUMBER(count(&prediction, "loader-key-differs", PCIBACK_WARNING), 5);
	CHECK_NUMBER(count(&prediction, "unknown-key", PCIBACK_WARNING), 1);
}

/* An error is never lost among warnings, however many there are. */
static void
test_many_findings(struct harness *harness)
{
	struct pciback_boot_prediction prediction;
	char text[8192] = "";
	size_t length;

	for (size_t i = 0; i < 200; i++)
		strcat(text, "unknown=x\n");
	length = strlen(text);
	(void)snprintf(text + length, sizeof(text) - length,
	    "menu=A:load /n pciback.hide=(00:04.0;multiboot /x\n");
	prediction = predict(text);
	CHECK_NUMBER(prediction.n_findings, PCIBACK_FINDINGS_MAX);
	CHECK_NUMBER(prediction.n_not_kept, 200 + 1 - PCIBACK_FINDINGS_MAX);
	CHECK_NUMBER(count(&prediction, "hide-list-error", PCIBACK_ERROR), 1);
	CHECK_NUMBER(prediction.n_errors, 1);
}

void
test_predict(struct harness *harness)
{
	struct pciback_boot_request request = { .text = "menu=A:dev\n", .length = 11, .entry = 2 };
	struct pciback_boot_prediction prediction = { .entry = 77 };

	CHECK_NUMBER(pciback_boot_predict(&request, &prediction), -ENOENT);
	CHECK_NUMBER(prediction.entry, 77);
	request.entry = 1;
	CHECK_NUMBER(pciback_boot_predict(&request, &prediction), 0);
	CHECK_NUMBER(prediction.entry, 1);
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_NOT_XEN);
	request.entry = 0;
	request.length = PCIBACK_BOOT_CFG_MAX + 1;
	CHECK_NUMBER(pciback_boot_predict(&request, &prediction), 0);
	CHECK_NUMBER(prediction.entry, 0);
	CHECK_NUMBER(prediction.n_errors, 1);

	/* A loader that may hang. */
	prediction = predict("menu=A:;load /n pciback.hide=(00:04.0);multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_UNDEFINED);
	CHECK_NUMBER(prediction.n_claims, 1);
	prediction = predict("menu=A:;boot netbsd\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_UNDEFINED);
	prediction = predict("menu=A:;frob\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_LOADER_FAILURE);

	/* The debugger comes before any device is attached. */
	prediction = predict("menu=A:load /n -d pciback.hide=(00:04.0);multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_KERNEL_FAULT);
	CHECK_NUMBER(prediction.n_claims, 0);
	CHECK_TEXT(prediction.hide, "(00:04.0)");

	/* Xen takes the first file for the kernel, whatever it is. */
	prediction = predict("menu=A:rndseed /r;load /n;multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_LOADER_FAILURE);
	CHECK_NUMBER(count(&prediction, "loader-first-module-no-kernel", PCIBACK_ERROR), 1);
	prediction = predict("menu=A:load /n;rndseed /r;multiboot /x\n");
	CHECK_NUMBER(prediction.outcome, PCIBACK_BOOT_EMPTY);

	test_severities(harness);
	test_readings(harness);
	test_many_findings(harness);
	CHECK_TEXT(pciback_boot_kind_name(PCIBACK_BOOT_OTHER), "other");
	CHECK_TEXT(pciback_boot_outcome_name(PCIBACK_BOOT_LOADER_FAILURE), "loader-failure");
	CHECK_TEXT(pciback_severity_name(PCIBACK_INFO), "info");
}
