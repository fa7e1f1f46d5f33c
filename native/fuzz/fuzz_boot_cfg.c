/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include <pciback/boot.h>

/* A device on which half of the files are missing, by their names. */
static bool
exists_by_name(const void *context, const char *path)
{
	unsigned sum = 0;

	(void)context;
	for (; *path != '\0'; path++)
		sum += (unsigned char)*path;
	return sum % 2 == 0;
}

static void
check(const struct pciback_boot_prediction *prediction, const char *text, size_t size)
{
	size_t errors = 0;

	ALWAYS(prediction->cfg.n_entries <= PCIBACK_BOOT_MENU_MAX);
	ALWAYS(prediction->entry <= prediction->cfg.n_entries);
	ALWAYS((prediction->entry == 0) == (prediction->cfg.n_entries == 0));
	ALWAYS(prediction->module_string_length < PCIBACK_LOADER_MODULE);
	ALWAYS(prediction->command_line_length < PCIBACK_KERNEL_CMDLINE);
	ALWAYS(strlen(prediction->command_line) == prediction->command_line_length);
	ALWAYS(prediction->n_claims <= PCIBACK_CLAIMS_MAX);
	for (size_t i = 0; i < prediction->n_claims; i++)
		for (size_t j = 0; j < i; j++)
			ALWAYS(pciback_address_compare(&prediction->claims[i],
			    &prediction->claims[j]) != 0);
	if (prediction->has_hide)
		ALWAYS(strstr(prediction->command_line, prediction->hide) != NULL);
	for (size_t i = 0; i < prediction->n_findings; i++) {
		const struct pciback_finding *finding = &prediction->findings[i];
		size_t line, column;

		ALWAYS(finding->severity == PCIBACK_ERROR || finding->severity == PCIBACK_WARNING ||
		    finding->severity == PCIBACK_INFO);
		errors += finding->severity == PCIBACK_ERROR;
		if (finding->offset == PCIBACK_NO_OFFSET)
			continue;
		ALWAYS(finding->offset <= size);
		pciback_position(text, finding->offset, &line, &column);
		ALWAYS(line == finding->line && column == finding->column);
	}
	ALWAYS(errors == prediction->n_errors);
	switch (prediction->outcome) {
	case PCIBACK_BOOT_REGISTERED:
		ALWAYS(errors == 0 && prediction->has_hide && prediction->hide_length < 64);
		break;
	case PCIBACK_BOOT_EMPTY:
		ALWAYS(prediction->n_claims == 0 && prediction->hide_length == 0);
		break;
	case PCIBACK_BOOT_NOT_REGISTERED:
	case PCIBACK_BOOT_KERNEL_FAULT:
	case PCIBACK_BOOT_UNDEFINED:
	case PCIBACK_BOOT_LOADER_FAILURE:
		ALWAYS(errors > 0);
		break;
	case PCIBACK_BOOT_NOT_XEN:
		ALWAYS(!prediction->has_dom0 && prediction->n_claims == 0);
		break;
	}
}

/* What each loader alone makes of an entry is what the prediction for all of them says it does. */
static void
check_readings(const struct pciback_boot_request *request,
    const struct pciback_boot_prediction *all, const char *text, size_t size)
{
	struct pciback_boot_request alone = *request;
	struct pciback_boot_prediction prediction;
	bool differ = false;

	ALWAYS(all->n_readings == (all->entry == 0 ? 0 : PCIBACK_N_LOADERS));
	for (size_t i = 0; i < all->n_readings; i++) {
		const struct pciback_boot_reading *reading = &all->readings[i];

		alone.loaders = PCIBACK_LOADER_BIT(reading->loader);
		ALWAYS(pciback_boot_predict(&alone, &prediction) == 0);
		check(&prediction, text, size);
		ALWAYS(prediction.n_readings == 1 && !prediction.readings_differ);
		ALWAYS(prediction.entry == all->entry);
		ALWAYS(prediction.outcome == reading->outcome);
		ALWAYS(prediction.n_claims == reading->n_claims);
		differ = differ || reading->outcome != all->readings[0].outcome;
	}
	if (differ)
		ALWAYS(all->readings_differ);
	if (all->readings_differ)
		ALWAYS(all->outcome == PCIBACK_BOOT_UNDEFINED);
}

/* Any file: every entry is looked at, with all files there and with half of them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pciback_boot_files half = { exists_by_name, NULL };
	const char *text = (const char *)data;
	struct pciback_boot_prediction prediction = { .entry = 0 };

	for (size_t entry = 0; entry <= prediction.cfg.n_entries; entry++) {
		struct pciback_boot_request request = { .text = text, .length = size, .entry = entry };

		ALWAYS(pciback_boot_predict(&request, &prediction) == 0);
		check(&prediction, text, size);
		check_readings(&request, &prediction, text, size);
		request.files = &half;
		ALWAYS(pciback_boot_predict(&request, &prediction) == 0);
		check(&prediction, text, size);
		check_readings(&request, &prediction, text, size);
	}
	return 0;
}
