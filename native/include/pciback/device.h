/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_DEVICE_H
#define PCIBACK_DEVICE_H

/*
 * A device that a guest has: what the binding knows of it, how it is given to the guest and taken back.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/log.h>
#include <pciback/operations.h>
#include <pciback/register.h>

enum pciback_resource_kind {
	PCIBACK_RESOURCE_NONE,
	PCIBACK_RESOURCE_IO,
	PCIBACK_RESOURCE_MEM32,
	PCIBACK_RESOURCE_MEM64,		/* takes the next BAR as well, which is then NONE */
};

/* What one BAR decodes, in bytes. 64 bits throughout (XSA-476). */
struct pciback_resource {
	enum pciback_resource_kind kind;
	bool prefetchable;
	uint64_t address;		/* on the bus; a multiple of the size */
	uint64_t size;			/* a power of two: I/O from 4, memory from 16, ROM from 2048 */
};

#define PCIBACK_RESOURCES 6

/* Whence the number of an interrupt line is. */
enum pciback_line_source {
	PCIBACK_LINE_NONE,		/* the device has no interrupt pin */
	PCIBACK_LINE_FIRMWARE,		/* the register: the system has said none */
	PCIBACK_LINE_SYSTEM,		/* the system has routed it, and says so */
};

/* What the binding knows of a device. */
struct pciback_device_settings {
	struct pciback_address address;	/* the real one */
	void *handle;			/* for the operations */
	uint16_t vendor, device;	/* as the system found them: a virtual function shows neither */
	uint16_t config_size;		/* 256 or 4096 bytes */
	bool is_virtual_function;	/* of SR-IOV */
	struct pciback_resource bars[PCIBACK_RESOURCES];	/* a bridge has two */
	struct pciback_resource rom;	/* NONE or MEM32 */
	unsigned unset_bars;		/* bit n: BAR n has a size, but nobody gave it an address */
	uint8_t interrupt_line;		/* what the guest reads as such: the host's irq */
	enum pciback_line_source line_source;
	uint32_t pirq;			/* of INTx, 0 for none; the answer to disabling MSI */
	bool permissive;		/* writes to registers that nobody knows pass; logged */
	bool interrupt_control;		/* the guest may switch INTx, MSI and MSI-X in the registers */
	const struct pciback_quirk *quirks;	/* kept, not copied */
	size_t n_quirks;
};

/* The line of a device that has an interrupt pin: what the system said, 0 for nothing, or else what the register has. A
 * guest can be told 1 to 254. */
static inline void
pciback_settings_set_line(struct pciback_device_settings *settings, uint32_t said, uint8_t by_register)
{
	uint32_t line = said != 0 ? said : by_register;

	settings->line_source = said != 0 ? PCIBACK_LINE_SYSTEM : PCIBACK_LINE_FIRMWARE;
	settings->interrupt_line = line < UINT8_MAX ? (uint8_t)line : 0;
}

/* What a BAR decodes, by its number; PCIBACK_RESOURCES is that of the ROM. */
static inline const struct pciback_resource *
pciback_settings_resource(const struct pciback_device_settings *settings, unsigned number)
{
	return number < PCIBACK_RESOURCES ? &settings->bars[number] : &settings->rom;
}

/* The frames of 4096 bytes that a resource lies in, whole ones: the first, and how many. False, and nothing
 * set, for what is no memory. */
static inline bool
pciback_resource_frames(const struct pciback_resource *resource, uint64_t *ret_first, uint64_t *ret_n)
{
	if (resource->kind != PCIBACK_RESOURCE_MEM32 && resource->kind != PCIBACK_RESOURCE_MEM64)
		return false;
	*ret_first = resource->address >> 12;
	*ret_n = ((resource->address & 0xfff) + resource->size - 1) / 4096 + 1;
	return true;
}

/* Which interrupt a device may use: exactly one of them at a time. */
enum pciback_interrupt {
	PCIBACK_INTX,
	PCIBACK_MSI,
	PCIBACK_MSIX,
};

/* A header has at most 21, and the 48 dwords behind it two each; the rest is for quirks, and the
 * last one marks the end. */
#define PCIBACK_REGISTERS_MAX 128

/* A device that a guest has. Its members are set by the functions below and by core/policy. */
struct pciback_device {
	const struct pciback_host *host;
	struct pciback_log *log;
	struct pciback_device_settings settings;
	uint8_t header_type;		/* 0 device, 1 PCI bridge */
	enum pciback_interrupt interrupt;
	bool interrupt_by_registers;	/* switched on there, not by a request */
	uint16_t command;		/* COMMAND as the guest sees it */
	uint16_t kept, passed;		/* bits of COMMAND: always on; the guest's to have */
	uint16_t power_states;		/* bit n: the device can be in Dn */
	uint8_t msi, msix, power;	/* offsets of capabilities, 0 for none */
	uint16_t n_vectors;		/* of the MSI-X table */
	uint8_t n_registers;
	uint8_t first[64];		/* of each dword: the first register in or behind it */
	struct pciback_register registers[PCIBACK_REGISTERS_MAX];	/* sorted by offset */
};

/*
 * Gives a device to a guest: turns decoding on, bus mastering, MSI, MSI-X and wake-up events off,
 * and lays out its registers. `host` and `log` outlive the device; `settings` are copied.
 * Returns 0, -EINVAL when settings or header are impossible (the log says what), -EIO or what an
 * operation returned. A failure leaves bus mastering and MSI off.
 */
int pciback_device_init(struct pciback_device *device, const struct pciback_host *host,
    struct pciback_log *log, const struct pciback_device_settings *settings);

/* What of a device changes while a guest has it: enough for another process to go on with it. */
struct pciback_device_state {
	enum pciback_interrupt interrupt;
	bool interrupt_by_registers;
	uint16_t command, kept;		/* as in the device */
	uint8_t sized;			/* bit n: BAR n shows its size; the one behind the BARs is the ROM's */
};

void pciback_device_save(const struct pciback_device *device, struct pciback_device_state *ret_state);

/*
 * Makes a device of one that another process has given to a guest by pciback_device_init(): lays out its registers,
 * and writes nothing to it. Else as above; a failure leaves the device as it was.
 */
int pciback_device_resume(struct pciback_device *device, const struct pciback_host *host,
    struct pciback_log *log, const struct pciback_device_settings *settings,
    const struct pciback_device_state *state);

/* Takes the device back: MSI and MSI-X off, bus mastering off. Safe to call twice; an operation
 * that fails does not keep the others from being called. Returns 0 or the first failure. */
int pciback_device_close(struct pciback_device *device);

#endif
