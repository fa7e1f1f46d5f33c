/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "unread_list.h"

#include <string.h>

#include "command.h"
#include "finding.h"
#include "loader_key.h"

/* What a piece of the file is to the boot. */
enum place {
	PLACE_KERNEL,	/* the dom0 kernel's path and arguments */
	PLACE_MODULE,	/* another file's, or another command */
	PLACE_FAILED,	/* a Xen that can't be opened */
	PLACE_XEN,	/* Xen's own options */
	PLACE_DASHES,	/* behind Xen's " -- " */
	PLACE_IGNORED,	/* a line that other loaders take for load= */
};

/* Explains a list in the file that is not the one the kernel takes. */
static void
explain_unread_list(struct pciback_boot_prediction *prediction,
    const struct model_command_line *line, size_t length, size_t offset, enum place place)
{
	const char *text = prediction->cfg.text;
	char before = offset == 0 ? '\n' : text[offset - 1];

	for (size_t i = 0; i < line->length; i++) {
		if (line->offsets[i] != offset)
			continue;
		if (i >= length || line->length - i < MODEL_HIDE_OPTION_LENGTH)
			break;
		if (i > 0 && line->bytes[i - 1] != ' ')
			model_finding(prediction, MODEL_LOST_LIST, "list-inside-word", offset,
			    "the kernel reads an option only at the start of a word, and this list stands "
			    "inside one; one blank would stand before it");
		else
			model_finding(prediction, PCIBACK_WARNING, "list-overridden", offset,
			    "a later list in the same entry wins, so this one is not read");
		return;
	}
	if (place == PLACE_XEN)
		model_finding(prediction, MODEL_LOST_LIST, "list-on-xen-side", offset,
		    "this list is an option of Xen, which knows none such; dom0 gets what follows "
		    "\" -- \" behind at least one option of Xen");
	else if (place == PLACE_MODULE)
		model_finding(prediction, MODEL_LOST_LIST, "list-on-other-module", offset,
		    "this list stands on a file that is not the dom0 kernel; the first file loaded is");
	else if (place == PLACE_FAILED)
		model_finding(prediction, PCIBACK_WARNING, "list-on-failed-xen", offset,
		    "this list goes with a Xen that can't be opened, and the loader boots what a later "
		    "command names");
	else if (place == PLACE_IGNORED)
		model_finding(prediction, MODEL_LOST_LIST, "list-on-ignored-line", offset,
		    "the loader ignores this line, and its list with it; it would be load= without "
		    "anything before the '='");
	else if (place == PLACE_KERNEL && before == '\t')
		model_finding(prediction, MODEL_LOST_LIST, "list-after-tab", offset,
		    "Xen takes a tab for a part of the kernel's name, so this list is dropped with it; "
		    "a blank would stand before it");
	else
		model_finding(prediction, MODEL_LOST_LIST, "list-not-read", offset,
		    "this list never reaches the kernel");
}

/* Whether a place before the Xen that starts is in a `multiboot`, which then has failed. */
static bool
is_failed_xen(const char *text, struct pciback_span span, size_t offset)
{
	struct pciback_span command = { offset, offset };
	struct pciback_span word;

	while (command.begin > span.begin && text[command.begin - 1] != ';')
		command.begin--;
	while (command.begin < command.end && text[command.begin] == ' ')
		command.begin++;
	word = model_take_word(text, &command);
	return model_span_is(text, word, "multiboot");
}

/* Looks for lists in a piece of the file that the boot used. */
static void
find_unread_lists(struct pciback_boot_prediction *prediction,
    const struct model_command_line *line, size_t length, size_t taken,
    struct pciback_span span, enum place place)
{
	const char *text = prediction->cfg.text;

	for (size_t i = span.begin; i + MODEL_HIDE_OPTION_LENGTH <= span.end; i++)
		if (i != taken && pciback_starts_with_nocase(text + i, span.end - i, MODEL_HIDE_OPTION))
			explain_unread_list(prediction, line, length, i,
			    place == PLACE_MODULE && is_failed_xen(text, span, i) ? PLACE_FAILED :
			    place);
}

void
model_explain_unread_lists(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, const struct model_command_line *line, size_t length,
    size_t taken)
{
	const struct pciback_boot_cfg *cfg = &prediction->cfg;
	struct pciback_span commands = cfg->entries[prediction->entry - 1].commands;
	struct pciback_span first = loader->first.text, xen = loader->xen_arguments;
	size_t dashes = model_dom0_part(cfg->text, xen).begin;
	struct model_line other;

	for (size_t offset = 0; model_next_line(cfg, offset, 0, &other); offset = other.next) {
		if (!other.has_value)
			continue;
		if (model_line_key(cfg, &other, cfg->loader) == MODEL_KEY_LOAD)
			find_unread_lists(prediction, line, length, taken, other.value,
			    first.end == other.value.end ? PLACE_KERNEL : PLACE_MODULE);
		else if (model_line_key(cfg, &other, PCIBACK_LOADER_OLD) == MODEL_KEY_LOAD)
			find_unread_lists(prediction, line, length, taken, other.value, PLACE_IGNORED);
	}
	/* Of the entry, up to what Xen gets; nothing behind it is run. */
	if (first.begin >= commands.begin && first.end <= commands.end) {
		find_unread_lists(prediction, line, length, taken,
		    (struct pciback_span){ commands.begin, first.begin }, PLACE_MODULE);
		find_unread_lists(prediction, line, length, taken, first, PLACE_KERNEL);
		find_unread_lists(prediction, line, length, taken,
		    (struct pciback_span){ first.end, xen.begin }, PLACE_MODULE);
	} else {
		find_unread_lists(prediction, line, length, taken,
		    (struct pciback_span){ commands.begin, xen.begin }, PLACE_MODULE);
	}
	find_unread_lists(prediction, line, length, taken,
	    (struct pciback_span){ xen.begin, dashes }, PLACE_XEN);
	find_unread_lists(prediction, line, length, taken,
	    (struct pciback_span){ dashes, xen.end }, PLACE_DASHES);
}
