/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OPERATIONS_H
#define PCIBACK_OPERATIONS_H

#include <stddef.h>
#include <stdint.h>

#include <pciback/log.h>

/*
 * What the path of a request asks of the host: access to devices, interrupts, events, the log.
 */

/* One MSI-X vector: which entry of the device's table, and the pirq that it got. */
struct pciback_vector {
	uint16_t vector;
	uint16_t entry;
};

/*
 * `handle` names a device or a channel and is what the caller put into its
 * settings; `world` is the process's own. Operations on a device (all but notify and log) use the
 * handle alone, so that a process can put those of a binding into a table of its own. They are
 * only ever called for the device that a request was looked up to, with values that were checked.
 *
 * Each returns 0 or a negative errno value, and then leaves *ret_ values alone. None may block for long: a guest waits with
 * interrupts off. A NULL member is an operation that the host does not have.
 */
struct pciback_operations {
	/* Reads `size` (1, 2 or 4) bytes at `offset`, a multiple of it, below the device's
	 * config_size. The bits above are zero. */
	int (*config_read)(void *world, void *handle, unsigned offset, unsigned size,
	    uint32_t *ret_value);

	/* Writes exactly these bytes. A binding that can only write 32 bits at once has to write
	 * zeros to bits that are cleared by ones, and what it read to others. */
	int (*config_write)(void *world, void *handle, unsigned offset, unsigned size,
	    uint32_t value);

	/* Turns decoding of memory and I/O on for the kinds of BAR that the device has; it stays on
	 * for as long as a guest holds the device (XSA-120). */
	int (*device_enable)(void *world, void *handle);

	/* Moves the device to D0 (0) to D3hot (3); restores what the device forgets on its way back
	 * [PM 5.4]. May be NULL: power states are then left alone. */
	int (*power_set)(void *world, void *handle, unsigned state);

	/*
	 * Gives the guest one MSI: maps a pirq (never 0, which Linux's frontend refuses), programs
	 * address and data, and sets the enable bit; INTX_DISABLE is the library's and is set by
	 * then. A failure leaves nothing behind. disable takes all of it back; what it could not is
	 * logged, and INTx is on again for the guest.
	 * May be NULL, both of them: the device then has no MSI.
	 */
	int (*msi_enable)(void *world, void *handle, uint32_t *ret_pirq);
	int (*msi_disable)(void *world, void *handle);

	/*
	 * The same for `n` (1 to PCIBACK_VECTORS_MAX) entries of the MSI-X table, which exist and
	 * differ; fills in their vectors. -ENOMEM is told to the guest as such.
	 */
	int (*msix_enable)(void *world, void *handle, struct pciback_vector *vectors, size_t n);
	int (*msix_disable)(void *world, void *handle);

	/* Sends an event to the guest behind a channel. */
	void (*notify)(void *world, void *handle);

	/* One line without a newline, at most PCIBACK_LOG_LINE bytes with its NUL; any byte in it is
	 * printable ASCII. */
	void (*log)(void *world, enum pciback_log_level level, const char *line);
};

struct pciback_host {
	const struct pciback_operations *operations;
	void *world;
};

#endif
