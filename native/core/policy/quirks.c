/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "quirks.h"

#include <errno.h>

#include <pciback/policy.h>
#include <pciback/registers.h>

#include "register.h"
#include "report.h"

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

/* Whether a quirk is meant for a device. */
static bool
is_for(const struct pciback_quirk *quirk, const struct pciback_device_settings *settings)
{
	return quirk->vendor == settings->vendor && quirk->first <= settings->device &&
	    settings->device <= quirk->last;
}

bool
pciback_quirks_has(const struct pciback_device *device, enum pciback_quirk_kind kind,
    uint8_t capability)
{
	const struct pciback_device_settings *settings = &device->settings;

	for (size_t i = 0; i < settings->n_quirks; i++) {
		const struct pciback_quirk *quirk = &settings->quirks[i];

		if (quirk->kind == kind && quirk->capability == capability && is_for(quirk, settings))
			return true;
	}
	return false;
}

int
pciback_quirks_add(struct pciback_device *device)
{
	const struct pciback_device_settings *settings = &device->settings;

	for (size_t i = 0; i < settings->n_quirks; i++) {
		const struct pciback_quirk *quirk = &settings->quirks[i];
		int r;

		if (quirk->kind != PCIBACK_QUIRK_REGISTER || !is_for(quirk, settings))
			continue;
		if (quirk->reg.offset < PCIBACK_CONFIG_HEADER || quirk->reg.type != NULL)
			return -EINVAL;
		r = pciback_device_add_register(device, &quirk->reg);
		if (r < 0 && r != -EEXIST)
			return r;
		pciback_device_report(device, PCIBACK_LOG_INFO, r == 0 ?
		    "register %x is open to the guest, as this device needs it" :
		    "register %x lies in a capability and stays closed",
		    (unsigned)quirk->reg.offset);
	}
	return 0;
}
