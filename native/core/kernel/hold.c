/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "hold.h"

#include <errno.h>
#include <string.h>

#include <pciback/registers.h>
#include <pciback/taken.h>

#include "../guest/error.h"
#include "../guest/slot.h"
#include "../guest/take.h"
#include "owner.h"
#include "share.h"

int
pciback_kernel_find_line(const struct pciback_backend *backend, const struct pciback_kernel_host *host,
    struct pciback_device_settings *settings, uint8_t stated, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_hardware *hardware = &backend->hardware;
	uint32_t pin = 0, gsi = 0;
	int r = hardware->operations->config_read(hardware->world, settings->handle, REG_INTERRUPT_PIN, 1, &pin);

	settings->interrupt_line = 0;
	settings->line_source = PCIBACK_LINE_NONE;
	if (r < 0) {
		pciback_error_explain(message, &settings->address, "doesn't tell its interrupt pin: %s", strerror(-r));
		return r;
	}
	if (pin == 0)
		return 0;
	r = host->interrupt(host->world, &settings->address, &gsi);
	if (r == -ENOENT && stated != 0) {
		pciback_settings_set_line(settings, 0, stated);
		return 0;
	}
	if (r < 0) {
		pciback_error_explain(message, &settings->address, "has an interrupt that the kernel's messages of this boot "
		    "don't tell any more; boot once more, and keep /var/run/dmesg.boot, or state it with irq=");
		return r;
	}
	if (gsi == 0 || gsi >= INTERRUPT_LINE_NONE) {
		pciback_error_explain(message, &settings->address, "has interrupt %u, which INTERRUPT_LINE can't say to a guest",
		    (unsigned)gsi);
		return -ERANGE;
	}
	settings->interrupt_line = (uint8_t)gsi;
	settings->line_source = PCIBACK_LINE_SYSTEM;
	return 0;
}

static int
check_bars(const struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++) {
		if ((slot->settings.unset_bars & 1u << i) == 0)
			continue;
		pciback_error_explain(message, &slot->address, "has no address in BAR %u: the firmware left it out, and NetBSD "
		    "gives none to a hidden device", i);
		return -ENXIO;
	}
	return 0;
}

int
pciback_kernel_hold(struct pciback_backend *backend, const struct pciback_kernel_host *host,
    const struct pciback_wanted *wanted, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_address *address = &wanted->address;
	struct pciback_slot *slot = NULL;
	int r;

	if (!host->holds(host->world, address)) {
		pciback_error_explain(message, address, "is not kept by pciback(4): hide it, reboot, and look into "
		    "/kern/xen/pci");
		return -ENOENT;
	}
	if (pciback_backend_taken(backend, address) != NULL) {
		pciback_error_explain(message, address, "is named twice for the same guest");
		return -EEXIST;
	}
	/* Before it is opened, which asks its BARs for their sizes. */
	r = pciback_backend_check(backend, wanted, 1, message);
	if (r == 0)
		r = pciback_kernel_check_owner(backend, address, backend->allow | wanted->allow, message);
	if (r == 0)
		r = pciback_slot_take(backend, address, 0, wanted->allow, 0, &slot, message);
	if (r < 0)
		return r;
	r = check_bars(slot, message);
	if (r == 0)
		r = pciback_kernel_find_line(backend, host, &slot->settings, wanted->irq, message);
	if (r == 0)
		r = pciback_slot_check_irq(&slot->settings, wanted->irq, message);
	if (r == 0)
		r = pciback_kernel_check_shared(slot, host, message);
	if (r < 0)
		pciback_slot_return(slot, true);
	return r;
}

int
pciback_kernel_write_line(const struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	int r = 0;

	if (slot->settings.interrupt_line != 0)
		r = hardware->operations->config_write(hardware->world, slot->settings.handle, REG_INTERRUPT_LINE, 1,
		    slot->settings.interrupt_line);
	if (r < 0)
		pciback_error_explain(message, &slot->address, "doesn't take its interrupt's number: %s", strerror(-r));
	return r;
}

void
pciback_kernel_let_go(struct pciback_backend *backend)
{
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].is_taken && backend->slots[i].guest != NULL)
			pciback_slot_take_back(&backend->slots[i]);
	for (size_t i = 0; i < backend->n_slots; i++)
		if (backend->slots[i].is_taken)
			pciback_slot_return(&backend->slots[i], !pciback_slot_is_held_back(&backend->slots[i]));
}
