/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "../../model/finding.h"

/* Which severity a finding has once the outcome is known. */
static void
test_settled(struct harness *harness)
{
	static const struct {
		enum pciback_severity severity;
		enum pciback_boot_outcome outcome;
		enum pciback_severity settled;
	} cases[] = {
		{ PCIBACK_INFO, PCIBACK_BOOT_KERNEL_FAULT, PCIBACK_INFO },
		{ PCIBACK_ERROR, PCIBACK_BOOT_REGISTERED, PCIBACK_ERROR },
		{ MODEL_DEPENDS, PCIBACK_BOOT_REGISTERED, PCIBACK_WARNING },
		{ MODEL_DEPENDS, PCIBACK_BOOT_EMPTY, PCIBACK_WARNING },
		{ MODEL_DEPENDS, PCIBACK_BOOT_NOT_XEN, PCIBACK_WARNING },
		{ MODEL_DEPENDS, PCIBACK_BOOT_NOT_REGISTERED, PCIBACK_ERROR },
		{ MODEL_DEPENDS, PCIBACK_BOOT_KERNEL_FAULT, PCIBACK_ERROR },
		{ MODEL_DEPENDS, PCIBACK_BOOT_UNDEFINED, PCIBACK_ERROR },
		{ MODEL_DEPENDS, PCIBACK_BOOT_LOADER_FAILURE, PCIBACK_ERROR },
		{ MODEL_LOST_LIST, PCIBACK_BOOT_EMPTY, PCIBACK_ERROR },
		{ MODEL_LOST_LIST, PCIBACK_BOOT_REGISTERED, PCIBACK_WARNING },
		{ MODEL_LOST_LIST, PCIBACK_BOOT_UNDEFINED, PCIBACK_ERROR },
		{ MODEL_LOADERS_DIFFER, PCIBACK_BOOT_LOADER_FAILURE, PCIBACK_WARNING },
	};
	struct pciback_boot_prediction differing;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_boot_prediction prediction = { .outcome = cases[i].outcome };

		model_finding(&prediction, cases[i].severity, "code", PCIBACK_NO_OFFSET, "text");
		model_settle_findings(&prediction);
		CHECK_NUMBER(prediction.findings[0].severity, cases[i].settled);
		CHECK_NUMBER(prediction.n_errors, cases[i].settled == PCIBACK_ERROR);
	}
	differing = (struct pciback_boot_prediction){ .outcome = PCIBACK_BOOT_UNDEFINED,
		.readings_differ = true };
	model_finding(&differing, MODEL_LOADERS_DIFFER, "code", PCIBACK_NO_OFFSET, "text");
	model_settle_findings(&differing);
	CHECK_NUMBER(differing.n_errors, 1);
}

void
test_finding(struct harness *harness)
{
	struct pciback_boot_prediction prediction = { .cfg.text = "a\nbc", .cfg.length = 4 };

	model_finding(&prediction, PCIBACK_WARNING, "here", 3, "%d of %s", 2, "three");
	CHECK_TEXT(prediction.findings[0].code, "here");
	CHECK_TEXT(prediction.findings[0].message, "2 of three");
	CHECK_NUMBER(prediction.findings[0].line, 2);
	CHECK_NUMBER(prediction.findings[0].column, 2);
	model_finding(&prediction, PCIBACK_INFO, "all", PCIBACK_NO_OFFSET, "x");
	CHECK_NUMBER(prediction.findings[1].line, 1);

	/* When it is full, what matters least goes first, the latest of it before others. */
	for (size_t i = 2; i < PCIBACK_FINDINGS_MAX; i++)
		model_finding(&prediction, i == 5 ? PCIBACK_INFO : PCIBACK_WARNING, "many", 0, "x");
	model_finding(&prediction, PCIBACK_ERROR, "first", 0, "x");
	CHECK_TEXT(prediction.findings[5].code, "first");
	model_finding(&prediction, MODEL_LOST_LIST, "second", 0, "x");
	CHECK_TEXT(prediction.findings[1].code, "second");
	model_finding(&prediction, PCIBACK_INFO, "lost", 0, "x");
	model_finding(&prediction, PCIBACK_WARNING, "lost", 0, "x");
	model_finding(&prediction, MODEL_DEPENDS, "third", 0, "x");
	CHECK_TEXT(prediction.findings[PCIBACK_FINDINGS_MAX - 1].code, "third");
	CHECK_NUMBER(prediction.n_findings, PCIBACK_FINDINGS_MAX);
	CHECK_NUMBER(prediction.n_not_kept, 5);
	test_settled(harness);
	CHECK_TEXT(pciback_severity_name(PCIBACK_ERROR), "error");
}
