/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "take.h"

#include <errno.h>
#include <string.h>

#include <pciback/registers.h>
#include <pciback/reset.h>

#include "error.h"
#include "remember.h"

static struct pciback_slot *
free_slot(struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (!backend->slots[i].is_taken)
			return &backend->slots[i];
	return NULL;
}

static int
change_command(const struct pciback_slot *slot, uint32_t clear, uint32_t set)
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	uint32_t command = 0;
	int r = hardware->operations->config_read(hardware->world, slot->settings.handle, REG_COMMAND, 2,
	    &command);

	return r < 0 ? r : hardware->operations->config_write(hardware->world, slot->settings.handle,
	    REG_COMMAND, 2, (command & ~clear) | set);
}

int
pciback_slot_silence(const struct pciback_slot *slot)
{
	return change_command(slot, COMMAND_DECODE | COMMAND_MASTER, COMMAND_INTX_DISABLE);
}

int
pciback_slot_wake(const struct pciback_slot *slot)
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	return pciback_wake(hardware->operations, hardware->world, slot->settings.handle, slot->pristine.config,
	    hardware->pause);
}

int
pciback_slot_restore(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	void *handle = slot->settings.handle;
	int r = pciback_pristine_restore(&slot->pristine, hardware->operations, hardware->world, handle);

	/* A guest that had it and lives on may have its memory mapped; on some machines an access that no
	 * device answers is an error that ends the host (XSA-120). */
	if (r == 0)
		r = hardware->operations->device_enable(hardware->world, handle);
	if (r < 0)
		pciback_error_explain(message, &slot->address,
		    "could not be brought back to what it was when it was taken from dom0: %s", strerror(-r));
	slot->is_clean = r == 0;
	return r;
}

/*
 * Xen protects an MSI-X table only from mappings that are made later, so that it has to know the table
 * before any guest may map something; and it looks for the table in memory that is decoded
 * [Xen: msix_capability_init].
 */
static int
protect_table(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_xen *xen = &slot->backend->xen;
	int r;

	if (pciback_find_capability(slot->pristine.config, CAPABILITY_MSIX, MSIX_LENGTH) == 0)
		return 0;
	r = xen->operations->msix_table(xen->world, &slot->address, true);
	slot->has_table = r == 0;
	if (r < 0)
		pciback_error_explain(message, &slot->address,
		    "has an MSI-X table that Xen can't protect from the guest: %s", strerror(-r));
	return r;
}

int
pciback_slot_finish_cleaning(struct pciback_slot *slot, int result, char message[PCIBACK_LOG_LINE])
{
	int r = result;

	if (r == -ENOTSUP && (pciback_slot_allow(slot) & PCIBACK_ALLOW_NO_RESET) == 0) {
		pciback_error_explain(message, &slot->address, "can't be reset, so that its next owner would "
		    "find what the last one left in it (allow no-reset if you trust them)");
		return r;
	}
	if (r == 0 || r == -ENOTSUP)
		r = pciback_slot_wake(slot);
	if (r == -ETIMEDOUT)
		pciback_error_explain(message, &slot->address, "did not end its reset within %d seconds",
		    PCIBACK_WAIT_RESET / 1000);
	else if (r < 0)
		pciback_error_explain(message, &slot->address, "could not be reset: %s", strerror(-r));
	if (r < 0)
		return r;
	r = pciback_slot_restore(slot, message);
	if (r == 0 && !slot->has_table)
		r = protect_table(slot, message);
	slot->is_clean = r == 0;
	return r;
}

/* Whether any device is being reset. */
static bool
is_any_reset(const struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].is_taken && backend->slots[i].reset_at != 0)
			return true;
	return false;
}

/* Returns as the hardware's, after waiting no longer than a hand-over takes anyway: others may wait for more than one. */
static int
reset(struct pciback_slot *slot)
{
	const struct pciback_backend *backend = slot->backend;
	const struct pciback_hardware *hardware = &backend->hardware;
	int left = backend->waits_for_resets ? PCIBACK_WAIT_RESET : is_any_reset(backend) ? 0 : PCIBACK_WAIT_HERE, r;

	while ((r = hardware->reset(hardware->world, slot->settings.handle)) > 0 && r <= left) {
		hardware->pause(hardware->world, (unsigned)r);
		left -= r;
	}
	return r > 0 && backend->waits_for_resets ? -ETIMEDOUT : r;
}

