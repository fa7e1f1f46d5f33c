/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the requests of a driver's probe cost, from the event to the answer, on a simulated bus.
 * Prints nanoseconds; bench.sh counts the instructions of the functions named operation_*.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pciback/channel.h>

#include "simulated_bus.h"

struct bench {
	struct pciback_bus dump;
	struct pciback_simulated_bus bus;
	struct pciback_operations operations;
	struct pciback_host host;
	struct pciback_log log;
	struct pciback_device device;
	struct pciback_topology topology;
	struct pciback_channel channel;
	struct pciback_page page;
};

#if defined(__GNUC__)
#define OPERATION __attribute__((noinline)) static void
#else
#define OPERATION static void
#endif

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
	(void)line;
}

/* A network card with every capability that is shown and 256 vectors. */
static const uint8_t card[] = {
	0x86, 0x80, 0xd3, 0x10, 0x07, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x02, 0x10, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x60, 0xfe, 0x00, 0x00, 0x40, 0xfe, 0x81, 0xc1, 0x00, 0x00, 0x0c, 0x00, 0x00, 0x00,
	0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0xfe, 0x00, 0x00, 0x00, 0x00, 0x86, 0x80, 0x1f, 0xa0,
	0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0a, 0x01, 0x00, 0x00,
	0x01, 0x50, 0x22, 0xc8, 0x00, 0x20, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,
	0x05, 0x70, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x11, 0x80, 0xff, 0x00, 0x03, 0x00, 0x00, 0x00, 0x03, 0x20, 0x00, 0x00, 0, 0, 0, 0,
	0x10, 0x00, 0x02, 0x00, 0xc1, 0x8c, 0x00, 0x10, 0, 0, 0, 0, 0, 0, 0, 0,
};

static int
set_up(struct bench *bench)
{
	static const struct pciback_address address = { .bus = 3 };
	struct pciback_device_settings settings;
	struct pciback_address place;
	uint8_t config[PCIBACK_CONFIG_EXPRESS] = { 0 };

	memcpy(config, card, sizeof(card));
	memset(bench, 0, sizeof(*bench));
	pciback_bus_init(&bench->dump);
	if (pciback_bus_add(&bench->dump, &address, 1, config, sizeof(config)) < 0 ||
	    pciback_simulated_bus_init(&bench->bus, &bench->dump) < 0)
		return -1;
	pciback_simulated_bus_operations(&bench->operations);
	bench->operations.notify = notify;
	bench->operations.log = log_line;
	bench->host.operations = &bench->operations;
	pciback_log_init(&bench->log, &bench->host, 1, 0);
	pciback_simulated_device_settings(pciback_simulated_bus_find(&bench->bus, &address),
	    &settings);
	pciback_topology_init(&bench->topology, PCIBACK_TOPOLOGY_VIRTUAL);
	pciback_channel_init(&bench->channel, &bench->page, &bench->topology, &bench->host,
	    &bench->log, NULL, 0);
	/* What is measured is the work, not how it is limited. */
	pciback_limit_init(&bench->channel.limit, UINT32_MAX, UINT32_MAX, 0);
	if (pciback_device_init(&bench->device, &bench->host, &bench->log, &settings) < 0)
		return -1;
	return pciback_topology_add(&bench->topology, &bench->device, &place);
}

/* The frontend's part, but for the flag. */
static void
prepare(struct bench *bench, uint32_t command, uint32_t devfn, uint32_t offset, uint32_t size,
    uint32_t value)
{
	struct pciback_page_request *page = &bench->page.request;

	atomic_store_explicit(&page->command, command, memory_order_relaxed);
	atomic_store_explicit(&page->devfn, devfn, memory_order_relaxed);
	atomic_store_explicit(&page->offset, (int32_t)offset, memory_order_relaxed);
	atomic_store_explicit(&page->size, (int32_t)size, memory_order_relaxed);
	atomic_store_explicit(&page->value, value, memory_order_relaxed);
}

static void
serve(struct bench *bench)
{
	atomic_store_explicit(&bench->page.flags, PCIBACK_FLAG_REQUEST, memory_order_release);
	(void)pciback_channel_serve(&bench->channel, 1, 1);
}

static void
request(struct bench *bench, uint32_t command, uint32_t devfn, uint32_t offset, uint32_t size,
    uint32_t value)
{
	prepare(bench, command, devfn, offset, size, value);
	serve(bench);
}

/* Reads all of the space in turn. */
static void
read_all(struct bench *bench, unsigned n, uint32_t size)
{
	prepare(bench, PCIBACK_CONFIG_READ, 0, 0, size, 0);
	while (n-- > 0) {
		atomic_store_explicit(&bench->page.request.offset, (int32_t)(n * size & 0xff),
		    memory_order_relaxed);
		serve(bench);
	}
}

/* The least that a read can take: each word of the request is read, the device is asked, and the answer is written,
 * whatever was asked for. */
