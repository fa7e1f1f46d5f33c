/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/kernel_backend.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../guest/error.h"
#include "../guest/slot.h"
#include "hold.h"
#include "owner.h"

/* Bits of a line's third number: libxl looks at the lowest, which is for ports. */
#define FLAGS_PORTS 0x101
#define FLAGS_MEMORY 0x200

/* The six BARs and the ROM, each from its first to its last byte; the second half of 64 bits is a line of zeros. */
static void
write_resource(const struct pciback_device_settings *settings, char text[PCIBACK_KERNEL_RESOURCE])
{
	size_t length = 0;

	for (unsigned i = 0; i <= PCIBACK_RESOURCES; i++) {
		const struct pciback_resource *resource = pciback_settings_resource(settings, i);
		uint64_t first = 0, last = 0;
		unsigned flags = 0;

		if (resource->kind != PCIBACK_RESOURCE_NONE) {
			first = resource->address;
			last = first + resource->size - 1;
			flags = resource->kind == PCIBACK_RESOURCE_IO ? FLAGS_PORTS : FLAGS_MEMORY;
		}
		length += (size_t)snprintf(text + length, PCIBACK_KERNEL_RESOURCE - length,
		    "0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016x\n", first, last, flags);
	}
}

static int
prepare(struct pciback_backend *backend, const struct pciback_slot *slot, struct pciback_kernel_files *ret_files,
    char message[PCIBACK_LOG_LINE])
{
	const struct pciback_xen *xen = &backend->xen;
	unsigned line = slot->settings.interrupt_line;
	uint32_t pirq;
	int r = 0;

	ret_files->irq[0] = '\0';
	write_resource(&slot->settings, ret_files->resource);
	if (line == 0)
		return 0;
	(void)snprintf(ret_files->irq, sizeof(ret_files->irq), "%u\n", line);
	/* Never unmapped again: dom0 would lose its right to it until the next boot. */
	r = xen->operations->pirq_map(xen->world, PCIBACK_DOMAIN_SELF, line, &pirq);
	if (r < 0) {
		pciback_error_explain(message, &slot->address, "has interrupt %u, which Xen does not map for dom0: %s", line,
		    strerror(-r));
		return r;
	}
	return pciback_kernel_write_line(slot, message);
}

int
pciback_kernel_prepare(struct pciback_backend *backend, const struct pciback_kernel_host *host,
    const struct pciback_wanted *devices, size_t n, struct pciback_kernel_files *ret_files,
    char message[PCIBACK_LOG_LINE])
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = pciback_kernel_hold(backend, host, &devices[i], message);
	for (size_t i = 0; i < n && r == 0; i++)
		r = prepare(backend, pciback_backend_taken(backend, &devices[i].address), &ret_files[i], message);
	if (r < 0)
		pciback_kernel_let_go(backend);
	else
		pciback_slot_give_up(backend);
	return r;
}

int
pciback_kernel_check_unused(struct pciback_backend *backend, const struct pciback_address *addresses, size_t n,
    char message[PCIBACK_LOG_LINE])
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = pciback_kernel_check_owner(backend, &addresses[i], backend->allow, message);
	return r;
}
