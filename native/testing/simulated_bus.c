/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "simulated_bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/registers.h>

#define MEMORY_MAX	(UINT64_C(1) << 20)
#define PORTS_MAX	UINT64_C(256)

/* Pirqs below are those of INTx. */
#define FIRST_PIRQ	256
#define LAST_PIRQ	0xffff

static uint32_t
load(const uint8_t *bytes, unsigned size)
{
	if (size == 4)
		return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		    (uint32_t)bytes[3] << 24;
	return size == 2 ? bytes[0] | (uint32_t)bytes[1] << 8 : bytes[0];
}

static void
store(uint8_t *bytes, unsigned size, uint32_t value)
{
	bytes[0] = (uint8_t)value;
	if (size == 1)
		return;
	bytes[1] = (uint8_t)(value >> 8);
	if (size == 2)
		return;
	bytes[2] = (uint8_t)(value >> 16);
	bytes[3] = (uint8_t)(value >> 24);
}

/* ---- Which bits can be written ---------------------------------------------------------- */

static void
set_bits(uint8_t *masks, unsigned offset, unsigned size, uint32_t value)
{
	store(masks + offset, size, value);
}

static void
set_up_header(struct pciback_simulated_device *device)
{
	uint8_t *writable = device->writable, *clear = device->clear_by_one;

	set_bits(writable, REG_COMMAND, 2, COMMAND_DECODE | COMMAND_MASTER | COMMAND_SPECIAL |
	    COMMAND_INVALIDATE | 1 << 6 | 1 << 8 | COMMAND_FAST_BACK | COMMAND_INTX_DISABLE);
	set_bits(clear, REG_STATUS, 2, STATUS_ERRORS);
	writable[REG_CACHE_LINE] = 0xff;
	writable[REG_LATENCY] = 0xff;
	writable[REG_INTERRUPT_LINE] = 0xff;
	writable[REG_BIST] = BIST_START;
	if (device->header_type != 1)
		return;
	/* Bus numbers, windows and the bridge's control register. */
	memset(writable + 0x18, 0xff, 0x34 - 0x18);
	set_bits(writable, 0x1e, 2, 0);
	set_bits(clear, 0x1e, 2, STATUS_ERRORS);
	set_bits(writable, 0x3e, 2, 0xffff);
}

static void
set_up_capability(struct pciback_simulated_device *device, unsigned at, uint8_t id)
{
	uint32_t control = load(device->config + at + 2, 2);
	unsigned size = 4;

	switch (id) {
	case CAPABILITY_POWER:
		if (device->power != 0 || at + POWER_LENGTH > PCIBACK_CONFIG_PCI)
			return;
		device->power = (uint8_t)at;
		memset(device->writable + at, 0, POWER_LENGTH);
		set_bits(device->writable, at + POWER_CONTROL, 2,
		    POWER_STATE | POWER_PME_ENABLE | POWER_DATA_SELECT);
		set_bits(device->clear_by_one, at + POWER_CONTROL, 2, POWER_PME_STATUS);
		return;
	case CAPABILITY_VPD:
		if (device->vpd != 0 || at + VPD_LENGTH > PCIBACK_CONFIG_PCI)
			return;
		device->vpd = (uint8_t)at;
		break;
	case CAPABILITY_MSI:
		size = 10U + ((control & MSI_64) != 0 ? 4U : 0U) +
		    ((control & MSI_MASKABLE) != 0 ? 10U : 0U);
		if (device->msi != 0 || at + size > PCIBACK_CONFIG_PCI)
			return;
		device->msi = (uint8_t)at;
		set_bits(device->writable, at + MSI_CONTROL, 2, MSI_ENABLE | MSI_MULTIPLE);
		set_bits(device->writable, at + 4, 4, ~UINT32_C(3));
		break;
	case CAPABILITY_EXPRESS:
		if (device->express != 0 || at + EXPRESS_LENGTH_1 > PCIBACK_CONFIG_PCI)
			return;
		device->express = (uint8_t)at;
		/* What resets it reads as zero. */
		device->config[at + EXPRESS_DEVICE_CONTROL + 1] &= (uint8_t)~(EXPRESS_RESET_NOW >> 8);
		break;
	case CAPABILITY_ADVANCED:
		if (device->advanced != 0 || at + ADVANCED_LENGTH > PCIBACK_CONFIG_PCI)
			return;
		device->advanced = (uint8_t)at;
		device->config[at + ADVANCED_CONTROL] &= (uint8_t)~ADVANCED_RESET_NOW;
		break;
	case CAPABILITY_MSIX:
		if (device->msix != 0 || at + MSIX_LENGTH > PCIBACK_CONFIG_PCI)
			return;
		device->msix = (uint8_t)at;
		memset(device->writable + at, 0, MSIX_LENGTH);
		set_bits(device->writable, at + MSIX_CONTROL, 2, MSIX_ENABLE | MSIX_MASK_ALL);
		return;
	default:
		break;
	}
	set_bits(device->writable, at, 2, 0);
}

