/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_BOOT_H
#define PCIBACK_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/bus.h>
#include <pciback/hide_list.h>
#include <pciback/text.h>

/*
 * The model of a NetBSD boot: what the boot loader makes of boot.cfg (boot.cfg(5), x86 loaders
 * of NetBSD 5 to 11), what Xen hands to the dom0 kernel, and what that kernel does with
 * `pciback.hide=` (pciback(4)). Pure: it reads nothing but what it is given.
 */

/* Sizes of the buffers on the way, as the loader, Xen and the kernel have them. */
#define PCIBACK_BOOT_CFG_MAX	32768	/* a larger boot.cfg is ignored */
#define PCIBACK_BOOT_MENU_MAX	20	/* entries; later ones are ignored */
#define PCIBACK_BOOT_BANNER_MAX	12
#define PCIBACK_LOADER_INPUT	80	/* one command of an entry, with its NUL */
#define PCIBACK_LOADER_MODULE	80	/* path and arguments of a module, with its NUL */
#define PCIBACK_LOADER_PATH	256	/* a module's path while it is opened, with its NUL */
#define PCIBACK_XEN_CMDLINE	1024	/* dom0's command line in Xen, with its NUL */
#define PCIBACK_KERNEL_CMDLINE	256	/* the kernel's copy of it, with its NUL */

/* Enough for every entry of a list of 63 characters. */
#define PCIBACK_CLAIMS_MAX	PCIBACK_HIDE_ENTRIES_MAX

/* Findings past this number are counted, not kept; errors push others out. */
#define PCIBACK_FINDINGS_MAX	64

/* No offset in the file: the finding is about the whole of it. */
#define PCIBACK_NO_OFFSET	SIZE_MAX

/*
 * Loaders by how they read the lines of boot.cfg outside the menu: an older one takes every key
 * that begins with `load` or `userconf` for that, a newer one only the whole word. The loader's own
 * name and number, which it prints, do not tell them apart.
 */
enum pciback_loader {
	PCIBACK_LOADER_OLD,	/* to NetBSD 9 */
	PCIBACK_LOADER_OLD_FS,	/* the same with fs=, which the older of them lack */
	PCIBACK_LOADER_10,	/* bootcfg.c 1.9 of 2022 with bootmenu.c 1.20: the whole word */
	PCIBACK_LOADER_11,	/* bootmenu.c 1.21 of 2025: rndseed= and dev=, too */
};
#define PCIBACK_N_LOADERS	4

/* Sets of them. */
#define PCIBACK_LOADER_BIT(loader)	(1U << (loader))
#define PCIBACK_LOADERS_OLD	(PCIBACK_LOADER_BIT(PCIBACK_LOADER_OLD) | \
				    PCIBACK_LOADER_BIT(PCIBACK_LOADER_OLD_FS))
#define PCIBACK_LOADERS_NEW	(PCIBACK_LOADER_BIT(PCIBACK_LOADER_10) | \
				    PCIBACK_LOADER_BIT(PCIBACK_LOADER_11))
#define PCIBACK_LOADERS_ALL	(PCIBACK_LOADERS_OLD | PCIBACK_LOADERS_NEW)

enum pciback_boot_kind {
	PCIBACK_BOOT_XEN,	/* its commands reach `multiboot` */
	PCIBACK_BOOT_KERNEL,	/* its commands reach `boot`: a kernel without Xen */
	PCIBACK_BOOT_PROMPT,	/* leads to the loader's prompt */
	PCIBACK_BOOT_OTHER,	/* starts nothing */
};

enum pciback_boot_outcome {
	PCIBACK_BOOT_REGISTERED,	/* the backend is up */
	PCIBACK_BOOT_NOT_REGISTERED,	/* list error: no backend, claims stay */
	PCIBACK_BOOT_EMPTY,		/* no list: no backend, no claims */
	PCIBACK_BOOT_KERNEL_FAULT,	/* the dom0 kernel panics or sits in its debugger */
	PCIBACK_BOOT_UNDEFINED,		/* decided by memory behind a buffer, or by which of the
					 * possible loaders it is */
	PCIBACK_BOOT_LOADER_FAILURE,	/* no dom0 kernel comes up */
	PCIBACK_BOOT_NOT_XEN,		/* the entry starts no Xen */
};

enum pciback_severity {
	PCIBACK_ERROR,
	PCIBACK_WARNING,
	PCIBACK_INFO,
};

/* One thing a person should know; the message is one sentence. */
struct pciback_finding {
	enum pciback_severity severity;
	const char *code;	/* kebab-case, stable */
	size_t offset;		/* in the file, or PCIBACK_NO_OFFSET */
	size_t line, column;	/* 1-based, column in bytes; 1, 1 without an offset */
	char message[320];
};

