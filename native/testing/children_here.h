/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTING_CHILDREN_HERE_H
#define PCIBACK_TESTING_CHILDREN_HERE_H

#include <pciback/backend.h>

/*
 * Children that are no processes: each is a server in this one, behind two queues of messages. All that they do follows
 * from what they are asked. One can be captured. Those with an odd number reach their devices through a proxy.
 */

enum capture {
	CAPTURE_NONE,
	CAPTURE_GARBAGE,		/* sends bytes */
	CAPTURE_LIES,			/* sends messages, of any type and with any number */
	CAPTURE_SILENCE,		/* takes all and says nothing, or fills no queue */
	CAPTURE_DEATH,			/* is gone */
	CAPTURE_DEVICES,		/* writes to its devices what it can, and serves its page as before */
	CAPTURES,
};

/* For a backend that was made with room for `n_guests`, and is bound to its Xen and its hardware. Returns 0 or
 * -ENOMEM. */
int children_here_open(struct pciback_children *ret_children, struct pciback_backend *backend, size_t n_guests);
void children_here_close(struct pciback_children *children);

/* The child of a domain is its guest's from now on, if it has one; what it does follows from the seed. */
void children_here_capture(const struct pciback_children *children, uint16_t domain, enum capture capture,
    uint32_t seed);

#endif
