/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "command.h"

#include <inttypes.h>

#include "raw.h"
#include "report.h"

enum pciback_answer
pciback_command_apply(struct pciback_device *device, uint32_t wanted)
{
	uint32_t passed = device->passed;

	if (device->interrupt != PCIBACK_INTX) {
		wanted |= COMMAND_INTX_DISABLE;
		passed |= COMMAND_INTX_DISABLE;
	}
	return pciback_raw_write(device, REG_COMMAND, 2, device->kept | (wanted & passed));
}

static enum pciback_answer
command_read(struct pciback_device *device, const struct pciback_register *reg,
    uint32_t *ret_value)
{
	uint32_t command;
	enum pciback_answer answer = pciback_raw_read(device, reg->offset, 2, &command);

	if (answer == PCIBACK_DONE)
		*ret_value = (command & COMMAND_FROM_DEVICE) |
		    (device->command & ~(uint32_t)COMMAND_FROM_DEVICE);
	return answer;
}

/*
 * Decoding stays on whatever the guest wants (XSA-120). INTX_DISABLE is the guest's only if it
 * controls interrupts, and never off beside MSI.
 */
static enum pciback_answer
command_write(struct pciback_device *device, struct pciback_register *reg, uint32_t value,
    uint32_t written)
{
	enum pciback_answer answer;

	(void)reg;
	if (device->settings.permissive && (value & written & COMMAND_PERMISSIVE) != 0)
		pciback_device_log(device, PCIBACK_LOG_WARNING,
		    "permissive: %" PRIx32 " is written to COMMAND", value & COMMAND_PERMISSIVE);
	if (device->interrupt != PCIBACK_INTX && device->settings.interrupt_control &&
	    (written & ~value & device->command & COMMAND_INTX_DISABLE) != 0)
		return PCIBACK_DENIED;
	answer = pciback_command_apply(device, value);
	if (answer == PCIBACK_DONE)
		device->command = (uint16_t)value;
	return answer;
}

/* INTX_DISABLE is on beside MSI, of which only the one that writes knows. */
static int
command_bound(const struct pciback_device *device, uint32_t current, uint32_t value, uint32_t *ret_value)
{
	(void)current;
	*ret_value = device->kept | (value & (device->passed | COMMAND_INTX_DISABLE));
	return 0;
}

const struct pciback_register_type pciback_register_command = {
	.read = command_read,
	.write = command_write,
	.bound = command_bound,
};
