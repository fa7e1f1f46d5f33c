/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_WRITE32_H
#define PCIBACK_WRITE32_H

#include <stdint.h>

#include <pciback/bus.h>

/*
 * For systems that write a configuration space only 32 bits at a time: what to write for less than
 * that, without clearing a neighbour that is cleared by ones.
 */

/* Of each dword of a configuration space: the bits that a one clears. */
struct pciback_clear_by_one {
	uint32_t bits[PCIBACK_CONFIG_PCI / 4];
};

/* Finds them: STATUS, a bridge's secondary STATUS, PMCSR, and the status registers of PCI Express
 * [PCI 6.2.3, PM 3.2.4, PCIe 7.5]. Offsets that a device makes up are harmless. */
void pciback_clear_by_one_find(const uint8_t config[PCIBACK_CONFIG_PCI],
    struct pciback_clear_by_one *ret_bits);

/* The dword to write at `offset` rounded down to 4, when `size` (1, 2 or 4) bytes at `offset`, a
 * multiple of it, shall become `value` and the dword is `old`. */
uint32_t pciback_write32(const struct pciback_clear_by_one *bits, uint32_t old, unsigned offset,
    unsigned size, uint32_t value);

#endif