int
pciback_slot_clean(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_backend *backend = slot->backend;
	int r = slot->is_stuck ? 0 : pciback_slot_silence(slot);

	slot->is_clean = false;
	slot->problem[0] = '\0';
	if (r == 0)
		r = reset(slot);
	if (r > 0) {
		slot->reset_at = backend->now + (unsigned)r;
		slot->reset_end = backend->now + PCIBACK_WAIT_RESET;
		return -EINPROGRESS;
	}
	slot->is_stuck = false;
	return pciback_slot_finish_cleaning(slot, r, message);
}

bool
pciback_slot_is_stuck(struct pciback_slot *slot)
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	char message[PCIBACK_LOG_LINE];
	int r;

	if (!slot->is_stuck)
		return false;
	r = hardware->reset(hardware->world, slot->settings.handle);
	slot->is_stuck = r > 0;
	/* Its reset has ended after all, and what was programmed is lost. */
	if (!slot->is_stuck)
		(void)pciback_slot_finish_cleaning(slot, r, message);
	return slot->is_stuck;
}

int
pciback_slot_await(struct pciback_slot *slot, uint16_t domain, char message[PCIBACK_LOG_LINE])
{
	slot->awaited_by = domain;
	pciback_error_explain(message, &slot->address, "is waited for until its reset has ended");
	return -EBUSY;
}

void
pciback_slot_try_to_clean(struct pciback_slot *slot)
{
	char message[PCIBACK_LOG_LINE];

	int r = 0;

	/* One that a driver has, is that driver's to program. */
	if (slot->lost == 0 && !slot->is_clean && slot->reset_at == 0)
		r = pciback_slot_clean(slot, message);
	if (r < 0 && r != -EINPROGRESS)
		pciback_backend_log(slot->backend, PCIBACK_LOG_ERROR, 0, "%s; nobody gets it before it can be",
		    message);
}

int
pciback_slot_explain_iommu(const struct pciback_slot *slot, int error, const char *what,
    char message[PCIBACK_LOG_LINE])
{
	bool is_missing = error == -EOPNOTSUPP || error == -ENOTSUP || error == -ENOSYS || error == -ENODEV;

	if (error == 0 || (is_missing && (pciback_slot_allow(slot) & PCIBACK_ALLOW_NO_IOMMU) != 0))
		return 0;
	if (is_missing)
		pciback_error_explain(message, &slot->address, "could write to all memory: there is no IOMMU for "
		    "it (allow no-iommu if you trust the guest)");
	else
		pciback_error_explain(message, &slot->address, "can't be %s: %s", what, strerror(-error));
	return error;
}

/* Of an earlier process that was killed the guest may have it still. */
static int
put_into_quarantine(struct pciback_slot *slot, uint16_t domain, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_xen *xen = &slot->backend->xen;
	int r = xen->operations->assign(xen->world, PCIBACK_DOMAIN_QUARANTINE, &slot->address, false);

	if (r == -EBUSY && domain != 0 &&
	    xen->operations->deassign(xen->world, domain, &slot->address) == 0)
		r = xen->operations->assign(xen->world, PCIBACK_DOMAIN_QUARANTINE, &slot->address, false);
	slot->is_in_quarantine = r == 0;
	return pciback_slot_explain_iommu(slot, r, "put into quarantine", message);
}

/* As it is in D0. What it has asleep tells how to wake it. */
static int
save(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	int r = pciback_pristine_save(&slot->pristine, hardware->operations, hardware->world,
	    &slot->settings);

	if (r == 0)
		r = pciback_slot_wake(slot);
	if (r == 0)
		r = pciback_pristine_save(&slot->pristine, hardware->operations, hardware->world,
		    &slot->settings);
	if (r < 0)
		pciback_error_explain(message, &slot->address, "does not answer: %s", strerror(-r));
	return r;
}

