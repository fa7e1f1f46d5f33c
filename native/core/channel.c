/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/channel.h>

#include <errno.h>
#include <inttypes.h>

#include <pciback/interrupt.h>
#include <pciback/operations.h>
#include <pciback/policy.h>

#include "policy/read.h"

/*
 * The path of a request, in this order: copy the request once, find the device, decide and act on
 * the copy, write the answer, clear the flag, notify, look again. The second half, a device's
 * policy, is in core/policy/read.h and core/policy/access.c.
 */

void
pciback_channel_init(struct pciback_channel *channel, struct pciback_page *page,
    const struct pciback_topology *topology, const struct pciback_host *host,
    struct pciback_log *log, void *handle, uint64_t now)
{
	*channel = (struct pciback_channel){
		.page = page,
		.topology = topology,
		.host = host,
		.log = log,
		.handle = handle,
	};
	pciback_limit_init(&channel->limit, PCIBACK_REQUESTS_PER_SECOND, PCIBACK_REQUESTS_BURST, now);
}

/* A request, fetched once; its vectors are in the channel. Numbers that are signed in the page are
 * too large here if they were negative. */
struct request {
	uint32_t command;
	uint32_t domain;
	uint32_t bus;
	uint32_t devfn;
	uint32_t offset;
	uint32_t size;
	uint32_t value;
};

/* Whether the frontend waits for an answer; what it wrote before is visible then. */
static inline bool
is_pending(const struct pciback_page *page)
{
	return (atomic_load_explicit(&page->flags, memory_order_acquire) & PCIBACK_FLAG_REQUEST) != 0;
}

bool
pciback_channel_pending(const struct pciback_channel *channel)
{
	return is_pending(channel->page);
}

bool
pciback_channel_expect(const struct pciback_channel *channel, unsigned n_polls)
{
	for (unsigned i = 0; i < n_polls; i++)
		if (is_pending(channel->page))
			return true;
	return false;
}

/* Reads each word of the page once; what comes later is decided on the copy (XSA-155). */
static inline struct request
fetch(const struct pciback_page_request *page)
{
	return (struct request){
		.command = atomic_load_explicit(&page->command, memory_order_relaxed),
		.domain = atomic_load_explicit(&page->domain, memory_order_relaxed),
		.bus = atomic_load_explicit(&page->bus, memory_order_relaxed),
		.devfn = atomic_load_explicit(&page->devfn, memory_order_relaxed),
		.offset = (uint32_t)atomic_load_explicit(&page->offset, memory_order_relaxed),
		.size = (uint32_t)atomic_load_explicit(&page->size, memory_order_relaxed),
		.value = atomic_load_explicit(&page->value, memory_order_relaxed),
	};
}

/* The rest of a request that has vectors: no more of them than it says, and none if it says too
 * many. Returns how many. */
static uint32_t
fetch_vectors(const struct pciback_page_request *page, uint32_t command, uint32_t n,
    struct pciback_vector vectors[PCIBACK_VECTORS_MAX])
{
	if (command != PCIBACK_ENABLE_MSIX || n > PCIBACK_VECTORS_MAX)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		vectors[i] = (struct pciback_vector){
			.entry = atomic_load_explicit(&page->vectors[i].entry, memory_order_relaxed),
		};
	return n;
}

/* As many vectors as were asked for, and nothing else of the entries. */
static void
reply_vectors(struct pciback_page_request *page, const struct pciback_vector *vectors, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		atomic_store_explicit(&page->vectors[i].vector, vectors[i].vector,
		    memory_order_relaxed);
}

/* A request that is no access to the configuration space. */
PCIBACK_COLD enum pciback_answer
act(struct pciback_channel *channel, struct pciback_device *device, uint32_t command, uint32_t *value)
{
	struct pciback_page_request *page = &channel->page->request;
	uint32_t n_vectors = fetch_vectors(page, command, *value, channel->vectors);
	enum pciback_answer error;

	/* The compiler is done with the vectors, too. */
	atomic_thread_fence(memory_order_acquire);
	error = pciback_interrupt_act(device, command, value, channel->vectors);
	if (error == PCIBACK_DONE)
		reply_vectors(page, channel->vectors, n_vectors);
	return error;
}

PCIBACK_COLD void
refuse(struct pciback_channel *channel, uint32_t command, uint32_t offset, uint32_t size, enum pciback_answer error)
{
	channel->n_refused++;
	/* Not logged: a guest that scans its bus asks for every place there is. */
	if (error != PCIBACK_NO_DEVICE)
		pciback_log_write(channel->log, PCIBACK_LOG_INFO, "command %" PRIu32 " at %" PRIx32
		    " of %" PRIu32 " bytes is answered with %d", command, offset, size, (int)error);
}

/* One request that is pending. */
PCIBACK_HOT void
serve_one(struct pciback_channel *channel, struct pciback_page *page)
{
	const struct request request = fetch(&page->request);
	const struct pciback_place *place;
	enum pciback_answer error;
	uint32_t value;

	/* The compiler, too, is done with the page before anything is decided. */
	atomic_thread_fence(memory_order_acquire);
	place = pciback_topology_find(channel->topology, request.domain, request.bus, request.devfn);
	if (request.command == PCIBACK_CONFIG_READ) {
		/* One that fails is answered with 0. */
		value = 0;
		error = place == NULL ? PCIBACK_NO_DEVICE :
		    pciback_config_read_inline(place->device, request.offset, request.size, &value);
	} else {
		value = request.value;
		if (place == NULL)
			error = PCIBACK_NO_DEVICE;
		else if (request.command == PCIBACK_CONFIG_WRITE)
			error = pciback_config_write(place->device, request.offset, request.size, value);
		else
			error = act(channel, place->device, request.command, &value);
	}
	channel->n_requests++;
	if (error != PCIBACK_DONE)
		refuse(channel, request.command, request.offset, request.size, error);
	atomic_store_explicit(&page->request.value, value, memory_order_relaxed);
	atomic_store_explicit(&page->request.error, error, memory_order_relaxed);
	/* All of the answer is there before the flag says so. The other flags are the guest's. */
	(void)atomic_fetch_and_explicit(&page->flags, ~(uint32_t)PCIBACK_FLAG_REQUEST,
	    memory_order_release);
	channel->host->operations->notify(channel->host->world, channel->handle);
}

int
pciback_channel_serve(struct pciback_channel *channel, uint64_t now, unsigned max)
{
	struct pciback_page *page = channel->page;
	unsigned served;

	channel->log->now = now;
	for (served = 0; served < max && is_pending(page); served++) {
		if (!pciback_limit_take(&channel->limit, now)) {
			pciback_log_limited(channel->log, "makes more requests than it may each second; they have to wait");
			return -EAGAIN;
		}
		serve_one(channel, page);
	}
	return (int)served;
}
