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

/* What a device is, by its maker's numbers. */
struct pciback_identity {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;	/* 0 of a bridge, which has none */
};

/* A device as whoever wants it names it. An address is only a place: another device may sit there by
 * now. */
struct pciback_wanted {
	struct pciback_address address;
	bool has_id, has_subsystem;	/* to be taken: it has to have this vendor and device, this subsystem */
	struct pciback_identity identity;
	bool permissive;		/* for a guest: writes to registers that nobody knows reach it */
	bool rdm_relaxed;		/* for a guest: memory that it wants reserved may be missing */
};

#endif
