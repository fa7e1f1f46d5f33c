/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "chain.h"

#include <errno.h>

#include "quirks.h"
#include "raw.h"
#include "report.h"

/*
 * The chain of capabilities comes from the device and may point anywhere. Those of a short list are
 * shown to the guest; all others are taken out of the chain. What overlaps is hidden altogether, so
 * that no register of a shown one can be another's MSI address.
 */

static bool
is_shown(const struct pciback_device *device, const struct pciback_chain *chain, uint8_t id)
{
	switch (id) {
	case CAPABILITY_POWER:
	case CAPABILITY_VPD:
	case CAPABILITY_MSI:
	case CAPABILITY_MSIX:
	case CAPABILITY_EXPRESS:
		/* A device has each once; the second would have a state of its own. */
		for (size_t i = 0; i < chain->n; i++)
			if (chain->list[i].id == id)
				return false;
		return !pciback_quirks_has(device, PCIBACK_QUIRK_HIDE, id);
	default:
		return pciback_quirks_has(device, PCIBACK_QUIRK_SHOW, id);
	}
}

/* How long a capability is by its own account; 0 when it does not say. */
static uint32_t
known_length(const struct pciback_capability *capability)
{
	uint32_t control = capability->first >> 16;

	switch (capability->id) {
	case CAPABILITY_POWER:
		return POWER_LENGTH;
	case CAPABILITY_VPD:
		return VPD_LENGTH;
	case CAPABILITY_MSI:
		return 12U + ((control & MSI_64) != 0 ? 4U : 0U) +
		    ((control & MSI_MASKABLE) != 0 ? 8U : 0U);
	case CAPABILITY_MSIX:
		return MSIX_LENGTH;
	default:
		return 0;
	}
}

int
pciback_chain_read(struct pciback_device *device, struct pciback_chain *ret_chain)
{
	struct pciback_chain chain = { .n = 0 };
	bool seen[PCIBACK_CHAIN_MAX] = { false };
	uint32_t status, at;

	if (pciback_raw_read(device, REG_STATUS, 2, &status) != PCIBACK_DONE ||
	    pciback_raw_read(device, REG_CAPABILITIES, 1, &at) != PCIBACK_DONE)
		return -EIO;
	if ((status & STATUS_CAPABILITIES) == 0)
		at = 0;
	for (at &= 0xfc; at != 0; at &= 0xfc) {
		struct pciback_capability *capability = &chain.list[chain.n];
		uint32_t first;

		if (at < PCIBACK_CONFIG_HEADER || seen[(at - PCIBACK_CONFIG_HEADER) / 4]) {
			pciback_device_report(device, PCIBACK_LOG_WARNING,
			    "the chain of capabilities leads to %x and ends there", (unsigned)at);
			break;
		}
		seen[(at - PCIBACK_CONFIG_HEADER) / 4] = true;
		if (pciback_raw_read(device, at, 4, &first) != PCIBACK_DONE)
			return -EIO;
		*capability = (struct pciback_capability){
			.offset = (uint8_t)at,
			.id = (uint8_t)first,
			.shown = is_shown(device, &chain, (uint8_t)first),
			.first = first,
		};
		chain.n++;
		at = first >> 8;
	}
	*ret_chain = chain;
	return 0;
}

void
pciback_chain_find_ends(struct pciback_device *device, struct pciback_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++) {
		struct pciback_capability *capability = &chain->list[i];
		uint32_t next = PCIBACK_CONFIG_PCI, length = known_length(capability);

		for (size_t j = 0; j < chain->n; j++)
			if (chain->list[j].offset > capability->offset && chain->list[j].offset < next)
				next = chain->list[j].offset;
		capability->end = next;
		if (capability->id == CAPABILITY_EXPRESS) {
			/* Read-only, so that it may be shorter than its version says. */
			length = (capability->first >> 16 & EXPRESS_VERSION) >= 2 ? EXPRESS_LENGTH_2 :
			    EXPRESS_LENGTH_1;
			if (capability->offset + length < next)
				capability->end = capability->offset + length;
		} else if (length != 0) {
			capability->end = capability->offset + length;
		}
	}
	for (size_t i = 0; i < chain->n; i++) {
		struct pciback_capability *one = &chain->list[i];

		if (one->end > PCIBACK_CONFIG_PCI) {
			one->shown = false;
			one->end = PCIBACK_CONFIG_PCI;
			pciback_device_report(device, PCIBACK_LOG_WARNING,
			    "capability %x at %x runs past the end and is hidden", (unsigned)one->id,
			    (unsigned)one->offset);
		}
		for (size_t j = 0; j < chain->n; j++) {
			struct pciback_capability *other = &chain->list[j];

			if (other->offset <= one->offset || other->offset >= one->end)
				continue;
			one->shown = other->shown = false;
			pciback_device_report(device, PCIBACK_LOG_WARNING,
			    "capabilities %x at %x and %x at %x overlap and are hidden",
			    (unsigned)one->id, (unsigned)one->offset, (unsigned)other->id,
			    (unsigned)other->offset);
		}
	}
}
