/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/backend.h>

#include <errno.h>
#include <inttypes.h>

/*
 * The path of a request, in this order: claim the channel, copy the request once, decide and act
 * on the copy, write the answer, clear the flag, notify, release, look again. The second half, a
 * device's policy, is in core/policy/access.c.
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

bool
pciback_channel_pending(const struct pciback_channel *channel)
{
	return (atomic_load_explicit(&channel->page->flags, memory_order_acquire) &
	    PCIBACK_FLAG_REQUEST) != 0;
}

/* Reads each word of the page once; what comes later is decided on the copy. Vectors are only
 * copied for a request that has them, and no more than it says. */
static void
fetch(const struct pciback_page_request *page, struct pciback_request *ret_request)
{
	ret_request->command = atomic_load_explicit(&page->command, memory_order_relaxed);
	ret_request->error = PCIBACK_DONE;
	ret_request->domain = atomic_load_explicit(&page->domain, memory_order_relaxed);
	ret_request->bus = atomic_load_explicit(&page->bus, memory_order_relaxed);
	ret_request->devfn = atomic_load_explicit(&page->devfn, memory_order_relaxed);
	ret_request->offset = atomic_load_explicit(&page->offset, memory_order_relaxed);
	ret_request->size = atomic_load_explicit(&page->size, memory_order_relaxed);
	ret_request->value = atomic_load_explicit(&page->value, memory_order_relaxed);
	ret_request->info = 0;
	if (ret_request->command != PCIBACK_ENABLE_MSIX ||
	    ret_request->value > PCIBACK_VECTORS_MAX)
		return;
	for (uint32_t i = 0; i < ret_request->value; i++)
		ret_request->vectors[i] = (struct pciback_vector){
			.entry = atomic_load_explicit(&page->vectors[i].entry, memory_order_relaxed),
		};
}

/* Writes what the frontend reads: the error, the value, and vectors for as many entries as it
 * asked for. */
static void
answer(struct pciback_page_request *page, const struct pciback_request *request,
    uint32_t n_vectors)
{
	for (uint32_t i = 0; i < n_vectors; i++)
		atomic_store_explicit(&page->vectors[i].vector, request->vectors[i].vector,
		    memory_order_relaxed);
	atomic_store_explicit(&page->value, request->value, memory_order_relaxed);
	atomic_store_explicit(&page->error, request->error, memory_order_relaxed);
}

static enum pciback_answer
act(struct pciback_device *device, struct pciback_request *request)
{
	enum pciback_answer result;

	switch (request->command) {
	case PCIBACK_CONFIG_READ:
		return pciback_config_read(device, (uint32_t)request->offset, (uint32_t)request->size,
		    &request->value);
	case PCIBACK_CONFIG_WRITE:
		return pciback_config_write(device, (uint32_t)request->offset, (uint32_t)request->size,
		    request->value);
	case PCIBACK_ENABLE_MSI:
		return pciback_msi_enable(device, &request->value);
	case PCIBACK_DISABLE_MSI:
		return pciback_msi_disable(device, &request->value);
	case PCIBACK_ENABLE_MSIX:
		result = pciback_msix_enable(device, request->vectors, request->value);
		if (result == PCIBACK_DONE)
			request->value = 0;
		return result;
	case PCIBACK_DISABLE_MSIX:
		return pciback_msix_disable(device, &request->value);
	default:
		/* Several vectors of plain MSI, commands that only a backend sends, and unknown ones. */
		return PCIBACK_NOT_IMPLEMENTED;
	}
}

void
pciback_request_handle(const struct pciback_topology *topology, struct pciback_log *log,
    struct pciback_request *request)
{
	struct pciback_device *device = pciback_topology_find(topology, request->domain,
	    request->bus, request->devfn);

	if (device == NULL) {
		/* No news: a guest that scans its bus asks for every place there is. */
		request->error = PCIBACK_NO_DEVICE;
		if (request->command == PCIBACK_CONFIG_READ)
			request->value = 0;
		return;
	}
	request->error = act(device, request);
	if (request->error != PCIBACK_DONE)
		pciback_log_write(log, PCIBACK_LOG_INFO, "command %" PRIu32 " at %" PRIx32
		    " of %" PRIu32 " bytes is answered with %" PRId32, request->command,
		    (uint32_t)request->offset, (uint32_t)request->size, request->error);
}

/* One request that is pending, by whoever holds the claim. */
static void
serve_one(struct pciback_channel *channel)
{
	struct pciback_page *page = channel->page;
	struct pciback_request request;
	uint32_t n_vectors = 0;

	fetch(&page->request, &request);
	if (request.command == PCIBACK_ENABLE_MSIX)
		n_vectors = request.value;
	/* The compiler, too, is done with the page before anything is decided. */
	atomic_thread_fence(memory_order_acquire);
	pciback_request_handle(channel->topology, channel->log, &request);
	channel->n_requests++;
	channel->n_refused += request.error != PCIBACK_DONE;
	answer(&page->request, &request, request.error == PCIBACK_DONE ? n_vectors : 0);
	/* All of the answer is there before the flag says so. The other flags are the guest's. */
	(void)atomic_fetch_and_explicit(&page->flags, ~(uint32_t)PCIBACK_FLAG_REQUEST,
	    memory_order_release);
	channel->host->operations->notify(channel->host->world, channel->handle);
}

int
pciback_channel_serve(struct pciback_channel *channel, uint64_t now, unsigned max)
{
	int served = 0;

	while (max-- > 0 && pciback_channel_pending(channel)) {
		bool may;

		if (atomic_exchange_explicit(&channel->claimed, 1, memory_order_acquire) != 0)
			return served > 0 ? served : -EBUSY;
		channel->log->now = now;
		may = pciback_limit_take(&channel->limit, now);
		/* Whoever held the claim before may have answered it. */
		if (may && pciback_channel_pending(channel)) {
			serve_one(channel);
			served++;
		}
		atomic_store_explicit(&channel->claimed, 0, memory_order_release);
		if (!may)
			return -EAGAIN;
	}
	return served;
}
