/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_ANSWER_H
#define PCIBACK_DAEMON_ANSWER_H

#include <pciback/backend.h>

#include "request.h"

/* What a client of the control socket is told, as <pciback/control.h> has it. */

/* Text that grows as it must; begins as { .bytes = NULL }. What does not fit in memory is lost. */
struct answer {
	char *bytes;			/* free() it */
	size_t length, size;
};

/* Adds a line or a part of it, at most 511 bytes. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void answer_say(struct answer *answer, const char *format, ...);

/* All guests with their devices, for a person or as xen.pciback/status/1 of process `pid`. */
void answer_status(struct answer *answer, const struct pciback_backend *backend,
    bool json_wanted, uint64_t pid);

/* The devices of a job, which are the right ones. */
void answer_checked(struct answer *answer, const struct pciback_backend *backend,
    const struct pciback_job *job, bool json_wanted);

/* What came of a job that is done. */
void answer_job(struct answer *answer, const struct pciback_backend *backend,
    const struct pciback_job *job, bool json_wanted);

#endif
