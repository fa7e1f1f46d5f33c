/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
fixture_store(uint8_t *config, unsigned offset, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size; i++)
		config[offset + i] = (uint8_t)(value >> 8 * i);
}

static uint32_t
load(const uint8_t *config, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = size; i-- > 0;)
		value = value << 8 | config[offset + i];
	return value;
}

void
fixture_card(uint8_t config[PCIBACK_CONFIG_EXPRESS])
{
	/* What nobody owns, and extended space, has something in every byte. */
	for (unsigned i = 0; i < PCIBACK_CONFIG_EXPRESS; i++)
		config[i] = (uint8_t)(0x80 | i);
	memset(config, 0, 0x48);
	fixture_store(config, 0x00, 4, 0x10d38086);
	fixture_store(config, 0x04, 4, 0xf9100546);	/* errors; SERR, PARITY, MASTER, MEMORY on */
	fixture_store(config, 0x08, 4, 0x02000003);
	fixture_store(config, 0x0c, 4, 0x8f804010);
	fixture_store(config, 0x10, 4, 0xfe600000);
	fixture_store(config, 0x14, 4, 0x0000c181);
	fixture_store(config, 0x18, 4, 0x4000000c);	/* 64 bits, prefetchable */
	fixture_store(config, 0x1c, 4, 0x00000012);
	fixture_store(config, 0x20, 4, 0xfe700000);
	fixture_store(config, 0x28, 4, 0x00001234);
	fixture_store(config, 0x2c, 4, 0xa01f8086);
	fixture_store(config, 0x30, 4, 0xfe800001);
	fixture_store(config, 0x34, 4, 0x40);
	fixture_store(config, 0x3c, 4, 0x2014010b);
	fixture_store(config, 0x40, 4, 0xce035001);	/* D1, D2; PME from several states */
	fixture_store(config, 0x44, 4, 0x00008100);	/* PME enabled and signalled */
	memset(config + 0x50, 0, 0x18);
	fixture_store(config, 0x50, 4, 0x01817005);	/* enabled by whoever had it before */
	fixture_store(config, 0x54, 4, 0xfee01000);
	fixture_store(config, 0x58, 4, 0x00000001);
	fixture_store(config, 0x5c, 4, 0x00004041);
	fixture_store(config, 0x60, 4, 0x00000001);
	fixture_store(config, 0x64, 4, 0x00000001);
	fixture_store(config, 0x70, 4, 0xc0ff8011);	/* enabled, masked */
	fixture_store(config, 0x74, 4, 0x00000003);
	fixture_store(config, 0x78, 4, 0x00002003);
	fixture_store(config, 0x80, 4, 0x0002c010);
	fixture_store(config, 0x84, 4, 0x10008cc1);	/* says that it can be reset */
	fixture_store(config, 0xc0, 4, 0x8000f003);
	fixture_store(config, 0xf0, 4, 0x00100009);
}

void
fixture_bridge(uint8_t config[PCIBACK_CONFIG_EXPRESS])
{
	for (unsigned i = 0; i < PCIBACK_CONFIG_EXPRESS; i++)
		config[i] = (uint8_t)(0x80 | i);
	fixture_store(config, 0x00, 4, 0x00011b36);
	fixture_store(config, 0x04, 4, 0x00000007);
	fixture_store(config, 0x08, 4, 0x06040000);
	fixture_store(config, 0x0c, 4, 0x00010000);
	fixture_store(config, 0x10, 4, 0xfe900000);
	fixture_store(config, 0x14, 4, 0);
	fixture_store(config, 0x18, 4, 0x00010100);
	fixture_store(config, 0x1c, 4, 0xf90001f1);
	fixture_store(config, 0x34, 4, 0);
	fixture_store(config, 0x38, 4, 0xfea00000);
	fixture_store(config, 0x3c, 4, 0x0012010a);
}

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	struct fixture *fixture = world;

	fixture->n_reads++;
	if (fixture->on_read != NULL)
		fixture->on_read(fixture);
	if (fixture->fail_read != 0) {
		*ret_value = UINT32_MAX;	/* what a careless binding may leave */
		return fixture->fail_read;
	}
	return fixture->simulated.config_read(NULL, handle, offset, size, ret_value);
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	struct fixture *fixture = world;

	fixture->n_writes++;
	if (fixture->fail_write != 0 && --fixture->fail_write == 0)
		return -EIO;
	for (unsigned i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * i), old = fixture->real->config[offset + i];
		uint8_t clear = fixture->real->clear_by_one[offset + i];

		fixture->touched[offset + i] |= (uint8_t)(((byte ^ old) & ~clear) |
		    (byte & old & clear));
	}
	return fixture->simulated.config_write(NULL, handle, offset, size, value);
}

static int
device_enable(void *world, void *handle)
{
	struct fixture *fixture = world;

	return fixture->fail_enable != 0 ? fixture->fail_enable :
	    fixture->simulated.device_enable(NULL, handle);
}

static int
power_set(void *world, void *handle, unsigned state)
{
	struct fixture *fixture = world;

	if (fixture->fail_power != 0)
		return fixture->fail_power;
	fixture->power = state;
	return fixture->simulated.power_set(NULL, handle, state);
}

