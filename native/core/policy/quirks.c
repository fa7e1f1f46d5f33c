/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "policy.h"

#define ANY_DEVICE .first = 0, .last = 0xffff

/* A timer that wireless cards need to be zero while the processor sleeps; their drivers clear it,
 * and it does nothing else. */
#define RETRY_TIMEOUT .kind = PCIBACK_QUIRK_REGISTER, .reg = { .offset = 0x41, .size = 1 }

static const struct pciback_quirk quirks[] = {
	/* virtio finds its structures through capabilities of the vendor's [virtio 1.0, 4.1.4]. */
	{ .vendor = 0x1af4, .first = 0x1000, .last = 0x107f, .kind = PCIBACK_QUIRK_SHOW,
	    .capability = CAPABILITY_VENDOR },
	{ .vendor = 0x168c, ANY_DEVICE, RETRY_TIMEOUT },		/* Atheros, ath5k */
	{ .vendor = 0x8086, .first = 0x4222, .last = 0x423d, RETRY_TIMEOUT },	/* iwlwifi */
	/* Reading past the end of their vital product data hangs these; Linux does not read it. */
	{ .vendor = 0x1000, .first = 0x002f, .last = 0x002f, .kind = PCIBACK_QUIRK_HIDE,
	    .capability = CAPABILITY_VPD },
	{ .vendor = 0x1000, .first = 0x005b, .last = 0x007c, .kind = PCIBACK_QUIRK_HIDE,
	    .capability = CAPABILITY_VPD },
	{ .vendor = 0x1000, .first = 0x0413, .last = 0x0413, .kind = PCIBACK_QUIRK_HIDE,
	    .capability = CAPABILITY_VPD },
	{ .vendor = 0x1077, .first = 0x2261, .last = 0x2261, .kind = PCIBACK_QUIRK_HIDE,
	    .capability = CAPABILITY_VPD },
	{ .vendor = 0x1969, ANY_DEVICE, .kind = PCIBACK_QUIRK_HIDE, .capability = CAPABILITY_VPD },
};

const struct pciback_quirk *
pciback_quirks(size_t *ret_n)
{
	*ret_n = sizeof(quirks) / sizeof(quirks[0]);
	return quirks;
}
