/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CHILDREN_H
#define PCIBACK_CHILDREN_H

#include <stddef.h>
#include <stdint.h>

#include <pciback/message.h>

/* A child's file, and whose it is. */
struct pciback_child_fd {
	size_t number;
	int fd;
};

/*
 * The children that serve guests' pages, one a guest, by the guest's place in the backend's table. Whatever a child
 * does, no call takes longer than it says.
 */
struct pciback_child_operations {
	/* Makes one, which waits for its START. */
	int (*start)(void *world, size_t number);
	/* Sends a message, without waiting. `device` is NULL, or what the hardware calls a device: its configuration
	 * space goes with the message. What fails means that the child takes nothing any more. */
	int (*send)(void *world, size_t number, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], void *device);
	/* Takes a message, after waiting for it, so many milliseconds at most. Returns 1; 0 for none; or a negative
	 * errno value when it has ended, or what it sent is no message. */
	int (*receive)(void *world, size_t number, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE], unsigned wait);
	/* Ends it, whatever it does. When this returns it has nothing any more: no page, no device. */
	void (*end)(void *world, size_t number);
	/* Microseconds of a processor that it has used. NULL: nobody counts. */
	uint64_t (*work)(void *world, size_t number);
	/* Fills in what to poll for reading, one for each child at most; returns how many. NULL: nothing. */
	size_t (*fds)(void *world, struct pciback_child_fd *ret_fds);
	/* For children that are no processes, NULL otherwise: the one whose local port has fired, or -1; and
	 * milliseconds until one does something by itself, -1 for never. */
	int (*event)(void *world, uint32_t port);
	int (*wait)(void *world, size_t number);
};

struct pciback_children {
	const struct pciback_child_operations *operations;	/* NULL: this process serves the pages itself */
	void *world;
};

#endif
