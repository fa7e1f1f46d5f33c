/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* What is kept when there are too many findings: what is or may become an error goes first. */
static int
rank(enum pciback_severity severity)
{
	if (severity == PCIBACK_ERROR)
		return 4;
	if (severity == MODEL_LOST_LIST)
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

/* The loader came back from the entry, or never got there. */
static void
judge_no_start(struct pciback_boot_prediction *prediction, const struct model_loader *loader)
{
	const struct pciback_boot_entry *entry =
	    &prediction->cfg.entries[prediction->entry - 1];

	switch (loader->end) {
	case MODEL_LOOPS:
		prediction->outcome = PCIBACK_BOOT_LOADER_FAILURE;
		return;
	case MODEL_STARTS_KERNEL:
		prediction->outcome = PCIBACK_BOOT_NOT_XEN;
		return;
	case MODEL_LEAVES:
	case MODEL_STARTS_XEN:
	case MODEL_RETURNS:
		break;
	}
	prediction->outcome = loader->failed ? PCIBACK_BOOT_LOADER_FAILURE :
	    PCIBACK_BOOT_NOT_XEN;
	if (entry->kind == PCIBACK_BOOT_PROMPT)
		model_finding(prediction, PCIBACK_INFO, "entry-is-prompt", entry->commands.begin,
		    "the entry leads to the loader's prompt, where a person goes on");
	else
		model_finding(prediction, loader->failed ? PCIBACK_ERROR : PCIBACK_WARNING,
		    "entry-boots-nothing", entry->commands.begin, loader->n_modules == 0 ?
		    "the commands of this entry boot nothing, so the loader shows its menu again" :
		    "the commands of this entry boot nothing, so the loader shows its menu again, and "
		    "what was loaded stays the dom0 kernel of whichever entry is chosen next");
}

static void
judge_xen(struct pciback_boot_prediction *prediction, const struct model_loader *loader,
    const struct pciback_bus *bus)
{
	struct model_command_line line;

	if (loader->modules_off && loader->n_modules > 0) {
		prediction->outcome = PCIBACK_BOOT_LOADER_FAILURE;
		model_finding(prediction, PCIBACK_ERROR, "loader-modules-off", loader->end_offset,
		    "modules are switched off, so the loader gives Xen no dom0 kernel and Xen panics");
		return;
	}
	if (loader->n_modules == 0) {
		prediction->outcome = PCIBACK_BOOT_LOADER_FAILURE;
		model_finding(prediction, PCIBACK_ERROR, "loader-no-kernel", loader->end_offset,
		    "nothing that can be opened is loaded before Xen, which panics without a dom0 "
		    "kernel; load /netbsd-XEN3_DOM0.gz would come first");
		return;
	}
	if (loader->first.type != MODEL_MODULE_LOAD) {
		prediction->outcome = PCIBACK_BOOT_LOADER_FAILURE;
		model_finding(prediction, PCIBACK_ERROR, "loader-first-module-no-kernel",
		    loader->first.text.begin,
		    "the first file loaded is the dom0 kernel for Xen, and this is none; load with the "
		    "kernel would come first");
		return;
	}
	model_xen_command_line(prediction, loader, &line);
	model_boot_kernel(prediction, loader, &line, bus);
}

/* Gives findings whose weight depends on the outcome their severity, and counts errors. */
static void
settle_findings(struct pciback_boot_prediction *prediction)
{
	bool bad = prediction->outcome == PCIBACK_BOOT_NOT_REGISTERED ||
	    prediction->outcome == PCIBACK_BOOT_KERNEL_FAULT ||
	    prediction->outcome == PCIBACK_BOOT_UNDEFINED ||
	    prediction->outcome == PCIBACK_BOOT_LOADER_FAILURE;

	for (size_t i = 0; i < prediction->n_findings; i++) {
		struct pciback_finding *finding = &prediction->findings[i];

		if (finding->severity == MODEL_LOST_LIST &&
		    prediction->outcome == PCIBACK_BOOT_EMPTY)
			finding->severity = PCIBACK_ERROR;
		else if (finding->severity == MODEL_LOST_LIST ||
		    finding->severity == MODEL_DEPENDS)
			finding->severity = bad ? PCIBACK_ERROR : PCIBACK_WARNING;
		if (finding->severity == PCIBACK_ERROR)
			prediction->n_errors++;
	}
}

static void
judge_entry(struct pciback_boot_prediction *prediction,
    const struct pciback_boot_request *request)
{
	struct model_loader loader;

	model_run_loader(prediction, request->files, &loader);
	if (loader.end == MODEL_STARTS_XEN)
		judge_xen(prediction, &loader, request->bus);
	else
		judge_no_start(prediction, &loader);
	if (loader.may_loop && prediction->outcome != PCIBACK_BOOT_LOADER_FAILURE &&
	    (loader.end == MODEL_STARTS_XEN || loader.end == MODEL_STARTS_KERNEL)) {
		prediction->outcome = PCIBACK_BOOT_UNDEFINED;
		model_finding(prediction, PCIBACK_ERROR, "loader-leading-empty-command",
		    loader.may_loop_offset,
		    "an entry that starts with an empty command boots or makes the loader loop for "
		    "ever, as its stack happens to be; no ';' would stand here");
	}
}

int
pciback_boot_predict(const struct pciback_boot_request *request,
    struct pciback_boot_prediction *ret_prediction)
{
	struct pciback_boot_prediction prediction = { .outcome = PCIBACK_BOOT_NOT_XEN };
	bool too_large = request->length > PCIBACK_BOOT_CFG_MAX;

	if (too_large)
		model_finding(&prediction, PCIBACK_ERROR, "boot-cfg-too-large", PCIBACK_NO_OFFSET,
		    "the file is larger than %d bytes, so the loader ignores it and boots /netbsd "
		    "without Xen", PCIBACK_BOOT_CFG_MAX);
	model_read_boot_cfg(&prediction, too_large ? "" : request->text,
	    too_large ? 0 : request->length);
	if (request->entry > prediction.cfg.n_entries)
		return -ENOENT;
	if (prediction.cfg.n_entries != 0) {
		prediction.entry = request->entry != 0 ? request->entry :
		    prediction.cfg.default_entry + 1;
		judge_entry(&prediction, request);
	} else if (!too_large) {
		model_finding(&prediction, PCIBACK_WARNING, "no-menu", PCIBACK_NO_OFFSET,
		    "the file has no menu entry, so the loader boots /netbsd without Xen");
	}
	settle_findings(&prediction);
	*ret_prediction = prediction;
	return 0;
}

const char *
pciback_boot_kind_name(enum pciback_boot_kind kind)
{
	switch (kind) {
	case PCIBACK_BOOT_XEN:
		return "xen";
	case PCIBACK_BOOT_KERNEL:
		return "kernel";
	case PCIBACK_BOOT_PROMPT:
		return "prompt";
	case PCIBACK_BOOT_OTHER:
		break;
	}
	return "other";
}

const char *
pciback_boot_outcome_name(enum pciback_boot_outcome outcome)
{
	switch (outcome) {
	case PCIBACK_BOOT_REGISTERED:
		return "registered";
	case PCIBACK_BOOT_NOT_REGISTERED:
		return "not-registered";
	case PCIBACK_BOOT_EMPTY:
		return "empty";
	case PCIBACK_BOOT_KERNEL_FAULT:
		return "kernel-fault";
	case PCIBACK_BOOT_UNDEFINED:
		return "undefined";
	case PCIBACK_BOOT_LOADER_FAILURE:
		return "loader-failure";
	case PCIBACK_BOOT_NOT_XEN:
		break;
	}
	return "not-xen";
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
