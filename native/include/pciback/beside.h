/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_BESIDE_H
#define PCIBACK_BESIDE_H

/* Becomes a program of the directory that this one is in, with its arguments; argv[0] is how this one was started.
 * Returns only when that fails, a negative errno value. */
int pciback_beside_become(const char *program, char **argv);

#endif
