/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MODEL_LOADER_H
#define PCIBACK_MODEL_LOADER_H

#include <pciback/boot.h>

/* The commands of an entry, one by one. */

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

/* Runs the entry of the prediction, after what the file says for all entries, on a disk that has the
 * files of the request. */
void model_run_loader(struct pciback_boot_prediction *prediction,
    const struct pciback_boot_request *request, struct model_loader *ret_loader);

#endif