/* One line of the menu. Spans lie in the file's text. */
struct pciback_boot_entry {
	struct pciback_span title;
	struct pciback_span commands;
	size_t line;
	enum pciback_boot_kind kind;
};

/* What the loader read from boot.cfg. */
struct pciback_boot_cfg {
	const char *text;
	size_t length;		/* up to where the loader reads: the first NUL or the end */
	size_t n_entries;
	struct pciback_boot_entry entries[PCIBACK_BOOT_MENU_MAX];
	size_t n_banners;
	int32_t timeout;	/* seconds; negative: waits for a person */
	size_t default_entry;	/* 0-based; 0 without entries */
	bool letters;		/* the menu shows letters instead of numbers */
	unsigned loaders;	/* the possible ones: a set of PCIBACK_LOADER_BIT() */
	enum pciback_loader loader;	/* that the rest is about: the newest of them */
};

/* Tells whether a file exists, by its path below the root of the boot device. */
struct pciback_boot_files {
	bool (*exists)(const void *context, const char *path);
	const void *context;
};

/* A file that is there, or is not, whatever else is known. */
struct pciback_boot_exception {
	const char *path;	/* below the root of the boot device, with or without a leading '/' */
	bool exists;
};
#define PCIBACK_BOOT_EXCEPTIONS_MAX	16

struct pciback_boot_request {
	const char *text;
	size_t length;		/* more than PCIBACK_BOOT_CFG_MAX: only the length matters */
	size_t entry;		/* 1-based; 0 for the default */
	const struct pciback_bus *bus;		/* NULL: any function may exist */
	const struct pciback_boot_files *files;	/* NULL: every named file exists */
	unsigned loaders;	/* a set of PCIBACK_LOADER_BIT(); 0: all */
	const struct pciback_boot_exception *exceptions;	/* they come before `files`; the last of a path counts */
	size_t n_exceptions;
};

/* What one of the possible loaders makes of the entry. */
struct pciback_boot_reading {
	enum pciback_loader loader;
	enum pciback_boot_outcome outcome;
	size_t n_claims;
	struct pciback_address claims[PCIBACK_CLAIMS_MAX];
};

struct pciback_boot_prediction {
	struct pciback_boot_cfg cfg;
	size_t entry;		/* 1-based, the one that was evaluated; 0 if there is none */
	enum pciback_boot_outcome outcome;

	/* One for each possible loader, if the file has a menu. If their outcomes or claims differ,
	 * the outcome is undefined, and `claims` are those that all of them have. All else is about
	 * the newest one. */
	bool readings_differ;
	size_t n_readings;
	struct pciback_boot_reading readings[PCIBACK_N_LOADERS];

	/* Set when a dom0 kernel is started. */
	bool has_dom0;
	size_t kernel_length;
	char kernel[PCIBACK_LOADER_PATH];
	size_t module_length;		/* path and arguments as the file has them */
	size_t module_string_length;
	char module_string[PCIBACK_LOADER_MODULE];	/* as the loader stores it */
	size_t xen_command_line_length;	/* as Xen hands it over */
	size_t command_line_length;
	char command_line[PCIBACK_KERNEL_CMDLINE];	/* as the kernel sees it */

	/* The token that wins. */
	bool has_hide;
	size_t hide_length;
	char hide[PCIBACK_KERNEL_CMDLINE];
	struct pciback_hide_list list;

	size_t n_claims;
	struct pciback_address claims[PCIBACK_CLAIMS_MAX];

	size_t n_findings;	/* kept */
	size_t n_errors;	/* of those, of severity error */
	size_t n_not_kept;
	struct pciback_finding findings[PCIBACK_FINDINGS_MAX];
};

/*
 * Predicts one boot. Returns 0, or -ENOENT when request->entry is not in the menu.
 * ret_prediction keeps pointers into request->text. It is large; it is filled in only on success.
 */
int pciback_boot_predict(const struct pciback_boot_request *request,
    struct pciback_boot_prediction *ret_prediction);

/* The key a person presses for a 0-based entry: "1", or "A" in a menu of letters. */
void pciback_boot_key(const struct pciback_boot_cfg *cfg, size_t entry, char ret_key[3]);

const char *pciback_loader_name(enum pciback_loader loader);
const char *pciback_boot_kind_name(enum pciback_boot_kind kind);
const char *pciback_boot_outcome_name(enum pciback_boot_outcome outcome);
const char *pciback_severity_name(enum pciback_severity severity);

#endif
