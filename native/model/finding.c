/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>

/* What is kept when there are too many findings: what is or may become an error goes first. */
static int
rank(enum pciback_severity severity)
{
	if (severity == PCIBACK_ERROR)
		return 4;
	if (severity == MODEL_LOST_LIST || severity == MODEL_LOADERS_DIFFER)
		return 3;
	if (severity == MODEL_DEPENDS)
		return 2;
	return severity == PCIBACK_WARNING ? 1 : 0;
}

/* Room for one more finding: free, or taken from the latest of the least important ones. NULL if
 * all are as important. */
static struct pciback_finding *
finding_slot(struct pciback_boot_prediction *prediction, enum pciback_severity severity)
{
	struct pciback_finding *least = NULL;

	if (prediction->n_findings < PCIBACK_FINDINGS_MAX)
		return &prediction->findings[prediction->n_findings++];
	prediction->n_not_kept++;
	for (size_t i = 0; i < PCIBACK_FINDINGS_MAX; i++) {
		struct pciback_finding *finding = &prediction->findings[i];

		if (rank(finding->severity) < rank(severity) &&
		    (least == NULL || rank(finding->severity) <= rank(least->severity)))
			least = finding;
	}
	return least;
}

void
model_finding(struct pciback_boot_prediction *prediction, enum pciback_severity severity,
    const char *code, size_t offset, const char *format, ...)
{
	struct pciback_finding *finding = finding_slot(prediction, severity);
	va_list arguments;

	if (finding == NULL)
		return;
	*finding = (struct pciback_finding){ .severity = severity, .code = code,
		.offset = offset, .line = 1, .column = 1 };
	if (offset != PCIBACK_NO_OFFSET)
		pciback_position(prediction->cfg.text, offset, &finding->line, &finding->column);
	va_start(arguments, format);
	(void)vsnprintf(finding->message, sizeof(finding->message), format, arguments);
	va_end(arguments);
}

void
model_settle_findings(struct pciback_boot_prediction *prediction)
{
	bool bad = prediction->outcome == PCIBACK_BOOT_NOT_REGISTERED ||
	    prediction->outcome == PCIBACK_BOOT_KERNEL_FAULT ||
	    prediction->outcome == PCIBACK_BOOT_UNDEFINED ||
	    prediction->outcome == PCIBACK_BOOT_LOADER_FAILURE;

	for (size_t i = 0; i < prediction->n_findings; i++) {
		struct pciback_finding *finding = &prediction->findings[i];

		if (finding->severity == MODEL_LOADERS_DIFFER)
			finding->severity = prediction->readings_differ ? PCIBACK_ERROR :
			    PCIBACK_WARNING;
		else if (finding->severity == MODEL_LOST_LIST &&
		    prediction->outcome == PCIBACK_BOOT_EMPTY)
			finding->severity = PCIBACK_ERROR;
		else if (finding->severity == MODEL_LOST_LIST ||
		    finding->severity == MODEL_DEPENDS)
			finding->severity = bad ? PCIBACK_ERROR : PCIBACK_WARNING;
		if (finding->severity == PCIBACK_ERROR)
			prediction->n_errors++;
	}
}

const char *
pciback_severity_name(enum pciback_severity severity)
{
	switch (severity) {
	case PCIBACK_ERROR:
		return "error";
	case PCIBACK_WARNING:
		return "warning";
	case PCIBACK_INFO:
		break;
	}
	return "info";
}
