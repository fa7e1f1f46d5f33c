/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "dom0_builder.h"

#include <string.h>

#include "command.h"
#include "finding.h"

static void
append(struct model_command_line *line, const char *text, struct pciback_span span,
    size_t *first_lost)
{
	for (size_t i = span.begin; i < span.end; i++) {
		if (line->length == PCIBACK_XEN_CMDLINE - 1) {
			if (*first_lost == PCIBACK_NO_OFFSET)
				*first_lost = i;
			return;
		}
		line->offsets[line->length] = (uint32_t)i;
		line->bytes[line->length++] = text[i];
	}
}

struct pciback_span
model_dom0_part(const char *text, struct pciback_span arguments)
{
	while (arguments.begin < arguments.end && text[arguments.begin] == ' ')
		arguments.begin++;
	for (size_t i = arguments.begin; i + 4 <= arguments.end; i++) {
		if (memcmp(text + i, " -- ", 4) != 0)
			continue;
		i += 3;
		while (i + 1 < arguments.end && text[i + 1] == ' ')
			i++;
		return (struct pciback_span){ i, arguments.end };
	}
	return (struct pciback_span){ arguments.end, arguments.end };
}

bool
model_dom0_is_pvh(const char *text, struct pciback_span arguments)
{
	static const char option[] = "dom0=";
	bool pvh = false;

	/* What is for dom0 begins with the blank in front of it, so a list there is not looked at. */
	arguments.end = model_dom0_part(text, arguments).begin;
	while (arguments.begin < arguments.end) {
		const char *blank = memchr(text + arguments.begin, ' ', pciback_span_length(arguments));
		struct pciback_span word = { arguments.begin,
			blank == NULL ? arguments.end : (size_t)(blank - text) };

		arguments.begin = blank == NULL ? arguments.end : word.end + 1;
		if (pciback_span_length(word) < sizeof(option) - 1 ||
		    memcmp(text + word.begin, option, sizeof(option) - 1) != 0)
			continue;
		for (word.begin += sizeof(option) - 1; word.begin < word.end;) {
			const char *comma = memchr(text + word.begin, ',', pciback_span_length(word));
			struct pciback_span item = { word.begin,
				comma == NULL ? word.end : (size_t)(comma - text) };

			word.begin = comma == NULL ? word.end : item.end + 1;
			if (model_span_is(text, item, "pvh"))
				pvh = true;
			else if (model_span_is(text, item, "pv"))
				pvh = false;
		}
	}
	return pvh;
}

void
model_xen_command_line(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, struct model_command_line *ret_line)
{
	const char *text = prediction->cfg.text;
	struct pciback_span module = loader->first.text;
	struct pciback_span path = model_module_path(text, module);
	size_t lost = PCIBACK_NO_OFFSET;

	if (pciback_span_length(path) >= sizeof(prediction->kernel))
		path.end = path.begin + sizeof(prediction->kernel) - 1;
	prediction->module_length = pciback_span_length(module);
	if (prediction->module_length >= PCIBACK_LOADER_MODULE) {
		module.end = module.begin + PCIBACK_LOADER_MODULE - 1;
		model_finding(prediction, MODEL_DEPENDS, "loader-module-string-cut", module.end,
		    "the loader keeps 79 characters of a path and its arguments, here are %zu, and "
		    "what starts here is lost; a list fits after \" -- \" on the multiboot command",
		    prediction->module_length);
	}
	prediction->has_dom0 = true;
	prediction->kernel_length = pciback_span_length(path);
	memcpy(prediction->kernel, text + path.begin, prediction->kernel_length);
	prediction->kernel[prediction->kernel_length] = '\0';
	prediction->module_string_length = pciback_span_length(module);
	memcpy(prediction->module_string, text + module.begin, prediction->module_string_length);
	prediction->module_string[prediction->module_string_length] = '\0';

	/* Xen drops the image's name, up to the first blank; a tab is part of the name. */
	while (module.begin < module.end && text[module.begin] != ' ')
		module.begin++;
	while (module.begin < module.end && text[module.begin] == ' ')
		module.begin++;
	ret_line->length = 0;
	append(ret_line, text, module, &lost);
	append(ret_line, text, model_dom0_part(text, loader->xen_arguments), &lost);
	if (lost != PCIBACK_NO_OFFSET)
		model_finding(prediction, MODEL_DEPENDS, "xen-command-line-cut", lost,
		    "Xen gives dom0 1023 characters, and what starts here is lost");
}
