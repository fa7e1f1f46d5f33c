/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_JOB_H
#define PCIBACK_GUEST_JOB_H

#include <pciback/job.h>

#include "state.h"

/* Does what is due for one attach or detach; returns milliseconds until something is, or -1. */
int pciback_job_run(struct pciback_backend *backend, struct pciback_job *job);

#endif
