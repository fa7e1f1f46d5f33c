/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_VECTORS_H
#define PCIBACK_VECTORS_H

#include <stddef.h>

#include <pciback/boot.h>
#include <pciback/hide_list.h>

/* Inputs with what a real kernel, or a real machine that booted them, did. `pcibackctl selftest`
 * runs them on the host the binary is installed on. */

/* A value of pciback.hide= that was given to the kernel's own parser. */
struct pciback_list_vector {
	const char *value;
	enum pciback_hide_result result;
	const char *claims;	/* canonical, one blank between two, "" for none */
};

/* A boot.cfg. */
struct pciback_boot_vector {
	const char *name;
	const char *boot_cfg;
	enum pciback_boot_outcome outcome;
	const char *claims;
};

extern const struct pciback_list_vector pciback_list_vectors[];
extern const size_t pciback_n_list_vectors;
extern const struct pciback_boot_vector pciback_boot_vectors[];
extern const size_t pciback_n_boot_vectors;

/* What a vector gives when it is run, with the claims as text. */
struct pciback_vector_run {
	const char *outcome;
	char claims[PCIBACK_CLAIMS_MAX * PCIBACK_ADDRESS_SIZE + 1];
};

void pciback_run_list_vector(const struct pciback_list_vector *vector,
    struct pciback_vector_run *ret_run);
void pciback_run_boot_vector(const struct pciback_boot_vector *vector,
    struct pciback_vector_run *ret_run);

#endif
