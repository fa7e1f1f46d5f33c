/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "command.h"

#include <string.h>

bool
model_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool
model_span_is(const char *text, struct pciback_span span, const char *word)
{
	size_t length = strlen(word);

	return pciback_span_length(span) == length && memcmp(text + span.begin, word, length) == 0;
}

struct pciback_span
model_take_word(const char *text, struct pciback_span *rest)
{
	struct pciback_span word = { rest->begin, rest->begin };

	while (word.end < rest->end && !model_is_blank(text[word.end]))
		word.end++;
	rest->begin = word.end;
	while (rest->begin < rest->end && model_is_blank(text[rest->begin]))
		rest->begin++;
	return word;
}

struct pciback_span
model_module_path(const char *text, struct pciback_span module)
{
	return model_take_word(text, &module);
}

struct pciback_span
model_next_command(const char *text, struct pciback_span commands, size_t position)
{
	struct pciback_span command = { position, position };

	while (command.end < commands.end && text[command.end] != ';')
		command.end++;
	return command;
}

struct pciback_span
model_strip_command(const char *text, struct pciback_span command)
{
	while (command.end > command.begin + 1 && text[command.end - 1] == ' ')
		command.end--;
	return command;
}

size_t
model_after_command(const char *text, struct pciback_span commands, size_t position)
{
	if (position < commands.end && text[position] == ';')
		position++;
	while (position < commands.end && text[position] == ' ')
		position++;
	return position;
}

enum pciback_boot_kind
model_entry_kind(const char *text, struct pciback_span commands)
{
	size_t position = commands.begin;

	if (model_span_is(text, commands, "prompt"))
		return PCIBACK_BOOT_PROMPT;
	while (position < commands.end) {
		struct pciback_span rest = model_next_command(text, commands, position);
		size_t end = rest.end;
		struct pciback_span word;

		rest = model_strip_command(text, rest);
		word = model_take_word(text, &rest);
		if (model_span_is(text, word, "multiboot"))
			return PCIBACK_BOOT_XEN;
		if (model_span_is(text, word, "boot") || model_span_is(text, word, "pkboot"))
			return PCIBACK_BOOT_KERNEL;
		if (model_span_is(text, word, "quit") || model_span_is(text, word, "menu"))
			break;
		position = model_after_command(text, commands, end);
	}
	return PCIBACK_BOOT_OTHER;
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