/* Whatever is behind the header and in no capability takes what is written to it, so that a write
 * that should not have come can be seen. */
static void
set_up_capabilities(struct pciback_simulated_device *device)
{
	unsigned at = device->config[REG_CAPABILITIES] & 0xfcU;

	memset(device->writable + PCIBACK_CONFIG_HEADER, 0xff,
	    (size_t)(device->config_size - PCIBACK_CONFIG_HEADER));
	if ((load(device->config + REG_STATUS, 2) & STATUS_CAPABILITIES) == 0)
		return;
	for (unsigned i = 0; at >= PCIBACK_CONFIG_HEADER && i < PCIBACK_CONFIG_PCI / 4; i++) {
		set_up_capability(device, at, device->config[at]);
		at = device->config[at + 1] & 0xfcU;
	}
}

/* ---- Base address registers -------------------------------------------------------------- */

/* What can be written of an address register: the bits above its size. */
static void
set_up_bar(struct pciback_simulated_device *device, unsigned index)
{
	const struct pciback_resource *resource = index == PCIBACK_RESOURCES ? &device->rom :
	    &device->bars[index];
	uint64_t mask = ~(resource->size - 1);
	unsigned offset = REG_BAR0 + 4 * index;

	if (index == PCIBACK_RESOURCES) {
		offset = device->header_type == 0 ? REG_ROM : REG_BRIDGE_ROM;
		mask |= 1;		/* its enable bit */
	}
	set_bits(device->writable, offset, 4, (uint32_t)mask);
	if (resource->kind == PCIBACK_RESOURCE_MEM64)
		set_bits(device->writable, offset + 4, 4, (uint32_t)(mask >> 32));
}

static void
find_resources(struct pciback_simulated_device *device, const struct pciback_function *function)
{
	struct pciback_bar bars[PCIBACK_BARS_MAX];
	size_t n = pciback_bars(function, bars);
	unsigned rom = device->header_type == 0 ? REG_ROM : REG_BRIDGE_ROM;
	uint32_t address = load(device->config + rom, 4) & ~(uint32_t)ROM_BITS;

	for (size_t i = 0; i < n && device->header_type <= 1; i++) {
		struct pciback_resource *resource = &device->bars[bars[i].index];

		resource->address = bars[i].address;
		resource->prefetchable = bars[i].prefetchable;
		switch (bars[i].kind) {
		case PCIBACK_BAR_IO:
			resource->kind = PCIBACK_RESOURCE_IO;
			break;
		case PCIBACK_BAR_MEM32:
			resource->kind = PCIBACK_RESOURCE_MEM32;
			break;
		case PCIBACK_BAR_MEM64:
			resource->kind = PCIBACK_RESOURCE_MEM64;
			break;
		}
	}
	if (device->header_type <= 1 && address != 0)
		device->rom = (struct pciback_resource){
			.kind = PCIBACK_RESOURCE_MEM32,
			.address = address,
		};
}

static struct pciback_resource *
resource_at(struct pciback_simulated_device *device, unsigned index)
{
	return index == PCIBACK_RESOURCES ? &device->rom : &device->bars[index];
}

/* The largest size that fits between an address and the next one of the same kind. */
static uint64_t
guess_size(const struct pciback_simulated_bus *simulated, const struct pciback_resource *resource)
{
	bool is_io = resource->kind == PCIBACK_RESOURCE_IO;
	uint64_t size = is_io ? PORTS_MAX : MEMORY_MAX;

	for (size_t i = 0; i < simulated->n_devices; i++) {
		for (unsigned j = 0; j <= PCIBACK_RESOURCES; j++) {
			const struct pciback_resource *other =
			    resource_at(&simulated->devices[i], j);

			if (other->kind == PCIBACK_RESOURCE_NONE ||
			    (other->kind == PCIBACK_RESOURCE_IO) != is_io ||
			    other->address <= resource->address)
				continue;
			while (size > other->address - resource->address)
				size /= 2;
		}
	}
	while ((resource->address & (size - 1)) != 0)
		size /= 2;
	return size;
}

