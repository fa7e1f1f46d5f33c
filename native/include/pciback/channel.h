/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CHANNEL_H
#define PCIBACK_CHANNEL_H

/*
 * The way of a guest's requests:
 *
 *	page of a guest --> channel --> topology --> device --> policy --> operations of the host
 *
 * The caller owns every structure, statically if it likes; nothing here allocates, blocks or keeps
 * state of its own. Everything that a binding gives (settings, results of operations) is trusted
 * as far as it is in range.
 *
 * Threads: one channel, with its devices and its topology, belongs to one thread at a time, and no
 * operation of the host calls back into the channel that called it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <pciback/limit.h>
#include <pciback/log.h>
#include <pciback/pciif.h>
#include <pciback/topology.h>

/* The way between one guest and its devices. */
struct pciback_channel {
	struct pciback_page *page;
	const struct pciback_topology *topology;
	const struct pciback_host *host;
	struct pciback_log *log;
	void *handle;			/* for notify */
	bool aer_pending;
	struct pciback_limit limit;	/* of requests */
	struct pciback_vector vectors[PCIBACK_VECTORS_MAX];	/* of the request that is served */
	uint64_t n_requests, n_refused;	/* answered; of these, not with PCIBACK_DONE */
};

/* Requests that one guest may make: the probe of a device takes some hundred at once. */
#define PCIBACK_REQUESTS_PER_SECOND	50000
#define PCIBACK_REQUESTS_BURST		10000

/*
 * Opens a channel over a page that is mapped, aligned to 4 bytes, until the channel is given up.
 * `handle` is what notify gets. Everything that is pointed to outlives the channel. `now` in
 * milliseconds.
 */
void pciback_channel_init(struct pciback_channel *channel, struct pciback_page *page,
    const struct pciback_topology *topology, const struct pciback_host *host,
    struct pciback_log *log, void *handle, uint64_t now);

/* Whether the frontend waits for an answer. */
bool pciback_channel_pending(const struct pciback_channel *channel);

/* The same, looking up to `n_polls` times: a driver's next request is often there before its event. */
bool pciback_channel_expect(const struct pciback_channel *channel, unsigned n_polls);

/*
 * Serves what is pending, up to `max` requests one after the other, and notifies the guest of
 * each answer. To be called for each event of the guest; `now` in milliseconds.
 * Returns how many were answered; or -EAGAIN when the guest is past its limit and a request stays
 * pending: call again later, and leave the event channel masked until then.
 */
int pciback_channel_serve(struct pciback_channel *channel, uint64_t now, unsigned max);

#endif
