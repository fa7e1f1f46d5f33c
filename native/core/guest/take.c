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

#include "clean.h"
#include "error.h"
#include "remember.h"

/* Of a device that is gone, the slot knows what a domain that lives may have mapped of it. */
static struct pciback_slot *
free_slot(struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (!backend->slots[i].is_taken && !pciback_slot_is_held_back(&backend->slots[i]))
			return &backend->slots[i];
	return NULL;
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

int
pciback_slot_check_irq(const struct pciback_device_settings *settings, uint8_t irq, char message[PCIBACK_LOG_LINE])
{
	unsigned stated = irq, line = settings->interrupt_line;

	if (irq == 0 || settings->line_source == PCIBACK_LINE_FIRMWARE ||
	    (settings->line_source == PCIBACK_LINE_SYSTEM && line == stated))
		return 0;
	if (settings->line_source == PCIBACK_LINE_NONE)
		pciback_error_explain(message, &settings->address, "has no interrupt line that irq=%u could be: leave irq out",
		    stated);
	else if (line == 0)
		pciback_error_explain(message, &settings->address, "has an interrupt above 254, as the system itself says, which "
		    "irq=%u contradicts: leave irq out", stated);
	else
		pciback_error_explain(message, &settings->address, "has interrupt %u, as the system itself says, which irq=%u "
		    "contradicts: leave irq out", line, stated);
	return -EINVAL;
}

int
pciback_slot_take(struct pciback_backend *backend, const struct pciback_address *address, uint16_t domain,
    unsigned consent, uint8_t irq, struct pciback_slot **ret_slot, char message[PCIBACK_LOG_LINE])
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
	slot->irq = irq;
	r = hardware->operations->config_read(hardware->world, slot->settings.handle, REG_COMMAND, 2,
	    &slot->command);
	if (r == 0)
		r = pciback_clean_silence(slot);
	if (r < 0)
		pciback_error_explain(message, address, "can't be silenced: %s", strerror(-r));
	if (r == 0)
		r = pciback_slot_check_irq(&slot->settings, irq, message);
	if (r == 0)
		r = put_into_quarantine(slot, domain, message);
	if (r == 0)
		r = pciback_clean_begin(slot, PCIBACK_CLEAN_FIRST, message);
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
	int r = slot->is_clean ? 0 : pciback_clean_silence(slot);

	if (r < 0)
		pciback_error_explain(message, &slot->address, "can't be silenced: %s", strerror(-r));
	if (r == 0)
		r = put_into_quarantine(slot, 0, message);
	if (r < 0)
		return r;
	pciback_clean_try(slot);
	return pciback_slot_is_cleaned(slot) || slot->has_table != had_table ? 0 : pciback_clean_protect_table(slot, message);
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
	if (to_dom0 && slot->lost == 0 && !slot->is_stuck && pciback_clean_command(slot, COMMAND_DECODE | COMMAND_MASTER |
	    COMMAND_INTX_DISABLE, slot->command & (COMMAND_DECODE | COMMAND_INTX_DISABLE)) < 0)
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, 0, "%s goes back to dom0 and does not answer",
		    name);
	backend->hardware.release(backend->hardware.world, slot->settings.handle, to_dom0);
	backend->n_taken--;
}

void
pciback_slot_drop(struct pciback_slot *slot)
{
	if (pciback_clean_is_stuck(slot)) {
		slot->is_new = false;
		pciback_remember(slot, PCIBACK_SETTLED);
	} else if (!pciback_slot_is_cleaned(slot)) {
		pciback_slot_return(slot, true);
	}
}
