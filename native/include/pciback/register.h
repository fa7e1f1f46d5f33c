/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_REGISTER_H
#define PCIBACK_REGISTER_H

/*
 * The registers that make up a guest's view of a configuration space, and the devices that need an
 * exception.
 */

#include <stdbool.h>
#include <stdint.h>

#include <pciback/pciif.h>

struct pciback_device;
struct pciback_register_type;

/*
 * A register of a configuration space. Each of its bits is in at most one mask; a bit in none is
 * the guest's to write. How a register is read and written, unless its type says otherwise:
 *
 *	mask		read		written
 *	read_only	as it is	stays
 *	clear_by_one	as it is	a one clears it, a zero leaves it
 *	preserve	zero		stays
 *	zero		zero		zero
 *	none		as it is	as the guest wants it
 */
struct pciback_register {
	const struct pciback_register_type *type;	/* NULL: as above */
	uint32_t read_only;
	uint32_t clear_by_one;
	uint32_t preserve;
	uint32_t zero;
	uint32_t value;			/* the type's own, such as what a virtual register shows */
	uint16_t offset;		/* a multiple of the size */
	uint8_t size;			/* bytes: 1, 2 or 4 */
	bool guarded;			/* written only if the device is permissive */
};

/* What a type does otherwise; NULL: as the masks say. Values are those of the whole register. What
 * read returns is shown as it is; the masks have been applied to what write gets. */
struct pciback_register_type {
	enum pciback_answer (*read)(struct pciback_device *device,
	    const struct pciback_register *reg, uint32_t *ret_value);
	/* `value` is what the register would show after the write, with ones only in those bits of
	 * clear_by_one that are to be cleared; `written` are the bits that the guest wrote. */
	enum pciback_answer (*write)(struct pciback_device *device, struct pciback_register *reg,
	    uint32_t value, uint32_t written);
	/* What a write of `value` to the device may become, whatever was written and requested before: as
	 * pciback_policy_bound(). NULL beside a write: it never reaches the device. */
	int (*bound)(const struct pciback_device *device, uint32_t current, uint32_t value, uint32_t *ret_value);
};

/* One deviation from the general policy, for devices that need it. */
enum pciback_quirk_kind {
	PCIBACK_QUIRK_HIDE,		/* hide a capability that is usually shown */
	PCIBACK_QUIRK_SHOW,		/* show a capability that is usually hidden, read-only */
	PCIBACK_QUIRK_REGISTER,		/* a register between 0x40 and 0xff that a driver writes */
};

struct pciback_quirk {
	uint16_t vendor;
	uint16_t first, last;		/* device ids, both included */
	enum pciback_quirk_kind kind;
	uint8_t capability;		/* HIDE, SHOW: its id */
	struct pciback_register reg;	/* REGISTER; `type` is NULL */
};

#endif
