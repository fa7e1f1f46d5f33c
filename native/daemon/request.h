/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_REQUEST_H
#define PCIBACK_DAEMON_REQUEST_H

#include <pciback/job.h>
#include <pciback/wanted.h>

/* What a client of the control socket asks: a line as <pciback/control.h> has it. */

enum request_kind {
	REQUEST_STATUS,
	REQUEST_CHANGE,			/* as its job says */
	REQUEST_CHECK,			/* whether the devices of its job, which is none otherwise, are the right ones */
};

struct request {
	enum request_kind kind;
	struct pciback_job job;		/* of a change: to be started */
};

#define REQUEST_MESSAGE PCIBACK_WANTED_MESSAGE

/*
 * Reads a line without its newline; it is cut into words. *ret_json is whether the answer is to be
 * JSON; false also where the line does not say. Returns 0, or -EINVAL with one sentence in
 * `message`.
 */
int request_read(char *line, struct request *ret_request, bool *ret_json,
    char message[REQUEST_MESSAGE]);

#endif
