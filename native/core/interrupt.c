/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/interrupt.h>

#include <errno.h>
#include <string.h>

#include <pciback/operations.h>
#include <pciback/registers.h>

#include "policy/command.h"
#include "policy/raw.h"
#include "policy/report.h"

/* Which interrupt is on; INTx is off in COMMAND before another is, and on after it was. */
static enum pciback_answer
choose(struct pciback_device *device, enum pciback_interrupt interrupt)
{
	device->interrupt = interrupt;
	device->interrupt_by_registers = false;
	return pciback_command_apply(device, device->command);
}

/* Switched on in the registers: no operation knows of it, and the bit is all there is. */
static int
clear_enable(struct pciback_device *device, uint32_t offset, uint32_t enable)
{
	uint32_t control;

	if (pciback_raw_read(device, offset, 2, &control) != PCIBACK_DONE ||
	    pciback_raw_write(device, offset, 2, control & ~enable) != PCIBACK_DONE)
		return -EIO;
	return 0;
}

int
pciback_interrupt_release(struct pciback_device *device)
{
	const struct pciback_host *host = device->host;
	int r = 0;

	switch (device->interrupt) {
	case PCIBACK_INTX:
		return 0;
	case PCIBACK_MSI:
		if (device->interrupt_by_registers)
			r = clear_enable(device, (uint32_t)device->msi + MSI_CONTROL, MSI_ENABLE);
		else
			r = host->operations->msi_disable(host->world, device->settings.handle);
		break;
	case PCIBACK_MSIX:
		if (device->interrupt_by_registers)
			r = clear_enable(device, (uint32_t)device->msix + MSIX_CONTROL, MSIX_ENABLE);
		else
			r = host->operations->msix_disable(host->world, device->settings.handle);
		break;
	}
	/* Once is enough: what could not be taken back now can't be taken back twice. */
	if (choose(device, PCIBACK_INTX) != PCIBACK_DONE && r == 0)
		r = -EIO;
	if (r < 0)
		pciback_device_log(device, PCIBACK_LOG_ERROR,
		    "MSI could not be taken back: %s", strerror(-r));
	return r;
}

enum pciback_answer
pciback_msi_enable(struct pciback_device *device, uint32_t *ret_pirq)
{
	const struct pciback_host *host = device->host;
	uint32_t pirq = 0;
	int r;

	if (device->interrupt != PCIBACK_INTX || device->msi == 0 ||
	    host->operations->msi_enable == NULL)
		return PCIBACK_FAILED;
	r = choose(device, PCIBACK_MSI) == PCIBACK_DONE ?
	    host->operations->msi_enable(host->world, device->settings.handle, &pirq) : -EIO;
	if (r < 0) {
		pciback_device_log(device, PCIBACK_LOG_WARNING, "MSI could not be turned on: %s",
		    strerror(-r));
		(void)choose(device, PCIBACK_INTX);
		return PCIBACK_FAILED;
	}
	if (pirq == 0) {
		(void)pciback_interrupt_release(device);
		return PCIBACK_FAILED;
	}
	*ret_pirq = pirq;
	return PCIBACK_DONE;
}

enum pciback_answer
pciback_msi_disable(struct pciback_device *device, uint32_t *ret_pirq)
{
	if (device->interrupt == PCIBACK_MSI)
		(void)pciback_interrupt_release(device);
	*ret_pirq = device->settings.pirq;
	return PCIBACK_DONE;
}

enum pciback_answer
pciback_msix_disable(struct pciback_device *device, uint32_t *ret_pirq)
{
	if (device->interrupt == PCIBACK_MSIX)
		(void)pciback_interrupt_release(device);
	*ret_pirq = device->settings.pirq;
	return PCIBACK_DONE;
}

/* Whether the device and its guest both say that memory is decoded: the table is there. */
static bool
decodes_memory(struct pciback_device *device)
{
	uint32_t command;

	if (device->settings.is_virtual_function)
		return (device->command & COMMAND_MEMORY) != 0;
	return pciback_raw_read(device, REG_COMMAND, 2, &command) == PCIBACK_DONE &&
	    (command & device->command & COMMAND_MEMORY) != 0;
}

/* Whether each entry exists and none comes twice (XSA-164). */
static bool
are_entries(const struct pciback_device *device, const struct pciback_vector *vectors, size_t n)
{
	uint64_t seen[(MSIX_ENTRIES + 1) / 64] = { 0 };

	for (size_t i = 0; i < n; i++) {
		unsigned entry = vectors[i].entry;

		if (entry >= device->n_vectors || (seen[entry / 64] >> entry % 64 & 1) != 0)
			return false;
		seen[entry / 64] |= UINT64_C(1) << entry % 64;
	}
	return true;
}

enum pciback_answer
pciback_msix_check(struct pciback_device *device, const struct pciback_vector *vectors, size_t n)
{
	if (n > PCIBACK_VECTORS_MAX)
		return PCIBACK_MSIX_INVALID;
	if (device->interrupt == PCIBACK_MSIX)
		return PCIBACK_MSIX_ALREADY;
	if (device->interrupt != PCIBACK_INTX || !decodes_memory(device))
		return PCIBACK_MSIX_BUSY;
	if (n == 0 || device->msix == 0 || device->host->operations->msix_enable == NULL ||
	    !are_entries(device, vectors, n))
		return PCIBACK_MSIX_INVALID;
	return PCIBACK_DONE;
}

enum pciback_answer
pciback_msix_enable(struct pciback_device *device, struct pciback_vector *vectors, size_t n)
{
	const struct pciback_host *host = device->host;
	enum pciback_answer answer = pciback_msix_check(device, vectors, n);
	int r;

	if (answer != PCIBACK_DONE)
		return answer;
	r = choose(device, PCIBACK_MSIX) == PCIBACK_DONE ?
	    host->operations->msix_enable(host->world, device->settings.handle, vectors, n) : -EIO;
	if (r < 0) {
		pciback_device_log(device, PCIBACK_LOG_WARNING, "MSI-X could not be turned on: %s",
		    strerror(-r));
		(void)choose(device, PCIBACK_INTX);
		return r == -ENOMEM ? PCIBACK_MSIX_NO_MEMORY : PCIBACK_FAILED;
	}
	for (size_t i = 0; i < n; i++) {
		if (vectors[i].vector == 0) {
			(void)pciback_interrupt_release(device);
			return PCIBACK_FAILED;
		}
	}
	return PCIBACK_DONE;
}

enum pciback_answer
pciback_interrupt_act(struct pciback_device *device, uint32_t command, uint32_t *value,
    struct pciback_vector *vectors)
{
	enum pciback_answer error;

	switch (command) {
	case PCIBACK_ENABLE_MSI:
		/* What Linux answers to one that fails. */
		*value = 0;
		return pciback_msi_enable(device, value);
	case PCIBACK_DISABLE_MSI:
		return pciback_msi_disable(device, value);
	case PCIBACK_ENABLE_MSIX:
		error = pciback_msix_enable(device, vectors, *value);
		if (error == PCIBACK_DONE)
			*value = 0;
		return error;
	case PCIBACK_DISABLE_MSIX:
		return pciback_msix_disable(device, value);
	default:
		/* Several vectors of plain MSI, commands that only a backend sends, and unknown ones. */
		return PCIBACK_NOT_IMPLEMENTED;
	}
}
