/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_LOG_H
#define PCIBACK_LOG_H

/*
 * A guest's log: one line a second, whatever the guest does (XSA-43).
 */

#include <stdint.h>

#include <pciback/limit.h>

struct pciback_host;

enum pciback_log_level {
	PCIBACK_LOG_INFO,
	PCIBACK_LOG_WARNING,
	PCIBACK_LOG_ERROR,
};

#define PCIBACK_LOG_LINE 160

#define PCIBACK_WAIT_LIMITED	60000	/* milliseconds between two lines that say that a limit holds the guest up */

struct pciback_log {
	const struct pciback_host *host;
	uint16_t domain;
	uint64_t now;			/* set by pciback_channel_serve(), or by the caller */
	uint32_t n_dropped;		/* lines since the last that was written */
	struct pciback_limit limit;
	uint64_t limited_again;		/* when it may be said again that a limit holds the guest up */
};

/* `domain` is the guest's id, which starts each line; `now` in milliseconds. */
void pciback_log_init(struct pciback_log *log, const struct pciback_host *host, uint16_t domain,
    uint64_t now);

/* Writes one line, "domain N: ...", or counts it if there was one within the second. Arguments as
 * printf(3); bytes that are not printable become '?'. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void pciback_log_write(struct pciback_log *log, enum pciback_log_level level,
    const char *format, ...);

/* Says that a limit holds the guest up, as a warning: what it does, and what comes of it. Whichever limit it is, once in
 * PCIBACK_WAIT_LIMITED; a guest at its limit causes no other line by it, and none that counts as dropped. */
void pciback_log_limited(struct pciback_log *log, const char *what);

#endif