int
pciback_simulated_bus_init(struct pciback_simulated_bus *simulated, const struct pciback_bus *bus)
{
	*simulated = (struct pciback_simulated_bus){ .next_pirq = FIRST_PIRQ };
	simulated->devices = calloc(bus->n_functions, sizeof(*simulated->devices));
	if (simulated->devices == NULL)
		return bus->n_functions == 0 ? 0 : -ENOMEM;
	simulated->n_devices = bus->n_functions;
	for (size_t i = 0; i < bus->n_functions; i++) {
		const struct pciback_function *function = &bus->functions[i];
		struct pciback_simulated_device *device = &simulated->devices[i];

		device->bus = simulated;
		device->address = function->address;
		device->header_type = (uint8_t)pciback_header_type(function);
		memcpy(device->config, function->config, function->config_size);
		device->config_size = function->config_size > PCIBACK_CONFIG_PCI ?
		    PCIBACK_CONFIG_EXPRESS : PCIBACK_CONFIG_PCI;
		set_up_header(device);
		set_up_capabilities(device);
		find_resources(device, function);
		memcpy(device->dump, device->config, sizeof(device->dump));
	}
	for (size_t i = 0; i < simulated->n_devices; i++) {
		struct pciback_simulated_device *device = &simulated->devices[i];

		for (unsigned j = 0; j <= PCIBACK_RESOURCES; j++) {
			struct pciback_resource *resource = resource_at(device, j);

			if (resource->kind == PCIBACK_RESOURCE_NONE)
				continue;
			resource->size = guess_size(simulated, resource);
			set_up_bar(device, j);
		}
	}
	return 0;
}

void
pciback_simulated_bus_free(struct pciback_simulated_bus *simulated)
{
	free(simulated->devices);
	*simulated = (struct pciback_simulated_bus){ .devices = NULL };
}

