/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/bus.h>

static int
add(struct pciback_bus *bus, const char *name, uint8_t header_type)
{
	uint8_t config[PCIBACK_CONFIG_PCI] = { 0x86, 0x80 };
	struct pciback_address address = { 0 };

	config[0x0e] = header_type;
	(void)pciback_address_parse(name, strlen(name), &address);
	return pciback_bus_add(bus, &address, bus->n_functions + 1, config, sizeof(config));
}

static const struct pciback_function *
find(const struct pciback_bus *bus, const char *name)
{
	struct pciback_address address = { 0 };

	(void)pciback_address_parse(name, strlen(name), &address);
	return pciback_bus_find(bus, &address);
}

static void
test_bars(struct harness *harness)
{
	static const struct {
		uint8_t header_type;
		size_t n_bars;
	} types[] = { { 0x80, 4 }, { 1, 2 }, { 2, 1 }, { 0x7f, 0 } };
	uint8_t config[PCIBACK_CONFIG_HEADER] = { 0 };
	struct pciback_function function = { .config_size = sizeof(config), .config = config };
	struct pciback_bar bars[PCIBACK_BARS_MAX];

	memcpy(config + 0x10, "\x01\xc2\x00\x00", 4);			/* I/O at c200 */
	memcpy(config + 0x14, "\x0c\x00\x40\xfe\x01\x00\x00\x00", 8);	/* 64 bits, prefetchable */
	memcpy(config + 0x20, "\x00\x00\x00\xfd", 4);			/* 32 bits */
	memcpy(config + 0x24, "\x04\x00\x10\x00", 4);	/* says 64 bits, but there is no second half */
	CHECK_NUMBER(pciback_bars(&function, bars), 4);
	CHECK_NUMBER(bars[0].kind, PCIBACK_BAR_IO);
	CHECK_NUMBER(bars[0].address, 0xc200);
	CHECK_NUMBER(bars[1].kind, PCIBACK_BAR_MEM64);
	CHECK_NUMBER(bars[1].index, 1);
	CHECK(bars[1].prefetchable);
	CHECK(bars[1].address == UINT64_C(0x1fe400000));
	CHECK_NUMBER(bars[2].kind, PCIBACK_BAR_MEM32);
	CHECK_NUMBER(bars[2].index, 4);
	CHECK_NUMBER(bars[3].kind, PCIBACK_BAR_MEM32);
	CHECK_NUMBER(bars[3].index, 5);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		function.config[0x0e] = types[i].header_type;
		CHECK_NUMBER(pciback_bars(&function, bars), types[i].n_bars);
	}
}

void
test_bus(struct harness *harness)
{
	const struct pciback_function *twice = NULL, *function;
	uint8_t short_config[32] = { 0 };
	struct pciback_address address = { 0 };
	struct pciback_bus bus;

	pciback_bus_init(&bus);
	CHECK_NUMBER(add(&bus, "01:00.0", 0), 0);
	CHECK_NUMBER(add(&bus, "00:06.1", 0), 0);
	CHECK_NUMBER(add(&bus, "00:06.0", 0x80), 0);
	CHECK_NUMBER(add(&bus, "00:07.1", 0), 0);
	CHECK_NUMBER(add(&bus, "00:07.0", 0x01), 0);
	CHECK_NUMBER(add(&bus, "00:08.2", 0), 0);
	CHECK_NUMBER(pciback_bus_add(&bus, &address, 0, short_config, sizeof(short_config)),
	    -EINVAL);
	CHECK_NUMBER(pciback_bus_sort(&bus, &twice), 0);
	CHECK_NUMBER(bus.functions[5].address.bus, 1);
	CHECK(find(&bus, "00:09.0") == NULL);

	function = find(&bus, "00:06.1");
	CHECK(function != NULL && pciback_bus_scan_finds(&bus, function));
	CHECK(function != NULL && !pciback_is_multifunction(function));
	CHECK(function != NULL && pciback_config16(function, 0) == 0x8086);
	function = find(&bus, "00:07.1");
	CHECK(function != NULL && !pciback_bus_scan_finds(&bus, function));
	function = find(&bus, "00:08.2");
	CHECK(function != NULL && !pciback_bus_scan_finds(&bus, function));
	function = find(&bus, "00:07.0");
	CHECK(function != NULL && pciback_header_type(function) == 1);

	CHECK_NUMBER(add(&bus, "00:06.0", 0), 0);
	CHECK_NUMBER(pciback_bus_sort(&bus, &twice), -EEXIST);
	CHECK(twice != NULL && twice->line == 7);
	pciback_bus_free(&bus);
	CHECK_NUMBER(bus.n_functions, 0);
	test_bars(harness);
}
