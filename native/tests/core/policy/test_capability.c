/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>

#include "../../../core/policy/capability.h"

/* A device in a power state that it does not have, or that the host does not switch. */
static void
test_power(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	for (unsigned states = 0; states < 4; states++) {
		fixture_card(config);
		fixture_store(config, 0x42, 2, 0xc803 | (states & 1) << 9 | (states >> 1) << 10);
		fixture_init(&fixture, config, sizeof(config));
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		CHECK_NUMBER(pciback_config_write(&fixture.device, 0x44, 2, 1), PCIBACK_DONE);
		CHECK_NUMBER(fixture.power, states & 1);
		CHECK_NUMBER(pciback_config_write(&fixture.device, 0x44, 2, 2), PCIBACK_DONE);
		CHECK_NUMBER(fixture.power, (states & 2) != 0 ? 2 : states & 1);
		CHECK_NUMBER(pciback_config_write(&fixture.device, 0x44, 2, 3), PCIBACK_DONE);
		CHECK_NUMBER(fixture.power, 3);
		fixture.fail_power = -EIO;
		CHECK_NUMBER(pciback_config_write(&fixture.device, 0x44, 2, 0), PCIBACK_FAILED);
		CHECK_NUMBER(fixture_read(&fixture, 0x44, 2) & 3, 3);
		fixture.fail_power = 0;
		/* On its way back the device forgot its command register. */
		CHECK_NUMBER(pciback_config_write(&fixture.device, 0x04, 2, 6), PCIBACK_DONE);
		fixture_store(fixture.real->config, 0x04, 2, 0);
		CHECK_NUMBER(pciback_config_write(&fixture.device, 0x44, 2, 0), PCIBACK_DONE);
		CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 0x0147);
		fixture_free(&fixture);
	}

	fixture_card(config);
	fixture_init(&fixture, config, sizeof(config));
	fixture.operations.power_set = NULL;
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x44, 2, 3), PCIBACK_DONE);
	CHECK_NUMBER(fixture_read(&fixture, 0x44, 2) & 3, 0);
	CHECK_NUMBER(fixture.n_writes, 0);
	fixture_free(&fixture);
}

/* A guest that controls interrupts in the registers: exactly one is on at any time. */
static void
test_interrupt_control(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	uint32_t pirq;

	fixture_card(config);
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.interrupt_control = true;
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	/* Not beside INTx. */
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x52, 2, 0x0181), PCIBACK_DENIED);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x72, 2, 0x80ff), PCIBACK_DENIED);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x04, 2, 0x0406), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 0x0547);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x52, 2, 0x0181), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x52, 2), 0x0181);
	CHECK_NUMBER(fixture.device.interrupt, PCIBACK_MSI);
	/* Now that MSI is on: neither INTx nor MSI-X, nor a request. */
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x04, 2, 0x0006), PCIBACK_DENIED);
	CHECK_NUMBER(fixture_read(&fixture, 0x04, 2), 0x0406);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x72, 2, 0xc0ff), PCIBACK_DENIED);
	CHECK_NUMBER(pciback_msi_enable(&fixture.device, &pirq), PCIBACK_FAILED);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x52, 2, 0x0180), PCIBACK_DONE);
	CHECK_NUMBER(fixture.device.interrupt, PCIBACK_INTX);
	/* MSI-X, and masking all of it. */
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x73, 1, 0x80), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x72, 2), 0x80ff);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x72, 2, 0xc000), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x72, 2), 0xc0ff);
	CHECK_NUMBER(fixture.device.interrupt, PCIBACK_MSIX);
	/* A request switches it off as well, and INTX_DISABLE stays as the guest wants it. */
	CHECK_NUMBER(pciback_msix_disable(&fixture.device, &pirq), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x72, 2), 0x40ff);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 0x0547);
	CHECK_NUMBER(fixture.n_disables, 0);
	/* What a request switched on is not switched off here. */
	CHECK_NUMBER(pciback_msi_enable(&fixture.device, &pirq), PCIBACK_DONE);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x52, 2, 0x0180), PCIBACK_DENIED);
	CHECK_NUMBER(fixture_real(&fixture, 0x52, 2) & 1, 1);
	CHECK_NUMBER(pciback_msi_disable(&fixture.device, &pirq), PCIBACK_DONE);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x04, 2, 0x0006), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 0x0147);
	/* Closing takes back what the registers switched on. */
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x04, 2, 0x0406), PCIBACK_DONE);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x52, 2, 0x0181), PCIBACK_DONE);
	CHECK_NUMBER(pciback_device_close(&fixture.device), 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x52, 2), 0x0180);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2) & 4, 0);
	fixture_free(&fixture);
}

/* Where the chain begins is said only if all of it could be laid out. */
static void
test_first(struct harness *harness)
{
	static const struct pciback_quirk quirk = { .vendor = 0x8086, .first = 0, .last = 0xffff,
		.kind = PCIBACK_QUIRK_REGISTER, .reg = { .offset = 0x10, .size = 4 } };
	static struct fixture fixture;
	uint8_t first = 0x99;

	fixture_init_card(&fixture);
	fixture.device.n_registers = 0;
	fixture.device.settings.quirks = &quirk;
	fixture.device.settings.n_quirks = 1;
	CHECK_NUMBER(pciback_policy_add_capabilities(&fixture.device, true, &first), -EINVAL);
	CHECK_NUMBER(first, 0x99);
	fixture.device.n_registers = 0;
	fixture.device.settings.n_quirks = 0;
	CHECK_NUMBER(pciback_policy_add_capabilities(&fixture.device, true, &first), 0);
	CHECK_NUMBER(first, 0x40);
	fixture_free(&fixture);
}

void
test_policy_capability(struct harness *harness)
{
	test_first(harness);
	test_power(harness);
	test_interrupt_control(harness);
}
