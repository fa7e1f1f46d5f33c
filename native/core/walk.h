/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_WALK_H
#define PCIBACK_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/device.h>

/*
 * Bytes in a fixed order: of a message between two processes, of the record that one leaves for the next. They are
 * written or read by the same functions, so that the two can't differ. The caller sees to it that there is room.
 */
struct pciback_walk {
	uint8_t *to;			/* NULL: it is read */
	const uint8_t *from;
	size_t position;
	bool failed;			/* a number is out of its range */
};

/* One number of some bytes, the lowest first: what it is. Read, it is at least `first` and at most `last`. */
uint64_t pciback_walk_number(struct pciback_walk *walk, unsigned bytes, uint64_t value, uint64_t first, uint64_t last);

/* The same in 1, 1, 2, 4 and 8 bytes. */
void pciback_walk_byte(struct pciback_walk *walk, uint8_t *value, uint8_t last);
void pciback_walk_flag(struct pciback_walk *walk, bool *value);
void pciback_walk_half(struct pciback_walk *walk, uint16_t *value);
void pciback_walk_word(struct pciback_walk *walk, uint32_t *value, uint32_t first, uint32_t last);
void pciback_walk_wide(struct pciback_walk *walk, uint64_t *value);

void pciback_walk_address(struct pciback_walk *walk, struct pciback_address *value);

/* The handle of the settings stays behind, and of the quirks there is whether they are those of pciback_quirks(). */
void pciback_walk_settings(struct pciback_walk *walk, struct pciback_device_settings *value);
void pciback_walk_state(struct pciback_walk *walk, struct pciback_device_state *value);

#endif
