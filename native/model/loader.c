/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "model.h"

#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
span_is(const char *text, struct pciback_span span, const char *word)
{
	size_t length = strlen(word);

	return pciback_span_length(span) == length && memcmp(text + span.begin, word, length) == 0;
}

/* Splits off the first word: the loader ends it at a blank or a tab, and drops all of those that
 * follow. */
static struct pciback_span
take_word(const char *text, struct pciback_span *rest)
{
	struct pciback_span word = { rest->begin, rest->begin };

	while (word.end < rest->end && !is_blank(text[word.end]))
		word.end++;
	rest->begin = word.end;
	while (rest->begin < rest->end && is_blank(text[rest->begin]))
		rest->begin++;
	return word;
}

struct pciback_span
model_module_path(const char *text, struct pciback_span module)
{
	return take_word(text, &module);
}

/* The next command of an entry: up to the separator, as it stands. */
static struct pciback_span
next_command(const char *text, struct pciback_span commands, size_t position)
{
	struct pciback_span command = { position, position };

	while (command.end < commands.end && text[command.end] != ';')
		command.end++;
	return command;
}

/* Trailing blanks go, but a command of blanks keeps one. */
static struct pciback_span
strip_command(const char *text, struct pciback_span command)
{
	while (command.end > command.begin + 1 && text[command.end - 1] == ' ')
		command.end--;
	return command;
}

/* Past the separator and the blanks (not tabs) behind it. */
static size_t
after_command(const char *text, struct pciback_span commands, size_t position)
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

	if (span_is(text, commands, "prompt"))
		return PCIBACK_BOOT_PROMPT;
	while (position < commands.end) {
		struct pciback_span rest = next_command(text, commands, position);
		size_t end = rest.end;
		struct pciback_span word;

		rest = strip_command(text, rest);
		word = take_word(text, &rest);
		if (span_is(text, word, "multiboot"))
			return PCIBACK_BOOT_XEN;
		if (span_is(text, word, "boot") || span_is(text, word, "pkboot"))
			return PCIBACK_BOOT_KERNEL;
		if (span_is(text, word, "quit") || span_is(text, word, "menu"))
			break;
		position = after_command(text, commands, end);
	}
	return PCIBACK_BOOT_OTHER;
}

/* What a run of commands works on. */
struct run {
	struct pciback_boot_prediction *prediction;
	const struct pciback_boot_files *files;
	struct model_loader *loader;
	const char *text;
	bool done;
};

static bool
all_in(const char *text, size_t *position, size_t end, char first, char last)
{
	size_t begin = *position;

	while (*position < end && text[*position] >= first && text[*position] <= last)
		(*position)++;
	return *position > begin;
}

/* Whether what stands before the ':' of a path names a device: letters, then perhaps a unit and
 * one letter for the partition; or a wedge by its name. */
static bool
is_device(const char *text, struct pciback_span name)
{
	size_t position = name.begin;

	if (pciback_span_length(name) >= 5 && memcmp(text + name.begin, "NAME=", 5) == 0)
		return true;
	if (!all_in(text, &position, name.end, 'a', 'z'))
		return false;
	if (position < name.end && !all_in(text, &position, name.end, '0', '9'))
		return false;
	if (position < name.end && text[position] >= 'a' && text[position] <= 'z')
		position++;
	return position == name.end;
}

/* No file has such a name, but a path at the end of a line of a CRLF file does. */
static bool
ends_with_carriage_return(const char *text, struct pciback_span name)
{
	return name.end > name.begin && text[name.end - 1] == '\r';
}

/* Asks for a file on the boot device; without anybody to ask, it exists. */
static bool
exists(const struct run *run, const char *prefix, struct pciback_span name, const char *suffix)
{
	char path[2 * PCIBACK_LOADER_PATH + 16];
	size_t length = pciback_span_length(name), n = strlen(prefix);

	if (run->files == NULL)
		return !ends_with_carriage_return(run->text, name);
	if (length >= PCIBACK_LOADER_PATH)
		return false;
	memcpy(path, prefix, n);
	memcpy(path + n, run->text + name.begin, length);
	n += length;
	if (*suffix != '\0') {
		/* NAME/NAME.kmod */
		path[n++] = '/';
		memcpy(path + n, run->text + name.begin, length);
		n += length;
	}
	memcpy(path + n, suffix, strlen(suffix) + 1);
	return run->files->exists(run->files->context, path);
}

/* Whether open() finds a path as it stands, with or without a device. A file on a device that is
 * named can't be asked for, and is taken to exist. */
static bool
opens(const struct run *run, struct pciback_span path)
{
	size_t length = pciback_span_length(path);
	const char *colon = length == 0 ? NULL : memchr(run->text + path.begin, ':', length);

	if (colon != NULL)
		return !ends_with_carriage_return(run->text, path) && is_device(run->text,
		    (struct pciback_span){ path.begin, (size_t)(colon - run->text) });
	if (length == 0)
		/* No name means the kernel the loader would boot by itself. */
		return run->files == NULL || run->files->exists(run->files->context, "netbsd");
	return exists(run, "", path, "");
}

