/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_ADDRESS_H
#define PCIBACK_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a canonical address ("0000:00:1f.0") with its terminating NUL. */
#define PCIBACK_ADDRESS_SIZE 13

/* Where a PCI function sits. A value that came out of this library is always in range:
 * device at most 0x1f, function at most 7. */
struct pciback_address {
	uint16_t domain;
	uint8_t bus;
	uint8_t device;
	uint8_t function;
};

/*
 * Reads "DDDD:BB:DD.F" or "BB:DD.F" (hexadecimal, fixed widths, domain of 4 to 8 digits as lspci
 * prints it) from the `length` bytes at `text`.
 * Returns 0, -EINVAL when the text has another form, or -ERANGE when it names what no machine
 * has (domain above ffff, device above 1f, function above 7).
 */
int pciback_address_parse(const char *text, size_t length, struct pciback_address *ret_address);

/* Writes the canonical form "0000:00:1f.0", NUL-terminated. */
void pciback_address_format(const struct pciback_address *address,
    char ret_text[PCIBACK_ADDRESS_SIZE]);

/* Orders by domain, bus, device, function: negative, zero or positive as memcmp(3). */
int pciback_address_compare(const struct pciback_address *a, const struct pciback_address *b);

#endif