static int
msi_enable(void *world, void *handle, uint32_t *ret_pirq)
{
	struct fixture *fixture = world;
	int r = fixture->fail_interrupt;

	if (r == 0)
		r = fixture->simulated.msi_enable(NULL, handle, ret_pirq);
	if (r < 0)
		return r;
	if (fixture->zero_pirq)
		*ret_pirq = 0;
	fixture->n_enables++;
	fixture->n_enabled++;
	return 0;
}

static int
msi_disable(void *world, void *handle)
{
	struct fixture *fixture = world;

	fixture->n_disables++;
	fixture->n_enabled--;
	(void)fixture->simulated.msi_disable(NULL, handle);
	return fixture->fail_disable;
}

static int
msix_enable(void *world, void *handle, struct pciback_vector *vectors, size_t n)
{
	struct fixture *fixture = world;
	int r = fixture->fail_interrupt;

	if (r == 0)
		r = fixture->simulated.msix_enable(NULL, handle, vectors, n);
	if (r < 0)
		return r;
	if (fixture->zero_pirq)
		vectors[n - 1].vector = 0;
	fixture->n_enables++;
	fixture->n_enabled++;
	return 0;
}

static int
msix_disable(void *world, void *handle)
{
	struct fixture *fixture = world;

	fixture->n_disables++;
	fixture->n_enabled--;
	(void)fixture->simulated.msix_disable(NULL, handle);
	return fixture->fail_disable;
}

static void
notify(void *world, void *handle)
{
	struct fixture *fixture = world;

	if (handle == &fixture->page)
		fixture->n_notified++;
}

static void
log_line(void *world, enum pciback_log_level level, const char *line)
{
	struct fixture *fixture = world;

	(void)level;
	fixture->n_lines++;
	memcpy(fixture->line, line, strlen(line) + 1);
}

void
fixture_init(struct fixture *fixture, const uint8_t *config, size_t size)
{
	static const struct pciback_address address = { .bus = 3 };

	memset(fixture, 0, sizeof(*fixture));
	pciback_bus_init(&fixture->dump);
	if (pciback_bus_add(&fixture->dump, &address, 1, config, size) < 0 ||
	    pciback_simulated_bus_init(&fixture->bus, &fixture->dump) < 0)
		abort();
	fixture->real = pciback_simulated_bus_find(&fixture->bus, &address);
	pciback_simulated_bus_operations(&fixture->simulated);
	fixture->operations = (struct pciback_operations){
		.config_read = config_read,
		.config_write = config_write,
		.device_enable = device_enable,
		.power_set = power_set,
		.msi_enable = msi_enable,
		.msi_disable = msi_disable,
		.msix_enable = msix_enable,
		.msix_disable = msix_disable,
		.notify = notify,
		.log = log_line,
	};
	fixture->host.operations = &fixture->operations;
	fixture->host.world = fixture;
	pciback_log_init(&fixture->log, &fixture->host, 7, 0);
	pciback_simulated_device_settings(fixture->real, &fixture->settings);
	fixture->settings.pirq = 19;
}

int
fixture_hand_out(struct fixture *fixture)
{
	struct pciback_address place;
	int r = pciback_device_init(&fixture->device, &fixture->host, &fixture->log,
	    &fixture->settings);

	if (r < 0)
		return r;
	pciback_topology_init(&fixture->topology, PCIBACK_TOPOLOGY_VIRTUAL);
	r = pciback_topology_add(&fixture->topology, &fixture->device, &place);
	pciback_channel_init(&fixture->channel, &fixture->page, &fixture->topology, &fixture->host,
	    &fixture->log, &fixture->page, 0);
	fixture->n_reads = fixture->n_writes = fixture->n_lines = 0;
	memset(fixture->touched, 0, sizeof(fixture->touched));
	return r;
}

void
fixture_init_card(struct fixture *fixture)
{
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	fixture_init(fixture, config, sizeof(config));
	if (fixture_hand_out(fixture) < 0)
		abort();
}

void
fixture_free(struct fixture *fixture)
{
	pciback_simulated_bus_free(&fixture->bus);
	pciback_bus_free(&fixture->dump);
}

uint32_t
fixture_real(const struct fixture *fixture, unsigned offset, unsigned size)
{
	return load(fixture->real->config, offset, size);
}

uint32_t
fixture_read(struct fixture *fixture, uint32_t offset, uint32_t size)
{
	uint32_t value;

	return pciback_config_read(&fixture->device, offset, size, &value) == PCIBACK_DONE ? value :
	    UINT32_MAX;
}

int32_t
fixture_request(struct fixture *fixture, uint32_t command, int32_t offset, int32_t size,
    uint32_t value)
{
	struct pciback_page_request *request = &fixture->page.request;

	atomic_store(&request->command, command);
	atomic_store(&request->error, 0x5a5a5a5a);
	atomic_store(&request->offset, offset);
	atomic_store(&request->size, size);
	atomic_store(&request->value, value);
	(void)atomic_fetch_or(&fixture->page.flags, PCIBACK_FLAG_REQUEST);
	(void)pciback_channel_serve(&fixture->channel, ++fixture->now, 1);
	return atomic_load(&request->error);
}