OPERATION
operation_floor(struct bench *bench, unsigned n)
{
	struct pciback_page_request *page = &bench->page.request;
	const struct pciback_operations *operations = bench->host.operations;

	prepare(bench, PCIBACK_CONFIG_READ, 0, 0, 4, 0);
	while (n-- > 0) {
		uint32_t offset, size, value = 0;

		atomic_store_explicit(&page->offset, (int32_t)(n * 4 & 0xff), memory_order_relaxed);
		atomic_store_explicit(&bench->page.flags, PCIBACK_FLAG_REQUEST, memory_order_release);
		(void)atomic_load_explicit(&bench->page.flags, memory_order_acquire);
		(void)atomic_load_explicit(&page->command, memory_order_relaxed);
		(void)atomic_load_explicit(&page->domain, memory_order_relaxed);
		(void)atomic_load_explicit(&page->bus, memory_order_relaxed);
		(void)atomic_load_explicit(&page->devfn, memory_order_relaxed);
		offset = (uint32_t)atomic_load_explicit(&page->offset, memory_order_relaxed);
		size = (uint32_t)atomic_load_explicit(&page->size, memory_order_relaxed);
		(void)atomic_load_explicit(&page->value, memory_order_relaxed);
		(void)operations->config_read(bench->host.world, bench->device.settings.handle, offset, size, &value);
		atomic_store_explicit(&page->value, value, memory_order_relaxed);
		atomic_store_explicit(&page->error, PCIBACK_DONE, memory_order_relaxed);
		(void)atomic_fetch_and_explicit(&bench->page.flags, ~(uint32_t)PCIBACK_FLAG_REQUEST,
		    memory_order_release);
		operations->notify(bench->host.world, NULL);
	}
}

OPERATION
operation_conf_read1(struct bench *bench, unsigned n)
{
	read_all(bench, n, 1);
}

OPERATION
operation_conf_read2(struct bench *bench, unsigned n)
{
	read_all(bench, n, 2);
}

OPERATION
operation_conf_read4(struct bench *bench, unsigned n)
{
	read_all(bench, n, 4);
}

/* The dword with the most registers. */
OPERATION
operation_conf_read4_dearest(struct bench *bench, unsigned n)
{
	prepare(bench, PCIBACK_CONFIG_READ, 0, 0x0c, 4, 0);
	while (n-- > 0)
		serve(bench);
}

/* Bus mastering on and off, so that each write reaches the device. */
OPERATION
operation_command_write(struct bench *bench, unsigned n)
{
	prepare(bench, PCIBACK_CONFIG_WRITE, 0, 4, 2, 0);
	while (n-- > 0) {
		atomic_store_explicit(&bench->page.request.value, (n & 1) != 0 ? 7 : 3,
		    memory_order_relaxed);
		serve(bench);
	}
}

/* Six registers: read, write ones, read, write back. */
OPERATION
operation_bar_sizing(struct bench *bench, unsigned n)
{
	while (n-- > 0) {
		for (uint32_t offset = 0x10; offset < 0x28; offset += 4) {
			uint32_t value;

			request(bench, PCIBACK_CONFIG_READ, 0, offset, 4, 0);
			value = atomic_load_explicit(&bench->page.request.value, memory_order_relaxed);
			request(bench, PCIBACK_CONFIG_WRITE, 0, offset, 4, UINT32_MAX);
			request(bench, PCIBACK_CONFIG_READ, 0, offset, 4, 0);
			request(bench, PCIBACK_CONFIG_WRITE, 0, offset, 4, value);
		}
	}
}

OPERATION
operation_no_device(struct bench *bench, unsigned n)
{
	prepare(bench, PCIBACK_CONFIG_READ, 8, 0, 4, 0);
	while (n-- > 0)
		serve(bench);
}

OPERATION
operation_bad_offset(struct bench *bench, unsigned n)
{
	prepare(bench, PCIBACK_CONFIG_READ, 0, 0x1000, 4, 0);
	while (n-- > 0)
		serve(bench);
}

/* On and off again. */
static void
msix(struct bench *bench, unsigned n, uint32_t n_vectors)
{
	for (uint32_t i = 0; i < n_vectors; i++)
		atomic_store_explicit(&bench->page.request.vectors[i].entry, (uint16_t)i,
		    memory_order_relaxed);
	while (n-- > 0) {
		request(bench, PCIBACK_ENABLE_MSIX, 0, 0, 0, n_vectors);
		request(bench, PCIBACK_DISABLE_MSIX, 0, 0, 0, 0);
	}
}

OPERATION
operation_msix_1(struct bench *bench, unsigned n)
{
	msix(bench, n, 1);
}

OPERATION
operation_msix_128(struct bench *bench, unsigned n)
{
	msix(bench, n, 128);
}

static double
nanoseconds(void)
{
	struct timespec now;

	(void)timespec_get(&now, TIME_UTC);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* bench [REPEATS]: each line is a name and the nanoseconds of one operation, the best of five
 * rounds. */
int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct bench *bench, unsigned n);
		bool is_done;		/* the last request succeeds */
	} operations[] = {
		{ "floor", operation_floor, true },
		{ "conf_read1", operation_conf_read1, true },
		{ "conf_read2", operation_conf_read2, true },
		{ "conf_read4", operation_conf_read4, true },
		{ "conf_read4_dearest", operation_conf_read4_dearest, true },
		{ "command_write", operation_command_write, true },
		{ "bar_sizing", operation_bar_sizing, true },
		{ "no_device", operation_no_device, false },
		{ "bad_offset", operation_bad_offset, false },
		{ "msix_1", operation_msix_1, true },
		{ "msix_128", operation_msix_128, true },
	};
	unsigned repeats = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 200000;
	static struct bench bench;

	if (repeats == 0 || set_up(&bench) < 0)
		return 1;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		double best = 0;

		for (unsigned round = 0; round < 5; round++) {
			double begin = nanoseconds(), spent;

			operations[i].run(&bench, repeats);
			spent = (nanoseconds() - begin) / repeats;
			if (round == 0 || spent < best)
				best = spent;
		}
		if ((atomic_load(&bench.page.request.error) == PCIBACK_DONE) != operations[i].is_done) {
			(void)fprintf(stderr, "%s is not answered as it should be\n", operations[i].name);
			return 1;
		}
		(void)printf("native.%s.ns %.1f\n", operations[i].name, best);
	}
	pciback_simulated_bus_free(&bench.bus);
	pciback_bus_free(&bench.dump);
	return 0;
}