int
pciback_slot_take(struct pciback_backend *backend, const struct pciback_address *address, uint16_t domain,
    unsigned consent, struct pciback_slot **ret_slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_hardware *hardware = &backend->hardware;
	struct pciback_slot *slot = free_slot(backend);
	uint64_t sequence;
	int r;

	if (slot == NULL) {
		pciback_error_explain(message, address, "is one device too many: %zu are handled",
		    backend->n_slots);
		return -ENOSPC;
	}
	sequence = slot->sequence;
	memset(slot, 0, sizeof(*slot));
	slot->sequence = sequence;
	r = hardware->open(hardware->world, address, &slot->settings);
	if (r == -ENODEV)
		pciback_error_explain(message, address, "is no device of this machine");
	else if (r == -EBUSY)
		pciback_error_explain(message, address, "is in use by a driver of this system; hide it first");
	else if (r < 0)
		pciback_error_explain(message, address, "can't be opened: %s", strerror(-r));
	if (r < 0)
		return r;
	slot->is_taken = true;
	if (backend->n_taken++ == 0)
		backend->check_at = backend->now + PCIBACK_WAIT_CHECK;
	slot->backend = backend;
	slot->address = *address;
	slot->consent = consent;
	r = hardware->operations->config_read(hardware->world, slot->settings.handle, REG_COMMAND, 2,
	    &slot->command);
	if (r == 0)
		r = pciback_slot_silence(slot);
	if (r < 0)
		pciback_error_explain(message, address, "can't be silenced: %s", strerror(-r));
	if (r == 0)
		r = put_into_quarantine(slot, domain, message);
	if (r == 0)
		r = save(slot, message);
	if (r == 0)
		r = pciback_slot_clean(slot, message);
	slot->is_new = r == -EINPROGRESS;
	if (r < 0 && !slot->is_new) {
		pciback_slot_return(slot, true);
		return r;
	}
	pciback_remember(slot, slot->is_new ? PCIBACK_UNDER_WAY : PCIBACK_SETTLED);
	*ret_slot = slot;
	return 0;
}

int
pciback_slot_take_up(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	bool had_table = slot->has_table;
	int r = slot->is_clean ? 0 : pciback_slot_silence(slot);

	if (r < 0)
		pciback_error_explain(message, &slot->address, "can't be silenced: %s", strerror(-r));
	if (r == 0)
		r = put_into_quarantine(slot, 0, message);
	if (r < 0)
		return r;
	pciback_slot_try_to_clean(slot);
	return slot->reset_at != 0 || slot->has_table != had_table ? 0 : protect_table(slot, message);
}

void
pciback_slot_return(struct pciback_slot *slot, bool to_dom0)
{
	struct pciback_backend *backend = slot->backend;
	const struct pciback_xen *xen = &backend->xen;
	char name[PCIBACK_ADDRESS_SIZE];
	int r = 0;

	pciback_address_format(&slot->address, name);
	/* Nothing that is written of it holds from here on. */
	slot->is_taken = false;
	pciback_remember(slot, PCIBACK_SETTLED);
	if (to_dom0 && slot->has_table)
		r = xen->operations->msix_table(xen->world, &slot->address, false);
	if (r < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0,
		    "%s goes back to dom0 with an MSI-X table that Xen protects still: %s", name, strerror(-r));
	r = 0;
	if (to_dom0 && slot->is_in_quarantine)
		r = xen->operations->deassign(xen->world, PCIBACK_DOMAIN_QUARANTINE, &slot->address);
	if (r < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, "%s goes back to dom0, and stays in Xen's "
		    "quarantine, where it reaches no memory: %s", name, strerror(-r));
	/* As before, but that it writes to no memory. What a driver has that took it by itself is its own. */
	if (to_dom0 && slot->lost == 0 && !slot->is_stuck && change_command(slot, COMMAND_DECODE | COMMAND_MASTER |
	    COMMAND_INTX_DISABLE, slot->command & (COMMAND_DECODE | COMMAND_INTX_DISABLE)) < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, "%s goes back to dom0 and does not answer",
		    name);
	backend->hardware.release(backend->hardware.world, slot->settings.handle, to_dom0);
	backend->n_taken--;
}

void
pciback_slot_drop(struct pciback_slot *slot)
{
	slot->is_new = false;
	if (pciback_slot_is_stuck(slot))
		pciback_remember(slot, PCIBACK_SETTLED);
	else
		pciback_slot_return(slot, true);
}
