/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "capability.h"

#include <errno.h>

#include "chain.h"
#include "command.h"
#include "quirks.h"
#include "raw.h"
#include "register.h"

/*
 * The registers of each capability that a guest is shown. What is hidden reads as zero, and no
 * register of a shown one can be another's MSI address.
 */

static enum pciback_answer
power_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	const struct pciback_host *host = device->host;
	uint32_t current, state = value & POWER_STATE, wanted;
	enum pciback_answer answer = pciback_raw_read(device, reg->offset, 2, &current);

	if (answer != PCIBACK_DONE)
		return answer;
	/* A state that the device does not have is ignored, as a device would [PM 3.2.4]. */
	if ((written & POWER_STATE) != 0 && state != (current & POWER_STATE) &&
	    (device->power_states & 1U << state) != 0 && host->operations->power_set != NULL) {
		if (host->operations->power_set(host->world, device->settings.handle, state) < 0 ||
		    pciback_command_apply(device, device->command) != PCIBACK_DONE)
			return PCIBACK_FAILED;
		answer = pciback_raw_read(device, reg->offset, 2, &current);
		if (answer != PCIBACK_DONE)
			return answer;
	}
	wanted = (current & ~(uint32_t)(POWER_PME_STATUS | POWER_DATA_SELECT)) |
	    (value & (POWER_PME_STATUS | POWER_DATA_SELECT));
	return wanted == (current & ~(uint32_t)POWER_PME_STATUS) ? PCIBACK_DONE :
	    pciback_raw_write(device, reg->offset, 2, wanted);
}

/* The state is changed by power_set() alone. */
static int
power_bound(const struct pciback_device *device, uint32_t current, uint32_t value, uint32_t *ret_value)
{
	(void)device;
	*ret_value = (current & ~(uint32_t)(POWER_PME_STATUS | POWER_DATA_SELECT)) |
	    (value & (POWER_PME_STATUS | POWER_DATA_SELECT));
	return 0;
}

static const struct pciback_register_type type_power = { .write = power_write, .bound = power_bound };

/* The guest reads vital product data and never writes it. The flag is also what a finished read
 * leaves in the register, so it is taken out of what is written back. */
static enum pciback_answer
vpd_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	if ((value & written & VPD_FLAG) != 0)
		return PCIBACK_DENIED;
	return pciback_raw_write(device, reg->offset, 2, value & ~(uint32_t)VPD_FLAG);
}

static int
vpd_bound(const struct pciback_device *device, uint32_t current, uint32_t value, uint32_t *ret_value)
{
	(void)device;
	(void)current;
	*ret_value = value & ~(uint32_t)VPD_FLAG;
	return 0;
}

static const struct pciback_register_type type_vpd = { .write = vpd_write, .bound = vpd_bound };

/*
 * Switches `enable` of a control register on or off for a guest that controls interrupts. What a
 * request switched on is a request's to switch off. The device's own bit decides nothing
 * (XSA-337).
 */
static enum pciback_answer
interrupt_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    enum pciback_interrupt kind, uint32_t enable, uint32_t mask_all)
{
	bool is_on = device->interrupt == kind, wants_on = (value & enable) != 0;
	enum pciback_answer answer;
	uint32_t current;

	answer = pciback_raw_read(device, reg->offset, 2, &current);
	if (answer != PCIBACK_DONE)
		return answer;
	if (is_on == wants_on && ((value ^ current) & mask_all) == 0)
		return PCIBACK_DONE;
	if (!device->settings.interrupt_control)
		return PCIBACK_DENIED;
	if (wants_on && !is_on && (device->interrupt != PCIBACK_INTX ||
	    (device->command & COMMAND_INTX_DISABLE) == 0))
		return PCIBACK_DENIED;
	if (!wants_on && is_on && !device->interrupt_by_registers)
		return PCIBACK_DENIED;
	answer = pciback_raw_write(device, reg->offset, 2, (current & ~(enable | mask_all)) |
	    (value & (enable | mask_all)));
	if (answer == PCIBACK_DONE && wants_on != is_on) {
		device->interrupt = wants_on ? kind : PCIBACK_INTX;
		device->interrupt_by_registers = wants_on;
	}
	return answer;
}

