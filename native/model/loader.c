/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "loader.h"

#include <string.h>

#include "command.h"
#include "disk.h"
#include "finding.h"
#include "loader_key.h"

/* What a run of commands works on. */
struct run {
	struct pciback_boot_prediction *prediction;
	struct model_disk disk;
	struct model_loader *loader;
	const char *text;
	bool done;
	size_t n_added;
	struct pciback_span added[64];	/* modules that were named, the first ones */
};

/* Whether a module was named before, path and arguments alike: newer loaders take it once. */
static bool
is_added(struct run *run, struct pciback_span text)
{
	size_t length = pciback_span_length(text);

	for (size_t i = 0; i < run->n_added; i++)
		if (pciback_span_length(run->added[i]) == length &&
		    memcmp(run->text + run->added[i].begin, run->text + text.begin, length) == 0)
			return true;
	if (run->n_added < sizeof(run->added) / sizeof(run->added[0]))
		run->added[run->n_added++] = text;
	return false;
}

static void
add_module(struct run *run, struct pciback_span text, enum model_module_type type)
{
	struct model_loader *loader = run->loader;
	struct pciback_span path;

	while (text.begin < text.end && model_is_blank(run->text[text.begin]))
		text.begin++;
	if ((PCIBACK_LOADER_BIT(run->prediction->cfg.loader) & PCIBACK_LOADERS_NEW) != 0 &&
	    is_added(run, text))
		return;
	path = model_module_path(run->text, text);
	if (!model_module_opens(&run->disk, text)) {
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
	struct pciback_span path = model_take_word(run->text, &arguments);

	/* Without a path the loader takes its default kernel, which is no Xen. */
	if (pciback_span_length(path) == 0 || !model_opens(&run->disk, path)) {
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

/* `boot [file] [-flags]`: anything else is refused by the loader, which goes on. */
static void
run_boot(struct run *run, struct pciback_span command, struct pciback_span arguments)
{
	struct pciback_span path = { arguments.begin, arguments.begin };
	bool there;

	if (arguments.begin < arguments.end && run->text[arguments.begin] != '-')
		path = model_take_word(run->text, &arguments);
	if (arguments.begin < arguments.end && run->text[arguments.begin] != '-')
		there = false;
	else if (pciback_span_length(path) == 0)
		there = model_any_kernel(&run->disk);
	else
		there = model_opens(&run->disk, path);
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
	/* They do something or show something, and the loader goes on. Those of the second line are
	 * the EFI loader's alone; the BIOS loader knows no such command, says so and goes on, too. */
	static const char *const harmless[] = { "help", "?", "ls", "dev", "consdev", "root", "vesa",
		"userconf", "gop", "text", "memmap", "devpath", "efivar", "version" };
	struct pciback_span rest = command;
	struct pciback_span word = model_take_word(run->text, &rest);

	if (model_span_is(run->text, word, "load")) {
		add_module(run, rest, MODEL_MODULE_LOAD);
	} else if (model_span_is(run->text, word, "fs") || model_span_is(run->text, word, "splash") ||
	    model_span_is(run->text, word, "rndseed")) {
		add_module(run, rest, MODEL_MODULE_DATA);
	} else if (model_span_is(run->text, word, "multiboot")) {
		run_multiboot(run, command, rest);
	} else if (model_span_is(run->text, word, "boot") || model_span_is(run->text, word, "pkboot")) {
		run_boot(run, command, rest);
	} else if (model_span_is(run->text, word, "quit") || model_span_is(run->text, word, "menu")) {
		run->loader->end = MODEL_LEAVES;
		run->loader->end_offset = command.begin;
		run->done = true;
	} else if (model_span_is(run->text, word, "modules")) {
		if (model_span_is(run->text, rest, "on") || model_span_is(run->text, rest, "enabled"))
			run->loader->modules_off = false;
		else if (model_span_is(run->text, rest, "off") || model_span_is(run->text, rest, "disabled"))
			run->loader->modules_off = true;
	} else {
		for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
			if (model_span_is(run->text, word, harmless[i]))
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
		struct pciback_span command = model_next_command(run->text, commands, position);
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
			command = model_strip_command(run->text, command);
			if (written == PCIBACK_LOADER_INPUT &&
			    pciback_span_length(command) < PCIBACK_LOADER_INPUT)
				written = PCIBACK_LOADER_INPUT - 1;
			if (written > longest) {
				longest = written;
				longest_offset = command.begin;
			}
			run_command(run, command);
			stale = model_is_blank(run->text[command.begin]) ? STALE_ZERO : STALE_TEXT;
		}
		position = model_after_command(run->text, commands, end);
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
    const struct pciback_boot_request *request, struct model_loader *ret_loader)
{
	const struct pciback_boot_cfg *cfg = &prediction->cfg;
	struct model_loader loader = { .end = MODEL_RETURNS };
	struct run run = { .prediction = prediction, .disk = { request->files, request->exceptions, request->n_exceptions, cfg->text },
		.loader = &loader, .text = cfg->text };
	struct pciback_span commands = cfg->entries[prediction->entry - 1].commands;
	struct model_line line;

	for (size_t offset = 0; model_next_line(cfg, offset, 0, &line); offset = line.next) {
		enum model_key key = line.has_value ?
		    model_line_key(cfg, &line, cfg->loader) : MODEL_KEY_UNKNOWN;

		if (key == MODEL_KEY_LOAD)
			add_module(&run, line.value, MODEL_MODULE_LOAD);
		else if (key == MODEL_KEY_FS || key == MODEL_KEY_RNDSEED)
			add_module(&run, line.value, MODEL_MODULE_DATA);
	}
	loader.end_offset = commands.begin;
	if (!model_span_is(cfg->text, commands, "prompt"))
		run_commands(&run, commands);
	*ret_loader = loader;
}
