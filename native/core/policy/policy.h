/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_POLICY_H
#define PCIBACK_POLICY_POLICY_H

#include <pciback/backend.h>

#include "registers.h"

/* What most accesses take, and what is kept out of their way. */
#if defined(__GNUC__)
#define PCIBACK_HOT __attribute__((always_inline)) static inline
#define PCIBACK_COLD __attribute__((noinline)) static
#else
#define PCIBACK_HOT static inline
#define PCIBACK_COLD static
#endif

/* The bits of a value of 1, 2 or 4 bytes. */
static inline uint32_t
pciback_size_mask(uint32_t size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

/* Whether an access is one that a configuration space has. */
static inline bool
pciback_is_access(uint32_t offset, uint32_t size)
{
	return size <= 4 && (1U << size & (1U << 1 | 1U << 2 | 1U << 4)) != 0 &&
	    offset < CONFIG_END && (offset & (size - 1)) == 0;
}

/* The device itself. *ret_value is 0 unless done; failures are PCIBACK_FAILED. */
static inline enum pciback_answer
pciback_raw_read(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t *ret_value)
{
	const struct pciback_host *host = device->host;

	*ret_value = 0;
	if (host->operations->config_read(host->world, device->settings.handle, offset, size,
	    ret_value) < 0) {
		*ret_value = 0;
		return PCIBACK_FAILED;
	}
	return PCIBACK_DONE;
}

static inline enum pciback_answer
pciback_raw_write(struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t value)
{
	const struct pciback_host *host = device->host;

	return host->operations->config_write(host->world, device->settings.handle, offset, size,
	    value) < 0 ? PCIBACK_FAILED : PCIBACK_DONE;
}

/*
 * Writes all of the device's COMMAND: what the host keeps, what of `wanted` is the guest's to
 * have, and INTX_DISABLE as the interrupt that is on demands it. Never a read: what a device
 * forgot comes back, and what it says decides nothing.
 */
enum pciback_answer pciback_command_apply(struct pciback_device *device, uint32_t wanted);

/* A line about a device; a guest may cause it, so there is one a second. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void pciback_device_log(const struct pciback_device *device, enum pciback_log_level level,
    const char *format, ...);

/* The same, for what happens while a device is set up: no guest causes it, and none is dropped. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void pciback_device_report(const struct pciback_device *device, enum pciback_log_level level,
    const char *format, ...);

/* Shows `value` of the register, whatever the device says. */
extern const struct pciback_register_type pciback_register_fixed;

/* Fails with -ENOSPC, -EEXIST or -EINVAL as pciback_device_add_register(), or -EIO. */
int pciback_policy_add_capabilities(struct pciback_device *device, uint8_t *ret_first);
int pciback_policy_add_header(struct pciback_device *device, uint8_t first_capability);

#endif
