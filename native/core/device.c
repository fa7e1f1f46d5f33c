/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/device.h>

#include <errno.h>

#include <pciback/interrupt.h>
#include <pciback/operations.h>
#include <pciback/registers.h>

#include "policy/capability.h"
#include "policy/command.h"
#include "policy/header.h"
#include "policy/raw.h"
#include "policy/report.h"

/* The largest of each kind that is decoded: I/O ports on a bus, and a 32-bit BAR. */
#define IO_MAX		(UINT64_C(1) << 16)
#define MEMORY_32_MAX	(UINT64_C(1) << 32)

static bool
is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

static bool
is_range(const struct pciback_resource *resource, uint64_t smallest, uint64_t limit)
{
	/* At address 0 is what nobody assigned, and it must not be decoded. */
	return is_power_of_two(resource->size) && resource->size >= smallest &&
	    resource->size <= limit / 2 && resource->address != 0 &&
	    (resource->address & (resource->size - 1)) == 0 &&
	    resource->address <= limit - resource->size;
}

static bool
is_resource(const struct pciback_resource *resource)
{
	switch (resource->kind) {
	case PCIBACK_RESOURCE_NONE:
		return true;
	case PCIBACK_RESOURCE_IO:
		return is_range(resource, 4, IO_MAX);
	case PCIBACK_RESOURCE_MEM32:
		return is_range(resource, 16, MEMORY_32_MAX);
	case PCIBACK_RESOURCE_MEM64:
		/* More than any processor addresses. */
		return is_range(resource, 16, UINT64_C(1) << 63);
	}
	return false;
}

static int
refuse(const struct pciback_device *device, const char *what, unsigned number)
{
	pciback_device_report(device, PCIBACK_LOG_ERROR,
	    "can't be handed out: %s %x is impossible", what, number);
	return -EINVAL;
}

/* Checks what the binding said, and finds out which decoding its BARs need. */
static int
check_settings(const struct pciback_device *device, uint32_t *ret_decode)
{
	const struct pciback_device_settings *settings = &device->settings;
	unsigned n = device->header_type == 0 ? 6 : 2;
	uint32_t decode = 0;

	if (settings->config_size != PCIBACK_CONFIG_PCI &&
	    settings->config_size != PCIBACK_CONFIG_EXPRESS)
		return refuse(device, "a configuration space of size", settings->config_size);
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++) {
		const struct pciback_resource *resource = &settings->bars[i];
		bool is_high = i > 0 && settings->bars[i - 1].kind == PCIBACK_RESOURCE_MEM64;

		if (!is_resource(resource))
			return refuse(device, "the size or address of BAR", i);
		if ((resource->kind != PCIBACK_RESOURCE_NONE && (i >= n || is_high)) ||
		    (resource->kind == PCIBACK_RESOURCE_MEM64 && i + 1 >= n))
			return refuse(device, "a BAR at place", i);
		if (resource->kind == PCIBACK_RESOURCE_IO)
			decode |= COMMAND_IO;
		else if (resource->kind != PCIBACK_RESOURCE_NONE)
			decode |= COMMAND_MEMORY;
	}
	if (settings->rom.kind != PCIBACK_RESOURCE_NONE &&
	    (settings->rom.kind != PCIBACK_RESOURCE_MEM32 || !is_resource(&settings->rom) ||
	    settings->rom.size < ROM_BITS + 1))
		return refuse(device, "a ROM of kind", settings->rom.kind);
	/* The bits of a virtual function are wired to zero; what counts is those of its parent. */
	*ret_decode = settings->is_virtual_function ? 0 : decode;
	return 0;
}

/* The bits of COMMAND that are the guest's to have. */
static uint16_t
passed_command(const struct pciback_device_settings *settings)
{
	unsigned passed = settings->permissive ? COMMAND_FROM_DEVICE : COMMAND_PASSED;

	return (uint16_t)(settings->interrupt_control ? passed | COMMAND_INTX_DISABLE : passed);
}

/* Nothing that an earlier owner programmed goes on; of COMMAND, what is no guest's stays. */
static int
reset_command(struct pciback_device *device)
{
	uint32_t command;

	if (pciback_raw_read(device, REG_COMMAND, 2, &command) != PCIBACK_DONE)
		return -EIO;
	device->kept = (uint16_t)(command & ~(uint32_t)(COMMAND_FROM_DEVICE | COMMAND_INTX_DISABLE |
	    COMMAND_RESERVED));
	return pciback_command_apply(device, 0) == PCIBACK_DONE ? 0 : -EIO;
}

