/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_WANTED_H
#define PCIBACK_WANTED_H

#include <stdbool.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/allow.h>

/* What a device is, by its maker's numbers. */
struct pciback_identity {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;	/* 0 of a bridge, which has none */
};

#define PCIBACK_DRIVER_SIZE 32

/* A device as the machine has it. */
struct pciback_found {
	struct pciback_identity identity;
	/* Which driver of dom0's uses it, "wm2"; "" for none, and for one that only keeps it for guests. */
	char driver[PCIBACK_DRIVER_SIZE];
};

/* A device as whoever wants it names it. An address is only a place: another device may sit there by
 * now. */
struct pciback_wanted {
	struct pciback_address address;
	bool has_id, has_subsystem;	/* to be taken: it has to have this vendor and device, this subsystem */
	struct pciback_identity identity;
	unsigned allow;			/* to be taken: PCIBACK_ALLOW_*, what its owner allows for it alone */
	uint8_t irq;			/* to be taken: the interrupt of its line, if its owner states it; 0: nothing is stated */
	bool permissive;		/* for a guest: writes to registers that nobody knows reach it */
	bool rdm_relaxed;		/* for a guest: memory that it wants reserved may be missing */
};

/* How a client names a device: its address, and options after commas, each at most once. */

/* The options that a request knows. */
enum {
	PCIBACK_WANTED_KNOWS_IDENTITY = 1 << 0,	/* id=8086:10d3, subsystem=8086:a01f, irq=20, allow=no-reset+shared-irq */
	PCIBACK_WANTED_KNOWS_POLICY = 1 << 1,	/* permissive=0|1, rdm_policy=strict|relaxed */
};

#define PCIBACK_WANTED_MESSAGE 128

/*
 * Reads a word, which is cut into its parts; `knows` is of the values above. *device holds on entry what
 * counts for a device that says nothing else. Returns 0, or -EINVAL with one sentence in `message`.
 */
int pciback_wanted_read(char *word, unsigned knows, struct pciback_wanted *device, char message[PCIBACK_WANTED_MESSAGE]);

/* Reads the number of an interrupt, as INTERRUPT_LINE can say it to a guest. False for another text; nothing is set then. */
bool pciback_wanted_irq(const char *text, uint8_t *ret_irq);

#endif
