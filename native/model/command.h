/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_COMMAND_H
#define PCIBACK_MODEL_COMMAND_H

#include <pciback/boot.h>

/* The text of a menu entry as the loader takes it apart: commands, and the words of a command. */

/* A blank or a tab. */
bool model_is_blank(char c);

bool model_span_is(const char *text, struct pciback_span span, const char *word);

/* Splits off the first word: the loader ends it at a blank or a tab, and drops all of those that
 * follow. */
struct pciback_span model_take_word(const char *text, struct pciback_span *rest);

/* The next command of an entry: up to the separator, as it stands. */
struct pciback_span model_next_command(const char *text, struct pciback_span commands,
    size_t position);

/* Trailing blanks go, but a command of blanks keeps one. */
struct pciback_span model_strip_command(const char *text, struct pciback_span command);

/* Past the separator and the blanks (not tabs) behind it. */
size_t model_after_command(const char *text, struct pciback_span commands, size_t position);

/* The path at the start of a module's text. */
struct pciback_span model_module_path(const char *text, struct pciback_span module);

/* The kind of an entry by its commands. */
enum pciback_boot_kind model_entry_kind(const char *text, struct pciback_span commands);

#endif
