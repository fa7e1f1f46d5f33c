/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CONTROL_H
#define PCIBACK_CONTROL_H

/*
 * What pcibackctl and pcibackd say to each other over a Unix stream socket: one line, then the
 * answer and the end of the connection.
 *
 *	status json|text
 *	attach json|text DOMAIN [permissive] [rdm-relaxed] ADDRESS[,permissive=0|1][,rdm_policy=strict|relaxed]...
 *	detach json|text DOMAIN [force] ADDRESS...
 *	check json|text ADDRESS[,id=VVVV:DDDD][,subsystem=VVVV:DDDD][,allow=NAME[+NAME]...]...
 *	take json|text ADDRESS[,id=VVVV:DDDD][,subsystem=VVVV:DDDD][,allow=NAME[+NAME]...]...
 *	return json|text ADDRESS...
 *
 * The answer's first line is pcibackctl's exit status and with it, when it is not 0, one sentence;
 * what follows is to be printed.
 */

#define PCIBACK_CONTROL_PATH	"/var/run/pcibackd.sock"
#define PCIBACK_CONTROL_LINE	4096	/* bytes of a request with its newline */

/* Seconds until an answer is not waited for any more: an attach may take 25, and a reset of each of its 64
 * devices one. */
#define PCIBACK_CONTROL_WAIT	120

#endif