/* Whether the loader can open what a `load` named. A name that does not start at the root is
 * looked for among the kernel's modules first, and then as it stands, arguments and all. */
static bool
module_opens(const struct run *run, struct pciback_span module)
{
	const char *text = run->text;
	struct pciback_span path = model_module_path(text, module);
	size_t length = pciback_span_length(path);
	const char *colon = length == 0 ? NULL : memchr(text + path.begin, ':', length);
	bool whole = path.end == module.end;

	if (colon != NULL) {
		size_t after = (size_t)(colon - text) + 1;

		if (after < path.end && text[after] == '/')
			return opens(run, path);
		return whole && opens(run, path);
	}
	if (length != 0 && text[path.begin] == '/') {
		if (!whole && length >= PCIBACK_LOADER_PATH)
			return false;
		return exists(run, "", path, "");
	}
	if (run->files != NULL && length != 0 && exists(run, "/", path, ".kmod"))
		return true;
	return whole && opens(run, module);
}

static void
add_module(struct run *run, struct pciback_span text, enum model_module_type type)
{
	struct model_loader *loader = run->loader;
	struct pciback_span path;

	while (text.begin < text.end && is_blank(run->text[text.begin]))
		text.begin++;
	path = model_module_path(run->text, text);
	if (!module_opens(run, text)) {
		loader->n_missing++;
		if (pciback_span_length(path) != 0 && run->text[path.begin] != '/' &&
		    memchr(run->text + path.begin, ':', pciback_span_length(path)) == NULL)
			model_finding(run->prediction, MODEL_DEPENDS, "loader-module-name", path.begin,
			    "the loader takes a path without a leading '/' for a kernel module's name "
			    "and drops it; the kernel's path would start with '/'");
		else
			model_finding(run->prediction, MODEL_DEPENDS, "loader-missing-module",
			    text.begin, "the loader can't open this file and drops it; if another is "
			    "loaded, that one becomes the dom0 kernel");
		return;
	}
	if (loader->n_modules++ == 0)
		loader->first = (struct model_module){ text, type };
	else if (loader->n_modules == 2 && type == MODEL_MODULE_LOAD)
		model_finding(run->prediction, PCIBACK_WARNING, "loader-extra-module", text.begin,
		    "the first file loaded is the dom0 kernel; this one is a module for Xen, and its "
		    "arguments are read by nobody");
}

static void
run_multiboot(struct run *run, struct pciback_span command, struct pciback_span arguments)
{
	struct model_loader *loader = run->loader;
	struct pciback_span path = take_word(run->text, &arguments);

	/* Without a path the loader takes its default kernel, which is no Xen. */
	if (pciback_span_length(path) == 0 || !opens(run, path)) {
		loader->failed = true;
		model_finding(run->prediction, MODEL_DEPENDS, "loader-missing-xen", path.begin,
		    pciback_span_length(path) == 0 ?
		    "no file is named, so Xen is not started; it would be multiboot /xen.gz" :
		    "the loader can't open this file, so Xen is not started");
		return;
	}
	loader->end = MODEL_STARTS_XEN;
	loader->end_offset = command.begin;
	loader->xen_arguments = arguments;
	run->done = true;
}

static bool
any_kernel(const struct run *run)
{
	static const char *const names[] = { "netbsd", "netbsd.gz", "onetbsd", "onetbsd.gz",
		"netbsd.old", "netbsd.old.gz" };

	if (run->files == NULL)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (run->files->exists(run->files->context, names[i]))
			return true;
	return false;
}

/* `boot [file] [-flags]`: anything else is refused by the loader, which goes on. */
static void
run_boot(struct run *run, struct pciback_span command, struct pciback_span arguments)
{
	struct pciback_span path = { arguments.begin, arguments.begin };
	bool there;

	if (arguments.begin < arguments.end && run->text[arguments.begin] != '-')
		path = take_word(run->text, &arguments);
	if (arguments.begin < arguments.end && run->text[arguments.begin] != '-')
		there = false;
	else if (pciback_span_length(path) == 0)
		there = any_kernel(run);
	else
		there = opens(run, path);
	if (!there) {
		run->loader->failed = true;
		model_finding(run->prediction, PCIBACK_WARNING, "loader-boot-fails", command.begin,
		    "the loader can't boot this; it would be boot FILE, perhaps with flags such as -s");
		return;
	}
	run->loader->end = MODEL_STARTS_KERNEL;
	run->loader->end_offset = command.begin;
	run->done = true;
}

