/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A host without MSI, and a device without. */
static void
test_without_msi(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	for (unsigned i = 0; i < 2; i++) {
		if (i == 1)
			fixture_store(config, 0x34, 1, 0x80);
		fixture_init(&fixture, config, sizeof(config));
		if (i == 0)
			fixture.operations.msi_enable = NULL;
		if (i == 0)
			fixture.operations.msix_enable = NULL;
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		atomic_store(&fixture.page.request.vectors[0].entry, 0);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), -5);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 1), -22);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_DISABLE_MSI, 0, 0, 0), 0);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_DISABLE_MSIX, 0, 0, 0), 0);
		fixture_free(&fixture);
	}
}

/* What a request is answered with when a step fails: the device has INTx again, and results are
 * untouched. */
static void
test_failures(struct harness *harness)
{
	static struct fixture fixture;
	char sentence[PCIBACK_LOG_LINE];
	uint32_t pirq = 77;

	for (unsigned i = 0; i < 3; i++) {
		fixture_init_card(&fixture);
		fixture.fail_interrupt = i == 0 ? -EIO : 0;
		fixture.zero_pirq = i == 1;
		fixture.fail_write = i == 2;
		CHECK_NUMBER(pciback_msi_enable(&fixture.device, &pirq), PCIBACK_FAILED);
		CHECK_NUMBER(pirq, 77);
		CHECK_NUMBER(fixture.device.interrupt, PCIBACK_INTX);
		CHECK_NUMBER(fixture.n_enabled, 0);
		fixture_free(&fixture);
	}
	/* The page is answered with 0 then, as Linux does. */
	fixture_init_card(&fixture);
	fixture.fail_interrupt = -EIO;
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 5), PCIBACK_FAILED);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0);
	(void)snprintf(sentence, sizeof(sentence), "MSI could not be turned on: %s", strerror(EIO));
	CHECK(strstr(fixture.line, sentence) != NULL);
	fixture.now += 1000;
	atomic_store(&fixture.page.request.vectors[0].entry, 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 1), PCIBACK_FAILED);
	(void)snprintf(sentence, sizeof(sentence), "MSI-X could not be turned on: %s", strerror(EIO));
	CHECK(strstr(fixture.line, sentence) != NULL);
	fixture_free(&fixture);
}

void
test_interrupt(struct harness *harness)
{
	test_without_msi(harness);
	test_failures(harness);
}
