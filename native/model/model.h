/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_H
#define PCIBACK_MODEL_H

#include <pciback/boot.h>

/* The stages of a boot, each in a file of its own; predict.c runs them in order. */

/* Severities that are settled when the outcome is known: an error if the boot goes wrong, a
 * warning if the backend comes up all the same. A list that nobody reads is an error as well if
 * the boot ends without any. */
#define MODEL_DEPENDS	((enum pciback_severity)16)
#define MODEL_LOST_LIST	((enum pciback_severity)17)

#if defined(__GNUC__)
__attribute__((format(printf, 5, 6)))
#endif
void model_finding(struct pciback_boot_prediction *prediction, enum pciback_severity severity,
    const char *code, size_t offset, const char *format, ...);

/* boot_cfg.c: the file. */

/* One line as the loader sees it: without its comment, split at the first '='. */
struct model_line {
	struct pciback_span key;
	struct pciback_span value;
	bool has_value;
	size_t number;
	size_t next;		/* offset of the following line */
};

/* Reads the line at `offset`; false at the end. */
bool model_next_line(const struct pciback_boot_cfg *cfg, size_t offset, size_t number,
    struct model_line *ret_line);

/* Whether the loader takes the line's key for `name`: it looks at the first letters only. */
bool model_key_is(const struct pciback_boot_cfg *cfg, const struct model_line *line,
    const char *name);

void model_read_boot_cfg(struct pciback_boot_prediction *prediction, const char *text,
    size_t length);

/* loader.c: the commands of an entry. */

enum model_module_type {
	MODEL_MODULE_LOAD,	/* load: a kernel, or a module of one */
	MODEL_MODULE_DATA,	/* fs, splash, rndseed */
};

/* A module the loader has queued: path, blanks, arguments. */
struct model_module {
	struct pciback_span text;
	enum model_module_type type;
};

enum model_end {
	MODEL_RETURNS,		/* back to the menu */
	MODEL_STARTS_XEN,
	MODEL_STARTS_KERNEL,
	MODEL_LOOPS,		/* for ever, inside the loader */
	MODEL_LEAVES,		/* quit, menu */
};

/* What an entry did in the loader. */
struct model_loader {
	enum model_end end;
	size_t end_offset;		/* of the command that ended it */
	bool may_loop;			/* hangs if a byte of the stack happens to be 0 */
	size_t may_loop_offset;
	bool failed;			/* an unknown command, or a file that isn't there */
	bool modules_off;
	size_t n_modules;		/* that could be opened */
	size_t n_missing;
	struct model_module first;	/* of those that could be opened */
	struct pciback_span xen_arguments;
};

void model_run_loader(struct pciback_boot_prediction *prediction,
    const struct pciback_boot_files *files, struct model_loader *ret_loader);

/* Reads the path at the start of a module's text. */
struct pciback_span model_module_path(const char *text, struct pciback_span module);

/* The kind of an entry by its commands. */
enum pciback_boot_kind model_entry_kind(const char *text, struct pciback_span commands);

/* dom0.c: from the module's string to the kernel's list. */

/* A command line and where in the file each of its bytes came from. */
struct model_command_line {
	size_t length;
	char bytes[PCIBACK_XEN_CMDLINE];
	uint32_t offsets[PCIBACK_XEN_CMDLINE];
};

/* What Xen's builder gives to the dom0 kernel. */
void model_xen_command_line(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, struct model_command_line *ret_line);

/* What the dom0 kernel does with it: fills in the rest of the prediction. */
void model_boot_kernel(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, const struct model_command_line *line,
    const struct pciback_bus *bus);

#endif
