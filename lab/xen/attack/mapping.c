/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */

#define _GNU_SOURCE

#include "guest.h"

#include <sys/ioctl.h>

#include <unistd.h>

/* Mappings that Xen makes or refuses. */

struct hypercall {
	uint64_t number, argument[5];
};
#define PRIVCMD_CALL	_IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall))

#define UPDATE_VA_MAPPING 14
#define FLUSH_ENTRY	2
#define ENTRY_WRITABLE	UINT64_C(0x77)	/* present, writable, the user's, uncached, accessed, dirty */

/* Maps a frame of the machine, writable, in place of what is there; 0 takes it away. Whether Xen did it. */
static bool
map(uint64_t frame)
{
	struct hypercall call = {
		.number = UPDATE_VA_MAPPING,
		.argument = { (uintptr_t)guest.window, frame != 0 ? frame << 12 | ENTRY_WRITABLE : 0, FLUSH_ENTRY },
	};

	return ioctl(guest.privcmd, PRIVCMD_CALL, &call) == 0;
}

/*
 * Whether the message of the table's first entry is what is written to it. The guest's kernel writes: a write of the program
 * to what Xen has mapped read-only would make the kernel put a copy there, and the copy would be written.
 */
static bool
table_is_writable(void)
{
	off_t place = (off_t)(guest.table & (PAGE - 1)) + 8;
	volatile uint32_t *data = (volatile uint32_t *)(guest.window + place);
	uint32_t before = *data, pattern = before ^ 0x5a;
	bool is_written;

	if (pwrite(guest.scratch, &pattern, sizeof(pattern), 0) != (ssize_t)sizeof(pattern) ||
	    pread(guest.scratch, guest.window + place, sizeof(pattern), 0) != (ssize_t)sizeof(pattern))
		return false;
	is_written = *data == pattern && map(guest.table >> 12) && *data == pattern;
	if (is_written) {
		(void)pwrite(guest.scratch, &before, sizeof(before), 0);
		(void)pread(guest.scratch, guest.window + place, sizeof(before), 0);
	}
	return is_written;
}

void
map_own(bool is_closed)
{
	for (int i = 0; i <= BARS; i++) {
		uint64_t address = i < BARS ? guest.bar[i] : guest.table;
		bool is_mapped;

		if (address == 0)
			continue;
		is_mapped = map(address >> 12);
		if (is_closed) {
			count.closed_tried++;
			count.mapped_closed += is_mapped;
		} else if (is_mapped) {
			count.mapped_open++;
		}
		if (!is_mapped) {
			count.refused++;
			continue;
		}
		if (i == BARS) {
			count.table_tried++;
			count.table_written += table_is_writable();
		}
		(void)map(0);
	}
}

static bool
is_own(uint64_t frame)
{
	/* No device of the lab has more than that in one place. */
	for (int i = 0; i < BARS; i++)
		if (guest.bar[i] != 0 && frame >= guest.bar[i] >> 12 && frame < (guest.bar[i] >> 12) + 0x20)
			return true;
	return false;
}

void
map_foreign(void)
{
	for (int i = 0; i < 64; i++) {
		uint64_t frame = 0xfe000 + any(0xc00);

		if (is_own(frame))
			continue;
		count.foreign_tried++;
		if (!map(frame)) {
			count.refused++;
			continue;
		}
		count.foreign_mapped++;
		(void)map(0);
	}
}