static enum pciback_answer
msi_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	(void)written;
	return interrupt_write(device, reg, value, PCIBACK_MSI, MSI_ENABLE, 0);
}

static enum pciback_answer
msix_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	(void)written;
	return interrupt_write(device, reg, value, PCIBACK_MSIX, MSIX_ENABLE, MSIX_MASK_ALL);
}

/* The bits of a control register that are open to a guest that controls interrupts. */
static int
interrupt_bound(const struct pciback_device *device, uint32_t current, uint32_t value, uint32_t open,
    uint32_t *ret_value)
{
	if (!device->settings.interrupt_control)
		return -EPERM;
	*ret_value = (current & ~open) | (value & open);
	return 0;
}

static int
msi_bound(const struct pciback_device *device, uint32_t current, uint32_t value, uint32_t *ret_value)
{
	return interrupt_bound(device, current, value, MSI_ENABLE, ret_value);
}

static int
msix_bound(const struct pciback_device *device, uint32_t current, uint32_t value, uint32_t *ret_value)
{
	return interrupt_bound(device, current, value, MSIX_ENABLE | MSIX_MASK_ALL, ret_value);
}

static const struct pciback_register_type type_msi = { .write = msi_write, .bound = msi_bound };
static const struct pciback_register_type type_msix = { .write = msix_write, .bound = msix_bound };

static int
add(struct pciback_device *device, uint32_t offset, uint8_t size,
    const struct pciback_register_type *type, uint32_t open, uint32_t value)
{
	struct pciback_register reg = {
		.offset = (uint16_t)offset,
		.size = size,
		.type = type,
		.read_only = pciback_size_mask(size) & ~open,
		.value = value,
	};

	return pciback_device_add_register(device, &reg);
}

static int
add_power(struct pciback_device *device, const struct pciback_capability *capability)
{
	uint32_t at = capability->offset, states = capability->first >> 16;
	const struct pciback_register control_register = {
		.offset = (uint16_t)(at + POWER_CONTROL),
		.size = 2,
		.type = &type_power,
		.clear_by_one = POWER_PME_STATUS,
		.read_only = 0xffff & ~(POWER_PME_STATUS | POWER_DATA_SELECT | POWER_STATE),
	};
	int r;

	device->power = capability->offset;
	device->power_states = (uint16_t)(1 << 0 | ((states & POWER_D1) != 0) << 1 |
	    ((states & POWER_D2) != 0) << 2 | 1 << 3);
	r = pciback_device_add_register(device, &control_register);
	return r < 0 ? r : add(device, at + POWER_BRIDGE, 2, NULL, 0, 0);
}

static int
add_vpd(struct pciback_device *device, const struct pciback_capability *capability)
{
	int r = add(device, capability->offset + VPD_ADDRESS, 2, &type_vpd, 0xffff, 0);

	return r < 0 ? r : add(device, capability->offset + VPD_DATA, 4, NULL, 0, 0);
}

