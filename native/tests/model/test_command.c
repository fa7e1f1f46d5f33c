/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../model/command.h"

static enum pciback_boot_kind
kind_of(const char *commands)
{
	return model_entry_kind(commands, (struct pciback_span){ 0, strlen(commands) });
}

/* The words of a text, each in brackets, as the loader takes them. */
static void
check_words(struct harness *harness, const char *text, const char *expected)
{
	struct pciback_span rest = { 0, strlen(text) };
	char words[64] = "";
	size_t n = 0;

	while (rest.begin < rest.end && n + strlen(text) + 2 < sizeof(words)) {
		struct pciback_span word = model_take_word(text, &rest);

		words[n++] = '[';
		memcpy(words + n, text + word.begin, pciback_span_length(word));
		n += pciback_span_length(word);
		words[n++] = ']';
	}
	CHECK_TEXT(words, expected);
}

static void
test_words(struct harness *harness)
{
	check_words(harness, "load /n x", "[load][/n][x]");
	check_words(harness, "load \t /n\tx  ", "[load][/n][x]");
	check_words(harness, " load", "[][load]");
	check_words(harness, "", "");
	CHECK(model_is_blank(' ') && model_is_blank('\t') && !model_is_blank('\r'));
	CHECK(model_span_is("xload", (struct pciback_span){ 1, 5 }, "load"));
	CHECK(!model_span_is("xload", (struct pciback_span){ 1, 4 }, "load"));
}

static void
test_separators(struct harness *harness)
{
	static const char text[] = "a  ;  b;;  \t;";
	struct pciback_span whole = { 0, sizeof(text) - 1 }, command;

	command = model_next_command(text, whole, 0);
	CHECK_NUMBER(command.end, 3);
	command = model_strip_command(text, command);
	CHECK_NUMBER(command.end, 1);
	CHECK_NUMBER(model_after_command(text, whole, 3), 6);
	command = model_next_command(text, whole, 6);
	CHECK_NUMBER(command.end, 7);
	/* An empty command, and blanks that are skipped before a tab, which is not. */
	command = model_next_command(text, whole, model_after_command(text, whole, 7));
	CHECK_NUMBER(pciback_span_length(command), 0);
	CHECK_NUMBER(model_after_command(text, whole, 8), 11);
	CHECK_NUMBER(model_after_command(text, whole, whole.end), whole.end);
	/* A command of blanks keeps one. */
	command = model_strip_command("   ", (struct pciback_span){ 0, 3 });
	CHECK_NUMBER(pciback_span_length(command), 1);
}

void
test_command(struct harness *harness)
{
	struct pciback_span path = model_module_path("/n x y", (struct pciback_span){ 0, 6 });

	CHECK_NUMBER(path.end, 2);
	test_words(harness);
	test_separators(harness);
	CHECK_NUMBER(kind_of("load /n;multiboot /x"), PCIBACK_BOOT_XEN);
	CHECK_NUMBER(kind_of("frob; multiboot"), PCIBACK_BOOT_XEN);
	CHECK_NUMBER(kind_of("boot;multiboot /x"), PCIBACK_BOOT_KERNEL);
	CHECK_NUMBER(kind_of("prompt"), PCIBACK_BOOT_PROMPT);
	CHECK_NUMBER(kind_of("prompt "), PCIBACK_BOOT_OTHER);
	CHECK_NUMBER(kind_of("quit;boot"), PCIBACK_BOOT_OTHER);
	CHECK_NUMBER(kind_of(""), PCIBACK_BOOT_OTHER);
	CHECK_NUMBER(kind_of(" multiboot /x"), PCIBACK_BOOT_OTHER);
	CHECK_TEXT(pciback_boot_kind_name(PCIBACK_BOOT_PROMPT), "prompt");
}
