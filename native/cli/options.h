/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CLI_OPTIONS_H
#define PCIBACK_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/boot.h>

/* What was given on the command line; a pointer is NULL for an option that wasn't. */
struct cli_options {
	const char *config;
	const char *bus;
	const char *root;
	const char *control;
	const char *domain;
	size_t entry;		/* 0 if not given */
	uint32_t wait;		/* seconds; 0 if not given */
	unsigned loaders;	/* a set of PCIBACK_LOADER_BIT(); 0 if not given */
	unsigned allow;		/* PCIBACK_ALLOW_* */
	struct pciback_boot_exception exceptions[PCIBACK_BOOT_EXCEPTIONS_MAX];
	size_t n_exceptions;
	bool json, permissive, rdm_relaxed, force, check;
	bool is_kernel;		/* the backend is that of the kernel */
	const char *const *words;	/* what is no option: devices */
	size_t n_words;
};

/* What a command takes besides --json. */
enum {
	CLI_TAKES_CONFIG = 1 << 0,	/* --config, which it needs, --entry, --loader, --with, --without */
	CLI_TAKES_BUS = 1 << 1,
	CLI_TAKES_CONTROL = 1 << 2,	/* --control, --wait */
	CLI_TAKES_DEVICES = 1 << 3,	/* which it needs; but detach --backend kernel means all of a guest's */
	CLI_TAKES_POLICY = 1 << 4,	/* --permissive, --rdm-relaxed */
	CLI_TAKES_FORCE = 1 << 5,
	CLI_TAKES_DOMAIN = 1 << 6,	/* --domain, which it needs */
	CLI_TAKES_CHECK = 1 << 7,	/* --check */
	CLI_TAKES_BACKEND = 1 << 8,	/* --backend; --allow goes with that of the kernel then */
	CLI_TAKES_ALLOW = 1 << 9,	/* --allow */
	CLI_TAKES_ROOT = 1 << 10,	/* --root */
};

#define CLI_MESSAGE 1024

/*
 * Reads what follows the command, argv[1]; `takes` is of the values above. The words that are no
 * options are moved to the front of argv. Returns 0, or -EINVAL with one sentence in `message`.
 */
int cli_options_read(unsigned takes, int argc, char **argv, struct cli_options *ret_options,
    char message[CLI_MESSAGE]);

#endif
