/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TRIAL_BLOCK_H
#define PCIBACK_TRIAL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A trial of a host that boots with GRUB: the variable in GRUB's environment block by which the menu
 * boots the new list, and the word on the kernel's command line by which that boot is known.
 *
 * GRUB itself writes TRIED over ARMED before it boots the new list. Pure.
 */

#define PCIBACK_TRIAL_BLOCK_SIZE	1024

enum pciback_trial_variable {
	PCIBACK_TRIAL_VARIABLE_ARMED,	/* the next boot tries the list */
	PCIBACK_TRIAL_VARIABLE_TRIED,	/* the next boot has the list from before */
	PCIBACK_TRIAL_VARIABLE_KEPT,	/* each boot has the new list */
};

/* What the variable says. Returns 0; -ENOENT without one; -EINVAL if it says something else, or if this is no block. */
int pciback_trial_block_read(const char *bytes, size_t length, enum pciback_trial_variable *ret_variable);

/*
 * Writes another value over the one that is there, which has as many bytes. Returns as
 * pciback_trial_block_read(), and changes nothing then.
 */
int pciback_trial_block_write(char *bytes, size_t length, enum pciback_trial_variable variable);

/* Whether a kernel with this command line was booted to try a list. */
bool pciback_trial_is_marked(const char *command_line);

#endif