struct pciback_simulated_device *
pciback_simulated_bus_find(const struct pciback_simulated_bus *simulated,
    const struct pciback_address *address)
{
	size_t low = 0, high = simulated->n_devices;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = pciback_address_compare(&simulated->devices[middle].address, address);

		if (order == 0)
			return &simulated->devices[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int
pciback_simulated_device_resize(struct pciback_simulated_device *device, unsigned index,
    uint64_t size)
{
	struct pciback_resource *resource;

	if (index > PCIBACK_RESOURCES || size == 0 || (size & (size - 1)) != 0)
		return -EINVAL;
	resource = resource_at(device, index);
	if (resource->kind == PCIBACK_RESOURCE_NONE || (resource->address & (size - 1)) != 0 ||
	    size < (resource->kind == PCIBACK_RESOURCE_IO ? 4U :
	    index == PCIBACK_RESOURCES ? ROM_BITS + 1U : 16U))
		return -EINVAL;
	resource->size = size;
	set_up_bar(device, index);
	return 0;
}

void
pciback_simulated_device_settings(struct pciback_simulated_device *device,
    struct pciback_device_settings *ret_settings)
{
	*ret_settings = (struct pciback_device_settings){
		.address = device->address,
		.handle = device,
		.vendor = (uint16_t)load(device->config + REG_VENDOR, 2),
		.device = (uint16_t)load(device->config + REG_DEVICE, 2),
		.config_size = device->config_size,
		.rom = device->rom,
		.interrupt_line = device->config[REG_INTERRUPT_LINE],
		.line_source = device->config[REG_INTERRUPT_PIN] != 0 ? PCIBACK_LINE_FIRMWARE : PCIBACK_LINE_NONE,
		.pirq = device->config[REG_INTERRUPT_LINE],
	};
	memcpy(ret_settings->bars, device->bars, sizeof(device->bars));
}

void
pciback_simulated_device_identity(const struct pciback_simulated_device *device,
    struct pciback_identity *ret_identity)
{
	*ret_identity = (struct pciback_identity){
		.vendor = (uint16_t)load(device->config + REG_VENDOR, 2),
		.device = (uint16_t)load(device->config + REG_DEVICE, 2),
	};
	if (device->header_type != 0)
		return;
	ret_identity->subsystem_vendor = (uint16_t)load(device->config + REG_SUBSYSTEM_VENDOR, 2);
	ret_identity->subsystem = (uint16_t)load(device->config + REG_SUBSYSTEM, 2);
}

/* ---- Operations -------------------------------------------------------------------------- */

/* Whether that many bytes are there; the size is 1, 2 or 4. */
static bool
is_inside(const struct pciback_simulated_device *device, unsigned offset, unsigned size)
{
	return offset <= device->config_size - size;
}

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	const struct pciback_simulated_device *device = handle;

	(void)world;
	if (!is_inside(device, offset, size))
		return -EINVAL;
	*ret_value = load(device->config + offset, size);
	return 0;
}

/* A transfer of vital product data is over at once; what is there to read depends on where. */
static void
transfer_vpd(struct pciback_simulated_device *device)
{
	uint8_t *address = device->config + device->vpd + VPD_ADDRESS;
	uint32_t value = load(address, 2);

	if ((value & VPD_FLAG) == 0)
		store(device->config + device->vpd + VPD_DATA, 4, value * UINT32_C(0x01010101));
	store(address, 2, value ^ VPD_FLAG);
}

/* What is there after a reset: nothing that was programmed. */
static void
reset(struct pciback_simulated_device *device)
{
	memcpy(device->config, device->dump, sizeof(device->config));
	memset(device->config + REG_COMMAND, 0, 2);
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++) {
		uint8_t *bar = device->config + REG_BAR0 + (size_t)4 * i;

		if (device->bars[i].kind == PCIBACK_RESOURCE_IO)
			store(bar, 4, load(bar, 4) & BAR_IO_BITS);
		else if (device->bars[i].kind != PCIBACK_RESOURCE_NONE)
			store(bar, 4, load(bar, 4) & BAR_MEMORY_BITS);
		if (device->bars[i].kind == PCIBACK_RESOURCE_MEM64)
			store(bar + 4, 4, 0);
	}
	if (device->msix != 0)
		device->config[device->msix + MSIX_CONTROL + 1] &= (uint8_t)~(MSIX_ENABLE >> 8);
	if (device->msi != 0)
		device->config[device->msi + MSI_CONTROL] &= (uint8_t)~MSI_ENABLE;
	if (device->power != 0)
		device->config[device->power + POWER_CONTROL] &= (uint8_t)~POWER_STATE;
	device->n_resets++;
}

/* Whether a write, whose value is there by now, resets the function: by itself, or on its way out of D3. */
static bool
is_reset(struct pciback_simulated_device *device, bool was_in_d3)
{
	uint8_t *config = device->config;
	unsigned at = device->express;

	if (at != 0 && (config[at + EXPRESS_DEVICE_CONTROL + 1] & EXPRESS_RESET_NOW >> 8) != 0) {
		config[at + EXPRESS_DEVICE_CONTROL + 1] &= (uint8_t)~(EXPRESS_RESET_NOW >> 8);
		return (load(config + at + EXPRESS_DEVICE, 4) & EXPRESS_RESET) != 0;
	}
	at = device->advanced;
	if (at != 0 && (config[at + ADVANCED_CONTROL] & ADVANCED_RESET_NOW) != 0) {
		config[at + ADVANCED_CONTROL] = 0;
		return (config[at + ADVANCED_ABILITIES] & ADVANCED_RESET) != 0;
	}
	return was_in_d3 && (config[device->power + POWER_CONTROL] & (POWER_STATE | POWER_NO_SOFT_RESET)) == 0;
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	struct pciback_simulated_device *device = handle;
	bool was_in_d3 = device->power != 0 &&
	    (device->config[device->power + POWER_CONTROL] & POWER_STATE) == 3;
	uint32_t writable, clear, current;

	(void)world;
	if (!is_inside(device, offset, size))
		return -EINVAL;
	writable = load(device->writable + offset, size);
	clear = load(device->clear_by_one + offset, size);
	current = load(device->config + offset, size);
	store(device->config + offset, size, ((current & ~writable) | (value & writable)) &
	    ~(value & clear));
	/* A self-test passes within no time. */
	device->config[REG_BIST] &= (uint8_t)~BIST_START;
	if (device->vpd != 0 && offset <= device->vpd + 3U && offset + size > device->vpd + 3U)
		transfer_vpd(device);
	if (is_reset(device, was_in_d3))
		reset(device);
	return 0;
}

