/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_POLICY_RAW_H
#define PCIBACK_POLICY_RAW_H

#include <stdbool.h>
#include <stdint.h>

#include <pciback/device.h>
#include <pciback/operations.h>
#include <pciback/registers.h>

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
	return size - 1 < 4 && (size & (size - 1)) == 0 &&
	    offset < PCIBACK_CONFIG_EXPRESS && (offset & (size - 1)) == 0;
}

/* Reads and writes the device itself. Returns PCIBACK_DONE or PCIBACK_FAILED. */
static inline enum pciback_answer
pciback_raw_read(struct pciback_device *device, uint32_t offset, uint32_t size,
    uint32_t *ret_value)
{
	const struct pciback_host *host = device->host;

	return host->operations->config_read(host->world, device->settings.handle, offset, size,
	    ret_value) < 0 ? PCIBACK_FAILED : PCIBACK_DONE;
}

static inline enum pciback_answer
pciback_raw_write(struct pciback_device *device, uint32_t offset, uint32_t size, uint32_t value)
{
	const struct pciback_host *host = device->host;

	return host->operations->config_write(host->world, device->settings.handle, offset, size,
	    value) < 0 ? PCIBACK_FAILED : PCIBACK_DONE;
}

#endif