/* Decoding is on before the guest can see the device (XSA-120). */
static int
enable(struct pciback_device *device, uint32_t decode)
{
	const struct pciback_host *host = device->host;
	uint32_t command;
	int r = host->operations->device_enable(host->world, device->settings.handle);

	if (r < 0)
		return r;
	if (pciback_raw_read(device, REG_COMMAND, 2, &command) != PCIBACK_DONE)
		return -EIO;
	if ((decode & ~command) != 0) {
		pciback_device_report(device, PCIBACK_LOG_ERROR,
		    "can't be handed out: decoding could not be turned on");
		return -EIO;
	}
	device->kept = (uint16_t)(device->kept | (command & COMMAND_DECODE));
	device->command = device->kept;
	/* A virtual function decodes memory all the same. */
	if (device->settings.is_virtual_function)
		device->command |= COMMAND_MEMORY;
	return 0;
}

/* What a guest may see and write; and which decoding its BARs need. `is_new`: it begins with interrupts off. */
static int
lay_out(struct pciback_device *device, bool is_new, uint32_t *ret_decode)
{
	uint8_t first_capability = 0;
	uint32_t type;
	int r;

	if (pciback_raw_read(device, REG_HEADER_TYPE, 1, &type) != PCIBACK_DONE)
		return -EIO;
	device->header_type = type & HEADER_TYPE;
	if (device->header_type > 1)
		return refuse(device, "header type", device->header_type);
	r = check_settings(device, ret_decode);
	if (r == 0)
		r = pciback_policy_add_capabilities(device, is_new, &first_capability);
	return r < 0 ? r : pciback_policy_add_header(device, first_capability);
}

int
pciback_device_init(struct pciback_device *device, const struct pciback_host *host,
    struct pciback_log *log, const struct pciback_device_settings *settings)
{
	uint32_t decode;
	int r;

	*device = (struct pciback_device){ .host = host, .log = log, .settings = *settings,
		.passed = passed_command(settings) };
	r = reset_command(device);
	if (r < 0)
		return r;
	r = lay_out(device, true, &decode);
	return r < 0 ? r : enable(device, decode);
}

/* The register that shows a BAR, or the ROM behind them: its place among all, or -ENOENT. */
static int
find_bar(const struct pciback_device *device, unsigned number)
{
	unsigned n = device->header_type == 0 ? PCIBACK_RESOURCES : 2, offset = REG_BAR0 + 4 * number, i;

	if (number == PCIBACK_RESOURCES)
		offset = device->header_type == 0 ? REG_ROM : REG_BRIDGE_ROM;
	else if (number >= n)
		return -ENOENT;
	i = device->first[offset / 4];
	return device->registers[i].offset == offset ? (int)i : -ENOENT;
}

void
pciback_device_save(const struct pciback_device *device, struct pciback_device_state *ret_state)
{
	*ret_state = (struct pciback_device_state){
		.interrupt = device->interrupt,
		.interrupt_by_registers = device->interrupt_by_registers,
		.command = device->command,
		.kept = device->kept,
	};
	for (unsigned i = 0; i <= PCIBACK_RESOURCES; i++) {
		int bar = find_bar(device, i);

		if (bar >= 0 && device->registers[bar].value != 0)
			ret_state->sized |= (uint8_t)(1u << i);
	}
}

int
pciback_device_resume(struct pciback_device *device, const struct pciback_host *host,
    struct pciback_log *log, const struct pciback_device_settings *settings,
    const struct pciback_device_state *state)
{
	uint32_t decode;
	int r;

	*device = (struct pciback_device){ .host = host, .log = log, .settings = *settings,
		.passed = passed_command(settings) };
	r = lay_out(device, false, &decode);
	if (r < 0)
		return r;
	device->interrupt = state->interrupt;
	device->interrupt_by_registers = state->interrupt_by_registers;
	device->command = state->command;
	device->kept = state->kept;
	for (unsigned i = 0; i <= PCIBACK_RESOURCES; i++) {
		int bar = find_bar(device, i);

		if (bar >= 0)
			device->registers[bar].value = state->sized >> i & 1;
	}
	return 0;
}

int
pciback_device_close(struct pciback_device *device)
{
	int r = pciback_interrupt_release(device);

	if (pciback_command_apply(device, 0) != PCIBACK_DONE && r == 0)
		r = -EIO;
	return r;
}
