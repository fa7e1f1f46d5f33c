/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/boot.h>

#include <errno.h>

#include "boot_cfg.h"
#include "dom0_builder.h"
#include "finding.h"
#include "kernel.h"
#include "loader.h"

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
	model_settle_findings(&prediction);
	*ret_prediction = prediction;
	return 0;
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
