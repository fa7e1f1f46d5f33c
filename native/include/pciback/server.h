/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_SERVER_H
#define PCIBACK_SERVER_H

/*
 * What a child of pcibackd does: it serves the page of one guest, and knows nothing of Xen, of the store and of other
 * guests.
 *
 *	page --> channel --> policy --> configuration space of this guest's devices
 *	                           `--> ASK of the parent: MSI, MSI-X
 *
 * All of it is in one struct; the process around it is behind operations, so that a test can play it.
 */

#include <pciback/channel.h>
#include <pciback/message.h>
#include <pciback/serving.h>

/* Functions return 0 or a negative errno value; `world` is the process's own. */
struct pciback_server_operations {
	/* Maps the page and binds the event channel, then gives up what is needed for that and no more: how far
	 * it came, and why no further. */
	int (*start)(void *world, const struct pciback_message *start, struct pciback_page **ret_page,
	    enum pciback_start_step *ret_step);
	/* What came with the message that was received last belongs to this device. May be NULL. */
	void (*adopt)(void *world, uint32_t number);
	/* As those of struct pciback_operations, for a device that was given. */
	int (*config_read)(void *world, uint32_t number, unsigned offset, unsigned size, uint32_t *ret_value);
	int (*config_write)(void *world, uint32_t number, unsigned offset, unsigned size, uint32_t value);
	/* Sends the guest an event; lets its events through again. */
	void (*notify)(void *world);
	void (*unmask)(void *world);
	/* Microseconds of a processor that were used for this guest. NULL: they don't count. */
	uint64_t (*work)(void *world);
	/* Sends to the parent; waits for what it sends. What fails means that there is no parent. */
	int (*send)(void *world, const uint8_t bytes[PCIBACK_MESSAGE_SIZE]);
	int (*receive)(void *world, uint8_t bytes[PCIBACK_MESSAGE_SIZE]);
};

/* Messages that may come while an answer is waited for: a GIVE, a REPORT, a CANCEL and a STOP. */
#define PCIBACK_SERVER_LATER	4

/* Milliseconds between two COUNTS. */
#define PCIBACK_WAIT_COUNTS	200

struct pciback_server;

/* A device with the way back to its server: the `handle` of its operations. */
struct pciback_served {
	struct pciback_server *server;
	uint32_t number;
	bool is_given;
	struct pciback_device device;
};

struct pciback_server {
	const struct pciback_server_operations *operations;
	void *world;
	uint64_t now;
	int ended;			/* 0; 1 after STOP; or why it can't go on */
	struct pciback_operations device_operations;
	struct pciback_host host;
	struct pciback_log log;
	struct pciback_page *page;	/* NULL: not started */
	struct pciback_channel channel;
	struct pciback_topology topology;
	struct pciback_serving serving;
	uint64_t counted_work;		/* of this process, up to which the guest was charged */
	unsigned n_polls;
	uint32_t n_awaited;		/* devices that come before the page is looked at */
	bool handles_errors;
	uint64_t n_told, counts_at;	/* requests that the parent knows of; when it may be told of more */
	unsigned n_later;
	struct pciback_message later[PCIBACK_SERVER_LATER];
	struct pciback_served devices[PCIBACK_ENTRIES_MAX];
};

/* A server that was not told anything. `operations` outlive it. */
void pciback_server_init(struct pciback_server *server, const struct pciback_server_operations *operations,
    void *world, uint64_t now);

/* Takes what the parent has sent. What it would never send ends the server. */
void pciback_server_take(struct pciback_server *server, const uint8_t bytes[PCIBACK_MESSAGE_SIZE], uint64_t now);

/* The guest has sent an event. Only remembers it. */
void pciback_server_event(struct pciback_server *server);

/* Does what is due. Returns the milliseconds until something is due again if nothing happens before, or -1 for ever;
 * 0 also once it has ended. */
int pciback_server_run(struct pciback_server *server, uint64_t now);

#endif
