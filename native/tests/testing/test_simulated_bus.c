/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#define ZEROES	" 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"

/* Two cards whose memory is next to each other, and a bridge; headers alone. */
static const char dump_text[] =
    "00:03.0 Ethernet controller\n"
    "00: 86 80 0e 10 07 01 00 00 03 00 00 02 00 00 00 00\n"
    "10: 00 00 60 fe 81 c1 00 00 00 00 00 00 00 00 00 00\n"
    "20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11\n"
    "30: 00 00 00 00 00 00 00 00 00 00 00 00 0a 01 00 00\n"
    "00:04.0 Ethernet controller\n"
    "00: 86 80 0e 10 07 01 00 00 03 00 00 02 00 00 00 00\n"
    "10: 00 00 62 fe 00 c2 00 00 0c 00 00 00 02 00 00 00\n"
    "20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11\n"
    "30: 01 00 80 fe 00 00 00 00 00 00 00 00 0b 01 00 00\n"
    "00:05.0 CardBus bridge\n"
    "00: 86 80 0e 10 07 01 00 00 03 00 07 06 00 00 02 00\n"
    "10:" ZEROES "20:" ZEROES "30:" ZEROES;

static uint32_t
read_config(struct pciback_simulated_device *device, unsigned offset, unsigned size)
{
	struct pciback_operations operations;
	uint32_t value = UINT32_MAX;

	pciback_simulated_bus_operations(&operations);
	return operations.config_read(NULL, device, offset, size, &value) < 0 ? 0xbadbad : value;
}

static int
write_config(struct pciback_simulated_device *device, unsigned offset, unsigned size,
    uint32_t value)
{
	struct pciback_operations operations;

	pciback_simulated_bus_operations(&operations);
	return operations.config_write(NULL, device, offset, size, value);
}

static void
test_sizes(struct harness *harness)
{
	struct pciback_address address = { .device = 3 };
	struct pciback_simulated_bus simulated;
	struct pciback_simulated_device *device;
	struct pciback_device_settings settings;
	struct pciback_identity identity;
	struct pciback_dump_error error;
	struct pciback_bus bus;

	pciback_bus_init(&bus);
	CHECK_NUMBER(pciback_bus_read_dump(&bus, dump_text, sizeof(dump_text) - 1, &error), 0);
	CHECK_NUMBER(pciback_simulated_bus_init(&simulated, &bus), 0);
	pciback_bus_free(&bus);
	CHECK_NUMBER(simulated.n_devices, 3);
	device = pciback_simulated_bus_find(&simulated, &address);
	CHECK(device != NULL && device->config_size == 256);
	/* As far as the neighbour; alignment; the most that is guessed. */
	CHECK_NUMBER(device->bars[0].size, 0x20000);
	CHECK_NUMBER(device->bars[1].size, 0x80);
	address.device = 4;
	device = pciback_simulated_bus_find(&simulated, &address);
	CHECK_NUMBER(device->bars[0].size, 0x20000);
	CHECK_NUMBER(device->bars[1].size, 0x200);	/* its kind is memory: c200 */
	CHECK_NUMBER(device->bars[2].size, 0x100000);
	CHECK(device->bars[2].address == UINT64_C(0x200000000));
	CHECK_NUMBER(device->rom.size, 0x100000);
	CHECK_NUMBER(device->rom.address, 0xfe800000);
	pciback_simulated_device_settings(device, &settings);
	CHECK(settings.handle == device && settings.config_size == 256);
	CHECK_NUMBER(settings.vendor, 0x8086);
	CHECK_NUMBER(settings.device, 0x100e);
	CHECK_NUMBER(settings.interrupt_line, 0x0b);
	pciback_simulated_device_identity(device, &identity);
	CHECK_NUMBER(identity.device, 0x100e);
	CHECK_NUMBER(identity.subsystem_vendor, 0x1af4);
	CHECK_NUMBER(identity.subsystem, 0x1100);
	CHECK_NUMBER(settings.bars[2].kind, PCIBACK_RESOURCE_MEM64);
	CHECK(settings.bars[2].prefetchable);
	/* The real size, if somebody knows it. */
	CHECK_NUMBER(pciback_simulated_device_resize(device, 0, 0x4000), 0);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 2, UINT64_C(0x200000000)), 0);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 6, 0x800), 0);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 0, 0), -EINVAL);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 0, 0x300), -EINVAL);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 0, 8), -EINVAL);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 0, 0x80000000), -EINVAL);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 3, 0x1000), -EINVAL);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 7, 0x1000), -EINVAL);
	CHECK_NUMBER(pciback_simulated_device_resize(device, 6, 0x400), -EINVAL);
	/* Sizing on the device itself: the mask, the bits below, both halves, the ROM's enable bit. */
	CHECK_NUMBER(write_config(device, 0x10, 4, UINT32_MAX), 0);
	CHECK_NUMBER(read_config(device, 0x10, 4), 0xffffc000);
	CHECK_NUMBER(write_config(device, 0x18, 4, UINT32_MAX), 0);
	CHECK_NUMBER(write_config(device, 0x1c, 4, UINT32_MAX), 0);
	CHECK_NUMBER(read_config(device, 0x18, 4), 0x0000000c);
	CHECK_NUMBER(read_config(device, 0x1c, 4), 0xfffffffe);
	CHECK_NUMBER(write_config(device, 0x30, 4, UINT32_MAX), 0);
	CHECK_NUMBER(read_config(device, 0x30, 4), 0xfffff801);
	CHECK_NUMBER(read_config(device, 0x100, 4), 0xbadbad);
	CHECK_NUMBER(write_config(device, 0x100, 4, 0), -EINVAL);
	address.device = 5;
	device = pciback_simulated_bus_find(&simulated, &address);
	CHECK(device != NULL && device->bars[0].kind == PCIBACK_RESOURCE_NONE);
	address.device = 6;
	CHECK(pciback_simulated_bus_find(&simulated, &address) == NULL);
	pciback_simulated_bus_free(&simulated);
}

