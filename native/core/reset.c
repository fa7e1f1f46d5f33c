/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/reset.h>

#include <errno.h>
#include <stdbool.h>

#include <pciback/pristine.h>
#include <pciback/registers.h>

/* Milliseconds that a function may take [PCIe 6.6.2; PM 5.6.1]. */
#define WAIT_RESET	100
#define WAIT_POWER	10
#define N_WAITS		10		/* of WAIT_RESET, until one that is slow answers */

static int
set_power_state(const struct pciback_operations *operations, void *world, void *handle, unsigned control,
    unsigned state)
{
	uint32_t value = 0;
	int r = operations->config_read(world, handle, control, 2, &value);

	/* A one would clear the event. */
	value &= ~(uint32_t)(POWER_STATE | POWER_PME_STATUS);
	return r < 0 ? r : operations->config_write(world, handle, control, 2, value | state);
}

int
pciback_wake(const struct pciback_operations *operations, void *world, void *handle, const uint8_t *config,
    void (*pause)(void *world, unsigned milliseconds))
{
	unsigned power = pciback_find_capability(config, CAPABILITY_POWER, POWER_LENGTH);
	uint32_t value = 0;
	int r;

	if (power == 0)
		return 0;
	r = operations->config_read(world, handle, power + POWER_CONTROL, 2, &value);
	if (r < 0 || (value & POWER_STATE) == 0)
		return r;
	r = set_power_state(operations, world, handle, power + POWER_CONTROL, 0);
	if (r < 0)
		return r;
	pause(world, WAIT_POWER);
	r = operations->config_read(world, handle, power + POWER_CONTROL, 2, &value);
	if (r < 0)
		return r;
	return (value & POWER_STATE) != 0 ? -EIO : 1;
}

/* Whether the function loses its state on its way from D3hot to D0; not all do. */
static bool
is_reset_by_power(const struct pciback_operations *operations, void *world, void *handle, unsigned power)
{
	uint32_t value = 0;

	return power != 0 &&
	    operations->config_read(world, handle, power + POWER_CONTROL, 2, &value) == 0 &&
	    (value & POWER_NO_SOFT_RESET) == 0;
}

static int
enter(struct pciback_reset *reset, enum pciback_reset_stage stage, unsigned n_waits, unsigned wait)
{
	reset->stage = stage;
	reset->n_left = n_waits;
	return (int)wait;
}

/* Until it says who it is: before that it reads as ones [PCIe 2.3.2]. */
static int
ask(struct pciback_reset *reset, const struct pciback_operations *operations, void *world, void *handle,
    const uint8_t *config)
{
	uint32_t vendor = (uint32_t)config[REG_VENDOR] | (uint32_t)config[REG_VENDOR + 1] << 8, value = 0;
	int r = operations->config_read(world, handle, REG_VENDOR, 2, &value);

	if (r < 0 || value == vendor)
		return r;
	return --reset->n_left == 0 ? -EIO : WAIT_RESET;
}

/* What it asked for before it was silenced is on its way still; as in Linux, it is not waited for any longer. */
static int
reset_express(struct pciback_reset *reset, const struct pciback_operations *operations, void *world,
    void *handle, unsigned express)
{
	uint32_t value = 0;
	int r = operations->config_read(world, handle, express + EXPRESS_DEVICE_STATUS, 2, &value);

	if (r == 0 && (value & EXPRESS_PENDING) != 0 && reset->n_left > 0)
		return enter(reset, PCIBACK_RESET_PENDING, reset->n_left - 1, WAIT_RESET);
	if (r == 0)
		r = operations->config_read(world, handle, express + EXPRESS_DEVICE_CONTROL, 2, &value);
	if (r == 0)
		r = operations->config_write(world, handle, express + EXPRESS_DEVICE_CONTROL, 2,
		    value | EXPRESS_RESET_NOW);
	return r < 0 ? r : enter(reset, PCIBACK_RESET_SILENT, N_WAITS, WAIT_RESET);
}

/* By the first way that the function has. */
static int
begin(struct pciback_reset *reset, const struct pciback_operations *operations, void *world, void *handle,
    const uint8_t *config)
{
	unsigned express = pciback_find_capability(config, CAPABILITY_EXPRESS, EXPRESS_LENGTH_1);
	unsigned advanced = pciback_find_capability(config, CAPABILITY_ADVANCED, ADVANCED_LENGTH);
	unsigned power = pciback_find_capability(config, CAPABILITY_POWER, POWER_LENGTH);
	uint32_t value = 0;
	int r;

	if (express != 0) {
		r = operations->config_read(world, handle, express + EXPRESS_DEVICE, 4, &value);
		if (r < 0)
			return r;
	}
	if ((value & EXPRESS_RESET) != 0) {
		reset->n_left = N_WAITS;
		return reset_express(reset, operations, world, handle, express);
	}
	if (advanced != 0 && (config[advanced + ADVANCED_ABILITIES] & ADVANCED_RESET) != 0) {
		r = operations->config_write(world, handle, advanced + ADVANCED_CONTROL, 1,
		    ADVANCED_RESET_NOW);
		return r < 0 ? r : enter(reset, PCIBACK_RESET_SILENT, N_WAITS, WAIT_RESET);
	}
	if (!is_reset_by_power(operations, world, handle, power))
		return -ENOTSUP;
	r = set_power_state(operations, world, handle, power + POWER_CONTROL, 3);
	return r < 0 ? r : enter(reset, PCIBACK_RESET_ASLEEP, 0, WAIT_POWER);
}

static int
wake_up(struct pciback_reset *reset, const struct pciback_operations *operations, void *world, void *handle,
    unsigned power)
{
	int r = set_power_state(operations, world, handle, power + POWER_CONTROL, 0);

	return r < 0 ? r : enter(reset, PCIBACK_RESET_SILENT, N_WAITS, WAIT_RESET);
}

int
pciback_reset(struct pciback_reset *reset, const struct pciback_operations *operations, void *world, void *handle,
    const uint8_t *config)
{
	int r = -EINVAL;

	switch (reset->stage) {
	case PCIBACK_RESET_NONE:
		r = begin(reset, operations, world, handle, config);
		break;
	case PCIBACK_RESET_PENDING:
		r = reset_express(reset, operations, world, handle,
		    pciback_find_capability(config, CAPABILITY_EXPRESS, EXPRESS_LENGTH_1));
		break;
	case PCIBACK_RESET_ASLEEP:
		r = wake_up(reset, operations, world, handle,
		    pciback_find_capability(config, CAPABILITY_POWER, POWER_LENGTH));
		break;
	case PCIBACK_RESET_SILENT:
		r = ask(reset, operations, world, handle, config);
		break;
	}
	if (r <= 0)
		reset->stage = PCIBACK_RESET_NONE;
	return r;
}
