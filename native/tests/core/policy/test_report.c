/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include "../../../core/policy/report.h"

/* What a guest can cause is a line a second; what it can't is always written. */
void
test_policy_report(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	fixture.log.now = 5000;
	fixture.n_lines = 0;
	pciback_device_log(&fixture.device, PCIBACK_LOG_WARNING, "value %x", 0x12);
	CHECK_TEXT(fixture.line, "domain 7: 0000:03:00.0: value 12");
	pciback_device_log(&fixture.device, PCIBACK_LOG_WARNING, "value %x", 0x13);
	CHECK_NUMBER(fixture.n_lines, 1);
	pciback_device_report(&fixture.device, PCIBACK_LOG_INFO, "open");
	CHECK_TEXT(fixture.line, "domain 7: (1 lines dropped) 0000:03:00.0: open");
	pciback_device_report(&fixture.device, PCIBACK_LOG_INFO, "shut");
	CHECK_TEXT(fixture.line, "domain 7: 0000:03:00.0: shut");
	CHECK_NUMBER(fixture.n_lines, 3);
	fixture_free(&fixture);
}