static void
test_behaviour(struct harness *harness)
{
	static struct fixture fixture;
	struct pciback_vector vectors[3] = { { .entry = 0 }, { .entry = 1 }, { .entry = 2 } };
	struct pciback_simulated_device *real;
	uint32_t pirq = 0;

	fixture_init_card(&fixture);
	real = fixture.real;
	CHECK_NUMBER(write_config(real, 0x06, 2, 0x8000), 0);
	CHECK_NUMBER(read_config(real, 0x06, 2), 0x7910);
	CHECK_NUMBER(write_config(real, 0x0f, 1, 0x4f), 0);
	CHECK_NUMBER(read_config(real, 0x0f, 1), 0x8f);
	/* Vital product data: a read is over at once, a write as well. */
	CHECK_NUMBER(write_config(real, 0xc2, 2, 0x0008), 0);
	CHECK_NUMBER(read_config(real, 0xc2, 2), 0x8008);
	CHECK_NUMBER(read_config(real, 0xc4, 4), 0x08080808);
	CHECK_NUMBER(write_config(real, 0xc2, 2, 0x8008), 0);
	CHECK_NUMBER(read_config(real, 0xc2, 2), 0x0008);
	/* MSI: an address, data, and on; nobody gets it twice. */
	CHECK_NUMBER(fixture.simulated.msi_enable(NULL, real, &pirq), 0);
	CHECK(pirq >= 256);
	CHECK_NUMBER(read_config(real, 0x54, 4), 0xfee00000);
	CHECK_NUMBER(read_config(real, 0x52, 2), 0x0181);
	CHECK_NUMBER(fixture.simulated.msi_enable(NULL, real, &pirq), -EBUSY);
	CHECK_NUMBER(fixture.simulated.msix_enable(NULL, real, vectors, 3), -EBUSY);
	CHECK_NUMBER(real->n_pirqs, 1);
	CHECK_NUMBER(fixture.simulated.msi_disable(NULL, real), 0);
	CHECK_NUMBER(fixture.simulated.msi_disable(NULL, real), -EINVAL);
	CHECK_NUMBER(fixture.simulated.msix_disable(NULL, real), -EINVAL);
	for (unsigned i = 0; i < 40000; i++) {
		CHECK_NUMBER(fixture.simulated.msix_enable(NULL, real, vectors, 3), 0);
		CHECK(vectors[0].vector >= 256 && vectors[2].vector == vectors[0].vector + 2);
		CHECK_NUMBER(fixture.simulated.msix_disable(NULL, real), 0);
	}
	fixture_free(&fixture);
	fixture_init_card(&fixture);
	fixture.real->msi = fixture.real->msix = fixture.real->power = 0;
	CHECK_NUMBER(fixture.simulated.msi_enable(NULL, fixture.real, &pirq), -ENODEV);
	CHECK_NUMBER(fixture.simulated.msix_enable(NULL, fixture.real, vectors, 3), -ENODEV);
	CHECK_NUMBER(fixture.simulated.power_set(NULL, fixture.real, 3), -ENODEV);
	fixture_free(&fixture);
}

void
test_simulated_bus(struct harness *harness)
{
	struct pciback_simulated_bus simulated;
	struct pciback_bus bus;

	pciback_bus_init(&bus);
	CHECK_NUMBER(pciback_simulated_bus_init(&simulated, &bus), 0);
	CHECK_NUMBER(simulated.n_devices, 0);
	pciback_simulated_bus_free(&simulated);
	test_sizes(harness);
	test_behaviour(harness);
}
