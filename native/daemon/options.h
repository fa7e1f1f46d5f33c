/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DAEMON_OPTIONS_H
#define PCIBACK_DAEMON_OPTIONS_H

#include <pciback/allow.h>
#include <pciback/topology.h>

#include "log.h"

/* What was given on the command line. */
struct options {
	const char *bus, *xen_socket;	/* NULL: this machine's */
	const char *control;		/* path of the control socket */
	const char *record;		/* of the record that the next process reads; NULL: there is none */
	enum pciback_topology_kind topology;
	unsigned allow;			/* PCIBACK_ALLOW_* */
	size_t n_guests, n_devices;	/* room for so many, 1 to 1024 */
	enum log_format format;
	bool foreground;
	bool children;			/* a process for each guest serves its page */
};

#define OPTIONS_MESSAGE 512

/* Reads all arguments but the first. Returns 0, or -EINVAL with one sentence in `message`. */
int options_read(int argc, char **argv, struct options *ret_options,
    char message[OPTIONS_MESSAGE]);

#endif
