/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/aer.h>

#include <errno.h>

#include <pciback/operations.h>

bool
pciback_aer_is_handled(const struct pciback_channel *channel)
{
	uint32_t flags = atomic_load_explicit(&channel->page->flags, memory_order_relaxed);

	return (flags & PCIBACK_FLAG_AER_HANDLER) != 0;
}

int
pciback_aer_send(struct pciback_channel *channel, enum pciback_command command, int32_t state,
    const struct pciback_address *place)
{
	struct pciback_page *page = channel->page;
	uint32_t flags;

	if (command < PCIBACK_AER_DETECTED || command > PCIBACK_AER_SLOT_RESET)
		return -EINVAL;
	flags = atomic_load_explicit(&page->flags, memory_order_acquire);
	if ((flags & PCIBACK_FLAG_AER_HANDLER) == 0)
		return -ENOTSUP;
	if (channel->aer_pending)
		return -EBUSY;
	atomic_store_explicit(&page->aer.command, command, memory_order_relaxed);
	atomic_store_explicit(&page->aer.error, state, memory_order_relaxed);
	atomic_store_explicit(&page->aer.domain, place->domain, memory_order_relaxed);
	atomic_store_explicit(&page->aer.bus, place->bus, memory_order_relaxed);
	atomic_store_explicit(&page->aer.devfn, (uint32_t)place->device << 3 | place->function,
	    memory_order_relaxed);
	(void)atomic_fetch_or_explicit(&page->flags, PCIBACK_FLAG_AER, memory_order_release);
	channel->aer_pending = true;
	channel->host->operations->notify(channel->host->world, channel->handle);
	return 0;
}

int
pciback_aer_take(struct pciback_channel *channel, enum pciback_recovery *ret_result)
{
	struct pciback_page *page = channel->page;
	int32_t result;

	if (!channel->aer_pending)
		return -ENOENT;
	if ((atomic_load_explicit(&page->flags, memory_order_acquire) & PCIBACK_FLAG_AER) != 0)
		return -EAGAIN;
	channel->aer_pending = false;
	result = atomic_load_explicit(&page->aer.error, memory_order_relaxed);
	if (result < PCIBACK_RECOVERY_NONE || result > PCIBACK_RECOVERY_DONE)
		result = PCIBACK_RECOVERY_DISCONNECT;
	*ret_result = (enum pciback_recovery)result;
	return 0;
}

void
pciback_aer_cancel(struct pciback_channel *channel)
{
	(void)atomic_fetch_and_explicit(&channel->page->flags, ~(uint32_t)PCIBACK_FLAG_AER,
	    memory_order_release);
	channel->aer_pending = false;
}
