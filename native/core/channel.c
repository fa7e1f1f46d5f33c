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

/*
 * The path of a request, in this order: claim the channel, copy the request once, find the
 * device, decide and act on the copy, write the answer, clear the flag, notify, release, look
 * again. The second half, a device's policy, is in core/policy/access.c.
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
fetch_vectors(const struct pciback_page_request *page, const struct request *request,
    struct pciback_vector vectors[PCIBACK_VECTORS_MAX])
{
	if (request->command != PCIBACK_ENABLE_MSIX || request->value > PCIBACK_VECTORS_MAX)
		return 0;
	for (uint32_t i = 0; i < request->value; i++)
		vectors[i] = (struct pciback_vector){
			.entry = atomic_load_explicit(&page->vectors[i].entry, memory_order_relaxed),
		};
	return request->value;
}

/* As many vectors as were asked for, and nothing else of the entries. */
static void
reply_vectors(struct pciback_page_request *page, const struct pciback_vector *vectors, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		atomic_store_explicit(&page->vectors[i].vector, vectors[i].vector,
		    memory_order_relaxed);
}

/* Decides on a request and acts; *value is then what the request's value is answered with. */
static inline enum pciback_answer
decide(struct pciback_channel *channel, struct request request, uint32_t *value)
{
	struct pciback_device *device = pciback_topology_find(channel->topology, request.domain,
	    request.bus, request.devfn);
	enum pciback_answer error;

	/* A read that fails is answered with 0. */
	*value = request.command == PCIBACK_CONFIG_READ ? 0 : request.value;
	/* Not logged: a guest that scans its bus asks for every place there is. */
	if (device == NULL)
		return PCIBACK_NO_DEVICE;
	if (request.command == PCIBACK_CONFIG_READ)
		error = pciback_config_read(device, request.offset, request.size, value);
	else if (request.command == PCIBACK_CONFIG_WRITE)
		error = pciback_config_write(device, request.offset, request.size, request.value);
	else
		error = pciback_interrupt_act(device, request.command, value, channel->vectors);
	if (error != PCIBACK_DONE)
		pciback_log_write(channel->log, PCIBACK_LOG_INFO, "command %" PRIu32 " at %" PRIx32
		    " of %" PRIu32 " bytes is answered with %d", request.command, request.offset,
		    request.size, (int)error);
	return error;
}

/* One request that is pending, by whoever holds the claim. */
static inline void
serve_one(struct pciback_channel *channel, struct pciback_page *page)
{
	struct request request = fetch(&page->request);
	uint32_t n_vectors = 0, value;
	enum pciback_answer error;

	if (request.command > PCIBACK_CONFIG_WRITE)
		n_vectors = fetch_vectors(&page->request, &request, channel->vectors);
	/* The compiler, too, is done with the page before anything is decided. */
	atomic_thread_fence(memory_order_acquire);
	error = decide(channel, request, &value);
	channel->n_requests++;
	if (error != PCIBACK_DONE)
		channel->n_refused++;
	else if (request.command > PCIBACK_CONFIG_WRITE)
		reply_vectors(&page->request, channel->vectors, n_vectors);
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
	unsigned served = 0;
	bool may = true;

	do {
		if (atomic_exchange_explicit(&channel->claimed, 1, memory_order_acquire) != 0)
			return served > 0 ? (int)served : -EBUSY;
		channel->log->now = now;
		while (served < max && is_pending(page)) {
			may = pciback_limit_take(&channel->limit, now);
			if (!may)
				break;
			serve_one(channel, page);
			served++;
		}
		atomic_store_explicit(&channel->claimed, 0, memory_order_release);
		/* A request that came after the last look, while others were kept out, is not lost. */
	} while (may && served < max && is_pending(page));
	if (may)
		return (int)served;
	pciback_log_limited(channel->log, "makes more requests than it may each second; they have to wait");
	return -EAGAIN;
}