static void
run_command(struct run *run, struct pciback_span command)
{
	static const char *const harmless[] = { "help", "?", "ls", "dev", "consdev", "root", "vesa",
		"userconf" };
	struct pciback_span rest = command;
	struct pciback_span word = take_word(run->text, &rest);

	if (span_is(run->text, word, "load")) {
		add_module(run, rest, MODEL_MODULE_LOAD);
	} else if (span_is(run->text, word, "fs") || span_is(run->text, word, "splash") ||
	    span_is(run->text, word, "rndseed")) {
		add_module(run, rest, MODEL_MODULE_DATA);
	} else if (span_is(run->text, word, "multiboot")) {
		run_multiboot(run, command, rest);
	} else if (span_is(run->text, word, "boot") || span_is(run->text, word, "pkboot")) {
		run_boot(run, command, rest);
	} else if (span_is(run->text, word, "quit") || span_is(run->text, word, "menu")) {
		run->loader->end = MODEL_LEAVES;
		run->loader->end_offset = command.begin;
		run->done = true;
	} else if (span_is(run->text, word, "modules")) {
		if (span_is(run->text, rest, "on") || span_is(run->text, rest, "enabled"))
			run->loader->modules_off = false;
		else if (span_is(run->text, rest, "off") || span_is(run->text, rest, "disabled"))
			run->loader->modules_off = true;
	} else {
		for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
			if (span_is(run->text, word, harmless[i]))
				return;
		run->loader->failed = true;
		model_finding(run->prediction, MODEL_DEPENDS, "loader-unknown-command", command.begin,
		    pciback_span_length(word) == 0 ?
		    "the loader reads a command that starts with a blank as an empty one and says "
		    "\"unknown command\"; no blank would stand here" :
		    "the loader knows no such command, says so and goes on with the next");
	}
}

/* What is in the first byte of the loader's command buffer when a command is empty: that byte
 * alone decides whether the loader steps over it or loops for ever. */
enum stale {
	STALE_UNKNOWN,
	STALE_ZERO,
	STALE_TEXT,
};

static void
run_commands(struct run *run, struct pciback_span commands)
{
	size_t position = commands.begin, longest = 0, longest_offset = 0;
	enum stale stale = STALE_UNKNOWN;

	do {
		struct pciback_span command = next_command(run->text, commands, position);
		size_t end = command.end, written = pciback_span_length(command);

		if (written == 0) {
			if (end >= commands.end)
				break;
			if (stale == STALE_ZERO) {
				run->loader->end = MODEL_LOOPS;
				run->loader->end_offset = end;
				run->done = true;
				model_finding(run->prediction, PCIBACK_ERROR, "loader-endless-loop", end,
				    "two empty commands in a row make the loader loop for ever; one ';' "
				    "would stand between two commands");
				break;
			}
			if (stale == STALE_UNKNOWN) {
				run->loader->may_loop = true;
				run->loader->may_loop_offset = end;
			}
			stale = STALE_ZERO;
		} else {
			command = strip_command(run->text, command);
			if (written == PCIBACK_LOADER_INPUT &&
			    pciback_span_length(command) < PCIBACK_LOADER_INPUT)
				written = PCIBACK_LOADER_INPUT - 1;
			if (written > longest) {
				longest = written;
				longest_offset = command.begin;
			}
			run_command(run, command);
			stale = is_blank(run->text[command.begin]) ? STALE_ZERO : STALE_TEXT;
		}
		position = after_command(run->text, commands, end);
	} while (!run->done && position < commands.end);

	if (longest < PCIBACK_LOADER_INPUT)
		return;
	/* From 92 bytes on the way back to the menu is overwritten (seen on real boots). */
	if (run->loader->end == MODEL_RETURNS && longest >= 92) {
		run->loader->end = MODEL_LOOPS;
		run->loader->end_offset = longest_offset;
		run->done = true;
		model_finding(run->prediction, PCIBACK_ERROR, "loader-command-too-long",
		    longest_offset, "this command has %zu characters and overwrites the loader's "
		    "memory, and as nothing is booted, the loader hangs; 79 fit", longest);
		return;
	}
	model_finding(run->prediction, PCIBACK_WARNING, "loader-command-too-long", longest_offset,
	    "this command has %zu characters and the loader's buffer takes 79; harmless as long as "
	    "the entry boots, but if a file is missing the loader may hang", longest);
}

void
model_run_loader(struct pciback_boot_prediction *prediction,
    const struct pciback_boot_files *files, struct model_loader *ret_loader)
{
	const struct pciback_boot_cfg *cfg = &prediction->cfg;
	struct model_loader loader = { .end = MODEL_RETURNS };
	struct run run = { .prediction = prediction, .files = files, .loader = &loader,
		.text = cfg->text };
	struct pciback_span commands = cfg->entries[prediction->entry - 1].commands;
	struct model_line line;

	for (size_t offset = 0; model_next_line(cfg, offset, 0, &line); offset = line.next) {
		if (!line.has_value || model_key_is(cfg, &line, "menu"))
			continue;
		if (model_key_is(cfg, &line, "load"))
			add_module(&run, line.value, MODEL_MODULE_LOAD);
		else if (span_is(cfg->text, line.key, "fs"))
			add_module(&run, line.value, MODEL_MODULE_DATA);
	}
	loader.end_offset = commands.begin;
	if (!span_is(cfg->text, commands, "prompt"))
		run_commands(&run, commands);
	*ret_loader = loader;
}
