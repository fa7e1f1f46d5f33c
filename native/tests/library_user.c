/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A program as somebody else would write it, with nothing but the installed library and its
 * header: one card of a bus dump is handed to a guest, whose frontend asks what it is.
 */
#include <pciback.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char dump_text[] =
    "03:00.0 Ethernet controller\n"
    "00: 86 80 d3 10 06 00 10 00 00 00 00 02 10 00 00 00\n"
    "10: 00 00 60 fe 00 00 00 00 00 00 00 00 00 00 00 00\n"
    "20: 00 00 00 00 00 00 00 00 00 00 00 00 86 80 1f a0\n"
    "30: 00 00 00 00 00 00 00 00 00 00 00 00 0a 01 00 00\n";

static void
notify(void *world, void *handle)
{
	(void)world;
	(void)handle;
}

static void
log_line(void *world, enum pciback_log_level level, const char *line)
{
	(void)world;
	(void)level;
	(void)fprintf(stderr, "%s\n", line);
}

int
main(void)
{
	static const struct pciback_address address = { .bus = 3 };
	static struct pciback_page page;
	static struct pciback_device device;
	static struct pciback_topology topology;
	static struct pciback_channel channel;
	struct pciback_operations operations = { .notify = notify, .log = log_line };
	const struct pciback_host host = { .operations = &operations };
	struct pciback_simulated_bus simulated;
	struct pciback_device_settings settings;
	struct pciback_dump_error error;
	struct pciback_address place;
	struct pciback_bus bus;
	struct pciback_log log;
	uint32_t value;

	pciback_bus_init(&bus);
	if (pciback_bus_read_dump(&bus, dump_text, strlen(dump_text), &error) < 0 ||
	    pciback_simulated_bus_init(&simulated, &bus) < 0)
		return 1;
	pciback_bus_free(&bus);
	pciback_simulated_bus_operations(&operations);
	pciback_log_init(&log, &host, 1, 0);
	pciback_simulated_device_settings(pciback_simulated_bus_find(&simulated, &address), &settings);
	pciback_topology_init(&topology, PCIBACK_TOPOLOGY_VIRTUAL);
	if (pciback_device_init(&device, &host, &log, &settings) < 0 ||
	    pciback_topology_add(&topology, &device, &place) < 0)
		return 1;
	pciback_channel_init(&channel, &page, &topology, &host, &log, NULL, 0);

	/* The guest's part: what is at 00:00.0? */
	atomic_store(&page.request.command, PCIBACK_CONFIG_READ);
	atomic_store(&page.request.size, 4);
	atomic_store(&page.flags, PCIBACK_FLAG_REQUEST);
	if (pciback_channel_serve(&channel, 1, 1) != 1 ||
	    atomic_load(&page.request.error) != PCIBACK_DONE)
		return 1;
	value = atomic_load(&page.request.value);
	(void)printf("%04" PRIx32 ":%04" PRIx32 "\n", value & 0xffff, value >> 16);
	if (pciback_device_close(&device) < 0)
		return 1;
	pciback_simulated_bus_free(&simulated);
	return value == 0x10d38086 ? 0 : 1;
}
