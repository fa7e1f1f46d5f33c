/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>

#include <pciback/registers.h>

#include "../../../core/policy/command.h"

/* What reaches the device: what the host keeps, and what of the rest is the guest's to have. */
static void
test_apply(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	CHECK_NUMBER(pciback_command_apply(&fixture.device, 0), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, REG_COMMAND, 2), fixture.device.kept);
	CHECK_NUMBER(pciback_command_apply(&fixture.device, 0xffff), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, REG_COMMAND, 2), fixture.device.kept | COMMAND_PASSED);
	/* Beside MSI, INTx is off whatever the guest wants. */
	fixture.device.interrupt = PCIBACK_MSI;
	CHECK_NUMBER(pciback_command_apply(&fixture.device, 0), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, REG_COMMAND, 2),
	    fixture.device.kept | COMMAND_INTX_DISABLE);
	fixture.device.interrupt = PCIBACK_INTX;
	fixture.fail_write = 1;
	CHECK_NUMBER(pciback_command_apply(&fixture.device, 0), PCIBACK_FAILED);
	fixture_free(&fixture);
}

/* What a guest reads is what it wrote, with what the device says of the rest. */
static void
test_read_and_write(struct harness *harness)
{
	const struct pciback_register reg = { .offset = REG_COMMAND, .size = 2 };
	struct pciback_register written = reg;
	static struct fixture fixture;
	uint32_t value = 0x5555;

	fixture_init_card(&fixture);
	CHECK_NUMBER(pciback_register_command.write(&fixture.device, &written, COMMAND_MASTER, 0xffff),
	    PCIBACK_DONE);
	CHECK_NUMBER(fixture.device.command, COMMAND_MASTER);
	CHECK_NUMBER(pciback_register_command.read(&fixture.device, &reg, &value), PCIBACK_DONE);
	CHECK_NUMBER(value, COMMAND_MASTER);
	fixture.fail_read = -EIO;
	value = 0x5555;
	CHECK_NUMBER(pciback_register_command.read(&fixture.device, &reg, &value), PCIBACK_FAILED);
	CHECK_NUMBER(value, 0x5555);
	fixture.fail_read = 0;
	fixture.fail_write = 1;
	CHECK_NUMBER(pciback_register_command.write(&fixture.device, &written, 0, 0xffff),
	    PCIBACK_FAILED);
	CHECK_NUMBER(fixture.device.command, COMMAND_MASTER);
	fixture_free(&fixture);
}

void
test_policy_command(struct harness *harness)
{
	test_apply(harness);
	test_read_and_write(harness);
}
