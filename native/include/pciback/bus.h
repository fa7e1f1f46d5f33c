/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_BUS_H
#define PCIBACK_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/registers.h>

#define PCIBACK_BARS_MAX 6

/* One PCI function and what could be read of its configuration space. */
struct pciback_function {
	struct pciback_address address;
	size_t line;		/* where a dump names it, 0 if it was not read from one */
	size_t config_size;
	uint8_t *config;
};

/* The PCI functions of one machine, in the order of their addresses once it is sorted. */
struct pciback_bus {
	struct pciback_function *functions;
	size_t n_functions;
	size_t n_allocated;
};

enum pciback_bar_kind {
	PCIBACK_BAR_IO,
	PCIBACK_BAR_MEM32,
	PCIBACK_BAR_MEM64,
};

/* A base address register that holds an address. Its size can't be seen in a dump. */
struct pciback_bar {
	unsigned index;
	enum pciback_bar_kind kind;
	uint64_t address;
	bool prefetchable;
};

void pciback_bus_init(struct pciback_bus *bus);
void pciback_bus_free(struct pciback_bus *bus);

/* Adds a function with a copy of its configuration space (size at least
 * PCIBACK_CONFIG_HEADER). Returns 0, -EINVAL, or -ENOMEM. */
int pciback_bus_add(struct pciback_bus *bus, const struct pciback_address *address, size_t line,
    const uint8_t *config, size_t size);

/* Sorts by address. Returns 0, or -EEXIST when an address is there twice, and then, if
 * ret_twice is not NULL, the later of the two in it. */
int pciback_bus_sort(struct pciback_bus *bus, const struct pciback_function **ret_twice);

/* The function at an address of a sorted bus, or NULL. */
const struct pciback_function *pciback_bus_find(const struct pciback_bus *bus,
    const struct pciback_address *address);

/* Whether an operating system that scans the bus finds the function: one above 0 is only looked
 * for when function 0 is there and says that it is one of several. */
bool pciback_bus_scan_finds(const struct pciback_bus *bus,
    const struct pciback_function *function);

/* Little-endian reads of the header; `offset` lies within PCIBACK_CONFIG_HEADER. */
uint8_t pciback_config8(const struct pciback_function *function, size_t offset);
uint16_t pciback_config16(const struct pciback_function *function, size_t offset);
uint32_t pciback_config32(const struct pciback_function *function, size_t offset);

/* 0 device, 1 PCI-PCI bridge, 2 CardBus bridge. */
unsigned pciback_header_type(const struct pciback_function *function);
bool pciback_is_multifunction(const struct pciback_function *function);

/* Base class, subclass and interface: 0x020000 is an Ethernet controller. */
uint32_t pciback_class(const struct pciback_function *function);

/* Stores the BARs that hold an address; returns how many. */
size_t pciback_bars(const struct pciback_function *function,
    struct pciback_bar ret_bars[PCIBACK_BARS_MAX]);

/* What is wrong with a dump, for "FILE, line LINE: MESSAGE". */
struct pciback_dump_error {
	size_t line;		/* 1-based; 0 when the file as a whole is meant */
	char message[160];
};

/* Larger dumps are refused: a machine of a thousand functions with extended configuration
 * spaces has half of it. */
#define PCIBACK_DUMP_MAX ((size_t)32 << 20)

/*
 * Reads the text of `lspci -x`, `-xxx` or `-xxxx`, with or without -v, into an empty bus and sorts
 * it. Refused with a line number: lines that are neither, a hex line that is short, out of
 * order or without a function, a configuration space that stops early, an address twice, and a
 * header no function can have.
 * Returns 0, -EINVAL with *ret_error filled in (the bus is then empty again), or -ENOMEM.
 */
int pciback_bus_read_dump(struct pciback_bus *bus, const char *text, size_t length,
    struct pciback_dump_error *ret_error);

#endif
