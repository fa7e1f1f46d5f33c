/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_H
#define PCIBACK_POLICY_H

/*
 * What a guest may read and write of a device's configuration space [PCI: PCI Local Bus
 * Specification 3.0; PCIe: PCI Express Base Specification, chapter 7; PM: PCI Bus Power Management
 * Interface Specification 1.2].
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/pciif.h>
#include <pciback/register.h>

struct pciback_device;

/* The quirks that are known to be needed, *ret_n of them. A register yields to a capability at its
 * place. */
const struct pciback_quirk *pciback_quirks(size_t *ret_n);

/*
 * What a guest reads from a configuration space: `size` bytes (1, 2, 4) at `offset`, a multiple of
 * it, up to 4095. Past the device's config_size there are ones, as on a bus where nobody answers,
 * and the device isn't asked.
 * Returns PCIBACK_DONE, PCIBACK_INVALID_OFFSET for any other offset or size, or PCIBACK_FAILED when
 * the device could not be read.
 */
enum pciback_answer pciback_config_read(struct pciback_device *device, uint32_t offset,
    uint32_t size, uint32_t *ret_value);

/*
 * A guest's write. It is cut at the borders of registers and each part goes to the one that owns
 * it (XSA-128); parts that nobody owns are dropped unless the device is permissive, and answered
 * with PCIBACK_DONE. The first part that is not done ends the write and is the answer.
 * Returns PCIBACK_DONE, PCIBACK_INVALID_OFFSET as above, PCIBACK_DENIED when the policy forbids it,
 * or PCIBACK_FAILED when the device could not be read or written.
 */
enum pciback_answer pciback_config_write(struct pciback_device *device, uint32_t offset,
    uint32_t size, uint32_t value);

/* From the first byte to the one behind the last. */
struct pciback_policy_range {
	uint32_t first, end;
};

#define PCIBACK_POLICY_RANGES { { 0x04, 0x08 }, { 0x0c, 0x0e }, { 0x0f, 0x10 }, { 0x40, 0x100 } }

/*
 * Whether a policy ever writes there, whatever a guest does: COMMAND and STATUS, the cache line, latency and self-test,
 * and what is behind the header in the first 256 bytes; never a BAR, the ROM or the extended space. What holds a child
 * that its guest has taken over.
 */
static inline bool
pciback_policy_may_write(uint64_t offset, uint64_t size)
{
	static const struct pciback_policy_range ranges[] = PCIBACK_POLICY_RANGES;

	for (size_t i = 0; size <= 4 && i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (offset >= ranges[i].first && offset < ranges[i].end && offset + size <= ranges[i].end)
			return true;
	return false;
}

/*
 * What of a write to the device itself is let through when the policy that has decided on it may be the guest's own by
 * now: what some write of that guest could have made of it, and no more. `current` is what the device has there, `value`
 * what shall be there; both have `size` bytes. Returns 0 and what is to be written; or -EPERM for what no policy of this
 * device writes: what is not one whole register, BARs, the ROM, extended space, power states, and MSI unless the guest
 * controls interrupts.
 */
int pciback_policy_bound(const struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t current,
    uint32_t value, uint32_t *ret_value);

#endif