/* What is not otherwise owned between two offsets, in whole dwords: shown as it is, or as zero. */
static int
add_rest(struct pciback_device *device, uint32_t begin, uint32_t end,
    const struct pciback_register_type *type)
{
	for (uint32_t at = begin; at < end; at += 4) {
		int r = add(device, at, 4, type, 0, 0);

		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

static int
add_msi(struct pciback_device *device, const struct pciback_capability *capability)
{
	int r = add(device, capability->offset + MSI_CONTROL, 2, &type_msi, MSI_ENABLE, 0);

	device->msi = capability->offset;
	/* Address, data, mask and pending bits belong to the host and say where it is. */
	return r < 0 ? r : add_rest(device, (uint32_t)capability->offset + 4, capability->end,
	    &pciback_register_fixed);
}

static int
add_msix(struct pciback_device *device, const struct pciback_capability *capability)
{
	int r = add(device, capability->offset + MSIX_CONTROL, 2, &type_msix,
	    MSIX_ENABLE | MSIX_MASK_ALL, 0);

	device->msix = capability->offset;
	device->n_vectors = (uint16_t)((capability->first >> 16 & MSIX_ENTRIES) + 1);
	return r < 0 ? r : add_rest(device, (uint32_t)capability->offset + 4, capability->end, NULL);
}

static int
add_express(struct pciback_device *device, const struct pciback_capability *capability)
{
	const struct pciback_register capabilities = {
		.offset = (uint16_t)(capability->offset + EXPRESS_DEVICE),
		.size = 4,
		.read_only = ~(uint32_t)EXPRESS_RESET,
		.preserve = EXPRESS_RESET,	/* the guest can't use it, so it isn't there */
	};
	int r = 0;

	if (capability->end >= (uint32_t)capability->offset + EXPRESS_DEVICE + 4)
		r = pciback_device_add_register(device, &capabilities);
	return r < 0 ? r : add_rest(device, (uint32_t)capability->offset + EXPRESS_DEVICE,
	    capability->end, NULL);
}

/* Whoever had the device before may have left interrupts or wake-up events on; shown or not, they
 * are off when a guest gets it. */
static int
switch_off(struct pciback_device *device, const struct pciback_capability *capability)
{
	uint32_t at = (uint32_t)capability->offset + 2, on = 0, others = 0, control;

	switch (capability->id) {
	case CAPABILITY_MSI:
		on = MSI_ENABLE;
		break;
	case CAPABILITY_MSIX:
		on = MSIX_ENABLE;
		break;
	case CAPABILITY_POWER:
		at = (uint32_t)capability->offset + POWER_CONTROL;
		on = POWER_PME_ENABLE;
		others = POWER_PME_STATUS;	/* stays as it is by a zero */
		break;
	default:
		return 0;
	}
	if (at >= PCIBACK_CONFIG_PCI)
		return 0;
	if (pciback_raw_read(device, at, 2, &control) != PCIBACK_DONE)
		return -EIO;
	if ((control & on) != 0 && pciback_raw_write(device, at, 2, control & ~(on | others)) !=
	    PCIBACK_DONE)
		return -EIO;
	return 0;
}

/* The registers of one that is shown; `next` is what it points to for the guest. */
static int
add_shown(struct pciback_device *device, const struct pciback_capability *capability, uint8_t next)
{
	uint32_t header = capability->id | (uint32_t)next << 8, constant = capability->first >> 16;
	uint8_t size = 4;
	int r;

	/* Where the upper half of the first dword never changes, it is shown as it was read. */
	switch (capability->id) {
	case CAPABILITY_POWER:
		header |= (constant & ~(uint32_t)POWER_PME) << 16;	/* wake-up stays the host's */
		break;
	case CAPABILITY_EXPRESS:
		header |= constant << 16;
		break;
	default:
		size = 2;
		break;
	}
	r = add(device, capability->offset, size, &pciback_register_fixed, 0, header);
	if (r < 0)
		return r;
	switch (capability->id) {
	case CAPABILITY_POWER:
		return add_power(device, capability);
	case CAPABILITY_VPD:
		return add_vpd(device, capability);
	case CAPABILITY_MSI:
		return add_msi(device, capability);
	case CAPABILITY_MSIX:
		return add_msix(device, capability);
	case CAPABILITY_EXPRESS:
		return add_express(device, capability);
	default:
		r = add(device, (uint32_t)capability->offset + 2, 2, NULL, 0, 0);
		return r < 0 ? r : add_rest(device, (uint32_t)capability->offset + 4, capability->end,
		    NULL);
	}
}

int
pciback_policy_add_capabilities(struct pciback_device *device, bool is_new, uint8_t *ret_first)
{
	struct pciback_chain chain;
	uint8_t next = 0;
	int r = pciback_chain_read(device, &chain);

	for (size_t i = 0; r == 0 && is_new && i < chain.n; i++)
		r = switch_off(device, &chain.list[i]);
	if (r == 0)
		pciback_chain_find_ends(device, &chain);
	/* From the end: each points to the next one that is shown. */
	for (size_t i = r == 0 ? chain.n : 0; r == 0 && i-- > 0;) {
		if (!chain.list[i].shown)
			continue;
		r = add_shown(device, &chain.list[i], next);
		next = chain.list[i].offset;
	}
	for (size_t i = 0; r == 0 && i < chain.n; i++)
		if (!chain.list[i].shown)
			r = add_rest(device, chain.list[i].offset, chain.list[i].end,
			    &pciback_register_fixed);
	if (r == 0)
		r = pciback_quirks_add(device);
	if (r == 0)
		*ret_first = next;
	return r;
}
