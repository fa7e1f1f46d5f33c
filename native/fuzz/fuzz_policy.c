/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <string.h>

#include "fixture.h"

#define CAPABILITIES	0x40
#define CAPABILITIES_SIZE 0xc0
#define STEP		8

/* What is on, as the answers say it. */
struct model {
	enum { NONE, MSI, MSIX } on;
	bool by_registers;
};

/* What holds after each step, whatever the device says of itself. */
static void
check(const struct fixture *fixture, const struct model *model)
{
	const struct pciback_device *device = &fixture->device;
	uint32_t command = fixture_real(fixture, 4, 2);

	ALWAYS((command & device->kept) == device->kept);
	ALWAYS((int)device->interrupt == (int)model->on);
	ALWAYS(fixture->n_enabled == (model->on != NONE && !model->by_registers));
	ALWAYS(model->on == NONE || (command & 0x400) != 0);
	ALWAYS(model->on != NONE || device->settings.interrupt_control || (command & 0x400) == 0);
	/* BARs, and what is behind them, are never written. */
	for (unsigned i = 0x10; i < CAPABILITIES; i++)
		ALWAYS(fixture->touched[i] == 0);
	for (unsigned i = 0x100; i < 0x1000; i++)
		ALWAYS(fixture->touched[i] == 0);
	ALWAYS((fixture->touched[4] & 3) == 0);
	/* Nor is anything in a register that is the host's. */
	for (unsigned i = 0; i < device->n_registers; i++) {
		const struct pciback_register *reg = &device->registers[i];

		for (unsigned j = 0; j < reg->size; j++)
			ALWAYS((fixture->touched[reg->offset + j] & (reg->read_only | reg->preserve) >>
			    8 * j & 0xff) == 0);
	}
	if (device->settings.permissive)
		return;
	ALWAYS(fixture->touched[0x06] == 0 && fixture->touched[0x07] == 0);
	for (unsigned i = CAPABILITIES; i < 0x100; i++) {
		bool is_control = (device->power != 0 && (i == device->power + 4U ||
		    i == device->power + 5U)) || (device->msi != 0 && i == device->msi + 2U) ||
		    (device->msix != 0 && i == device->msix + 3U);

		if (fixture->touched[i] != 0 && !is_control) {
			/* Vital product data: its address. */
			unsigned at = i & ~1U;

			ALWAYS((at & 2) != 0 && fixture_real(fixture, at - 2, 1) == 0x03);
		}
	}
}

/* One access or request of 8 bytes: which, size, offset, value. */
static void
step(struct fixture *fixture, struct model *model, const uint8_t bytes[STEP])
{
	uint32_t offset = bytes[2] | (uint32_t)(bytes[3] & 0x1f) << 8, size = bytes[1] & 7;
	uint32_t value = bytes[4] | (uint32_t)bytes[5] << 8 | (uint32_t)bytes[6] << 16 |
	    (uint32_t)bytes[7] << 24;
	struct pciback_vector vectors[PCIBACK_VECTORS_MAX];
	bool is_access = (size == 1 || size == 2 || size == 4) && offset % size == 0 && offset < 4096;
	enum pciback_answer answer;
	uint32_t ret = 0;

	switch (bytes[0] % 8) {
	case 0:
	case 1:
		answer = pciback_config_read(&fixture->device, offset, size, &ret);
		ALWAYS(answer == (is_access ? PCIBACK_DONE : PCIBACK_INVALID_OFFSET));
		ALWAYS(size >= 4 || ret >> 8 * size == 0);
		break;
	case 2:
	case 3:
		answer = pciback_config_write(&fixture->device, offset, size, value);
		ALWAYS((answer == PCIBACK_INVALID_OFFSET) == !is_access);
		ALWAYS(answer == PCIBACK_DONE || answer == PCIBACK_DENIED || !is_access);
		if ((int)fixture->device.interrupt != (int)model->on) {
			/* Only for who may, one at a time, and not what a request switched on. */
			ALWAYS(fixture->settings.interrupt_control);
			ALWAYS(model->on == NONE || fixture->device.interrupt == PCIBACK_INTX);
			ALWAYS(model->on == NONE || model->by_registers);
			model->by_registers = model->on == NONE;
			model->on = fixture->device.interrupt == PCIBACK_MSI ? MSI :
			    fixture->device.interrupt == PCIBACK_MSIX ? MSIX : NONE;
		}
		break;
	case 4:
		answer = pciback_msi_enable(&fixture->device, &ret);
		ALWAYS(answer == PCIBACK_DONE ? ret != 0 : answer == PCIBACK_FAILED && ret == 0);
		ALWAYS(answer == PCIBACK_FAILED || model->on == NONE);
		if (answer == PCIBACK_DONE)
			*model = (struct model){ MSI, false };
		break;
	case 5:
		ALWAYS(pciback_msi_disable(&fixture->device, &ret) == PCIBACK_DONE);
		if (model->on == MSI)
			model->on = NONE;
		break;
	case 6:
		for (size_t i = 0; i < PCIBACK_VECTORS_MAX; i++)
			vectors[i] = (struct pciback_vector){ .entry = (uint16_t)(bytes[5] * i + bytes[6]) };
		answer = pciback_msix_enable(&fixture->device, vectors, bytes[4]);
		ALWAYS((answer == PCIBACK_MSIX_ALREADY) == (model->on == MSIX && bytes[4] <= 128));
		ALWAYS(answer != PCIBACK_DONE || model->on == NONE);
		if (answer == PCIBACK_DONE)
			*model = (struct model){ MSIX, false };
		break;
	default:
		ALWAYS(pciback_msix_disable(&fixture->device, &ret) == PCIBACK_DONE);
		if (model->on == MSIX)
			model->on = NONE;
		break;
	}
}

/*
 * A device and what is done to it. The first byte: 1 permissive, 2 with interrupt control, 4 a
 * bridge, 8 with capabilities of its own in the 192 bytes that follow; then steps of 8 bytes.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture fixture;
	struct model model = { NONE, false };
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	uint8_t flags;

	if (size < 1)
		return 0;
	flags = *data++;
	size--;
	if ((flags & 4) != 0)
		fixture_bridge(config);
	else
		fixture_card(config);
	if ((flags & 8) != 0) {
		size_t n = size < CAPABILITIES_SIZE ? size : CAPABILITIES_SIZE;

		memcpy(config + CAPABILITIES, data, n);
		config[0x06] = 0x10;
		config[0x34] = CAPABILITIES;
		data += n;
		size -= n;
	}
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.permissive = (flags & 1) != 0;
	fixture.settings.interrupt_control = (flags & 2) != 0;
	ALWAYS(fixture_hand_out(&fixture) == 0);
	check(&fixture, &model);
	for (; size >= STEP; data += STEP, size -= STEP) {
		step(&fixture, &model, data);
		check(&fixture, &model);
	}
	ALWAYS(pciback_device_close(&fixture.device) == 0);
	model = (struct model){ NONE, false };
	ALWAYS(fixture.n_enabled == 0 && fixture.n_enables == fixture.n_disables);
	ALWAYS((fixture_real(&fixture, 4, 2) & 4) == 0);
	fixture_free(&fixture);
	return 0;
}