static int
device_enable(void *world, void *handle)
{
	struct pciback_simulated_device *device = handle;
	uint32_t command = load(device->config + REG_COMMAND, 2);

	(void)world;
	for (unsigned i = 0; i < PCIBACK_RESOURCES; i++) {
		if (device->bars[i].kind == PCIBACK_RESOURCE_IO)
			command |= COMMAND_IO;
		else if (device->bars[i].kind != PCIBACK_RESOURCE_NONE)
			command |= COMMAND_MEMORY;
	}
	store(device->config + REG_COMMAND, 2, command);
	return 0;
}

static int
power_set(void *world, void *handle, unsigned state)
{
	struct pciback_simulated_device *device = handle;
	uint8_t *control = device->config + device->power + POWER_CONTROL;

	(void)world;
	if (device->power == 0)
		return -ENODEV;
	*control = (uint8_t)((*control & ~(unsigned)POWER_STATE) | (state & POWER_STATE));
	return 0;
}

/* Pirqs in a row, of which none is 0. */
static uint32_t
take_pirqs(struct pciback_simulated_device *device, size_t n)
{
	struct pciback_simulated_bus *simulated = device->bus;

	if (simulated->next_pirq + n > LAST_PIRQ)
		simulated->next_pirq = FIRST_PIRQ;
	device->first_pirq = simulated->next_pirq;
	device->n_pirqs = n;
	simulated->next_pirq += (uint32_t)n;
	return device->first_pirq;
}

static void
set_control(struct pciback_simulated_device *device, unsigned at, uint32_t clear, uint32_t set)
{
	store(device->config + at, 2, (load(device->config + at, 2) & ~clear) | set);
}

static int
msi_enable(void *world, void *handle, uint32_t *ret_pirq)
{
	struct pciback_simulated_device *device = handle;
	unsigned at = device->msi;
	bool is_64;

	(void)world;
	if (at == 0)
		return -ENODEV;
	if (device->n_pirqs != 0)
		return -EBUSY;
	*ret_pirq = take_pirqs(device, 1);
	is_64 = (load(device->config + at + MSI_CONTROL, 2) & MSI_64) != 0;
	/* As on a PC: the address of the local interrupt controllers, and a vector. */
	store(device->config + at + 4, 4, UINT32_C(0xfee00000));
	store(device->config + at + (is_64 ? 12 : 8), 2, 0x4000 | (*ret_pirq & 0xff));
	set_control(device, at + MSI_CONTROL, MSI_MULTIPLE, MSI_ENABLE);
	return 0;
}

static int
msi_disable(void *world, void *handle)
{
	struct pciback_simulated_device *device = handle;

	(void)world;
	if (device->msi == 0 || device->n_pirqs == 0)
		return -EINVAL;
	set_control(device, device->msi + (unsigned)MSI_CONTROL, MSI_ENABLE, 0);
	device->n_pirqs = 0;
	return 0;
}

static int
msix_enable(void *world, void *handle, struct pciback_vector *vectors, size_t n)
{
	struct pciback_simulated_device *device = handle;
	uint32_t pirq;

	(void)world;
	if (device->msix == 0)
		return -ENODEV;
	if (device->n_pirqs != 0)
		return -EBUSY;
	pirq = take_pirqs(device, n);
	for (size_t i = 0; i < n; i++)
		vectors[i].vector = (uint16_t)(pirq + i);
	set_control(device, device->msix + (unsigned)MSIX_CONTROL, MSIX_MASK_ALL, MSIX_ENABLE);
	return 0;
}

static int
msix_disable(void *world, void *handle)
{
	struct pciback_simulated_device *device = handle;

	(void)world;
	if (device->msix == 0 || device->n_pirqs == 0)
		return -EINVAL;
	set_control(device, device->msix + (unsigned)MSIX_CONTROL, MSIX_ENABLE, 0);
	device->n_pirqs = 0;
	return 0;
}

void
pciback_simulated_bus_operations(struct pciback_operations *operations)
{
	operations->config_read = config_read;
	operations->config_write = config_write;
	operations->device_enable = device_enable;
	operations->power_set = power_set;
	operations->msi_enable = msi_enable;
	operations->msi_disable = msi_disable;
	operations->msix_enable = msix_enable;
	operations->msix_disable = msix_disable;
}
