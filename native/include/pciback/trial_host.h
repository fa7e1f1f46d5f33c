/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TRIAL_HOST_H
#define PCIBACK_TRIAL_HOST_H

#include <pciback/trial.h>

/* Where the record lies: on the root file system, because nothing else is mounted when it is read. */
#define PCIBACK_TRIAL_RECORD	"/etc/xen-pciback/trial"

/* The files of a trial below `root`, "" for those of this host; Xen and the clock are this host's. It has to stay as long
 * as the world is used. */
struct pciback_trial_host {
	const char *root;
};

struct pciback_trial_world pciback_trial_host_world(struct pciback_trial_host *host);

/*
 * Becomes the program, with the same arguments, whose watchdog a test plays, if this system has no Xen
 * and pciback-trial-simulated is in the directory of this program; else returns. `make` leaves it
 * there, and no host gets it.
 */
void pciback_trial_host_play(char **argv);

#endif
