/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_BACKEND_H
#define PCIBACK_GUEST_BACKEND_H

#include <pciback/backend.h>

#include "state.h"

/* Prepares a backend whose other members are set: what pciback_backend_new() and
 * pciback_backend_bind() do, in memory of the caller's. */
void pciback_backend_init(struct pciback_backend *backend);

#endif
