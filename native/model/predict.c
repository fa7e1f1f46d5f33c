/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/boot.h>

#include <errno.h>
#include <string.h>

#include "boot_cfg.h"
#include "dom0_builder.h"
#include "finding.h"
#include "kernel.h"
#include "loader.h"
#include "loader_key.h"

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

	model_run_loader(prediction, request, &loader);
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

/* The whole way with one of the possible loaders. Returns 0, or -ENOENT. */
static int
predict_with(const struct pciback_boot_request *request, unsigned loaders,
    enum pciback_loader loader, struct pciback_boot_prediction *prediction)
{
	bool too_large = request->length > PCIBACK_BOOT_CFG_MAX;

	*prediction = (struct pciback_boot_prediction){ .outcome = PCIBACK_BOOT_NOT_XEN };
	if (too_large)
		model_finding(prediction, PCIBACK_ERROR, "boot-cfg-too-large", PCIBACK_NO_OFFSET,
		    "the file is larger than %d bytes, so the loader ignores it and boots /netbsd "
		    "without Xen", PCIBACK_BOOT_CFG_MAX);
	model_read_boot_cfg(prediction, too_large ? "" : request->text,
	    too_large ? 0 : request->length, loaders, loader);
	if (request->entry > prediction->cfg.n_entries)
		return -ENOENT;
	if (prediction->cfg.n_entries != 0) {
		prediction->entry = request->entry != 0 ? request->entry :
		    prediction->cfg.default_entry + 1;
		judge_entry(prediction, request);
	} else if (!too_large) {
		model_finding(prediction, PCIBACK_WARNING, "no-menu", PCIBACK_NO_OFFSET,
		    "the file has no menu entry, so the loader boots /netbsd without Xen");
	}
	return 0;
}

/* Whether not all of the possible loaders read every line alike. */
static bool
lines_differ(const struct pciback_boot_cfg *cfg)
{
	struct model_line line;

	for (size_t offset = 0; model_next_line(cfg, offset, 0, &line); offset = line.next)
		if (line.has_value && model_key_differs(cfg, &line, cfg->loaders))
			return true;
	return false;
}

static bool
claims(const struct pciback_boot_reading *reading, const struct pciback_address *address)
{
	for (size_t i = 0; i < reading->n_claims; i++)
		if (pciback_address_compare(&reading->claims[i], address) == 0)
			return true;
	return false;
}

static bool
ends_alike(const struct pciback_boot_reading *a, const struct pciback_boot_reading *b)
{
	if (a->outcome != b->outcome || a->n_claims != b->n_claims)
		return false;
	for (size_t i = 0; i < a->n_claims; i++)
		if (!claims(b, &a->claims[i]))
			return false;
	return true;
}

static void
add_reading(struct pciback_boot_prediction *prediction, enum pciback_loader loader,
    const struct pciback_boot_prediction *with)
{
	struct pciback_boot_reading *reading = &prediction->readings[prediction->n_readings++];

	*reading = (struct pciback_boot_reading){ .loader = loader, .outcome = with->outcome,
		.n_claims = with->n_claims };
	memcpy(reading->claims, with->claims, sizeof(reading->claims));
}

/* If the readings come to different ends, nobody knows which it will be, and only what all claim is
 * certain to be claimed. */
static void
settle_readings(struct pciback_boot_prediction *prediction)
{
	size_t n = 0;

	for (size_t i = 1; i < prediction->n_readings; i++)
		if (!ends_alike(&prediction->readings[0], &prediction->readings[i]))
			prediction->readings_differ = true;
	if (!prediction->readings_differ)
		return;
	prediction->outcome = PCIBACK_BOOT_UNDEFINED;
	for (size_t i = 0; i < prediction->n_claims; i++) {
		bool all = true;

		for (size_t j = 0; j < prediction->n_readings; j++)
			all = all && claims(&prediction->readings[j], &prediction->claims[i]);
		if (all)
			prediction->claims[n++] = prediction->claims[i];
	}
	prediction->n_claims = n;
}

int
pciback_boot_predict(const struct pciback_boot_request *request,
    struct pciback_boot_prediction *ret_prediction)
{
	unsigned loaders = request->loaders != 0 ? request->loaders : PCIBACK_LOADERS_ALL;
	enum pciback_loader newest = PCIBACK_LOADER_OLD;
	struct pciback_boot_prediction prediction, other;
	bool lines;

	for (int i = 0; i < PCIBACK_N_LOADERS; i++)
		if ((loaders & PCIBACK_LOADER_BIT(i)) != 0)
			newest = (enum pciback_loader)i;
	if (predict_with(request, loaders, newest, &prediction) < 0)
		return -ENOENT;
	lines = lines_differ(&prediction.cfg);
	for (int i = 0; i < PCIBACK_N_LOADERS && prediction.entry != 0; i++) {
		bool again = lines && i != (int)newest;

		if ((loaders & PCIBACK_LOADER_BIT(i)) == 0)
			continue;
		/* The menu is the same for all, so the entry is there. */
		if (again)
			(void)predict_with(request, loaders, (enum pciback_loader)i, &other);
		add_reading(&prediction, (enum pciback_loader)i, again ? &other : &prediction);
	}
	settle_readings(&prediction);
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
