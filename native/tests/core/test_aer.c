/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>

void
test_aer(struct harness *harness)
{
	static const struct {
		int32_t answer;
		enum pciback_recovery result;
	} answers[] = { { 1, PCIBACK_RECOVERY_NONE }, { 2, PCIBACK_RECOVERY_CAN },
		{ 3, PCIBACK_RECOVERY_NEEDS_RESET }, { 4, PCIBACK_RECOVERY_DISCONNECT },
		{ 5, PCIBACK_RECOVERY_DONE }, { 0, PCIBACK_RECOVERY_DISCONNECT },
		{ 6, PCIBACK_RECOVERY_DISCONNECT }, { -1, PCIBACK_RECOVERY_DISCONNECT },
		{ INT32_MIN, PCIBACK_RECOVERY_DISCONNECT } };
	static const struct pciback_address place = { .device = 3, .function = 2 };
	static struct fixture fixture;
	enum pciback_recovery result;

	fixture_init_card(&fixture);
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_DETECTED, 2, &place), -ENOTSUP);
	CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), -ENOENT);
	atomic_store(&fixture.page.flags, PCIBACK_FLAG_AER_HANDLER);
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_DISABLE_MSIX, 2, &place), -EINVAL);
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_ENABLE_MULTI_MSI, 2, &place),
	    -EINVAL);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_SLOT_RESET, 2, &place), 0);
		CHECK_NUMBER(fixture.n_notified, i + 1);
		CHECK_NUMBER(atomic_load(&fixture.page.flags), 6);
		CHECK_NUMBER(atomic_load(&fixture.page.aer.command), 9);
		CHECK_NUMBER(atomic_load(&fixture.page.aer.error), 2);
		CHECK_NUMBER(atomic_load(&fixture.page.aer.devfn), 0x1a);
		CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_RESUME, 1, &place), -EBUSY);
		CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), -EAGAIN);
		atomic_store(&fixture.page.aer.error, answers[i].answer);
		atomic_store(&fixture.page.flags, PCIBACK_FLAG_AER_HANDLER);
		CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), 0);
		CHECK_NUMBER(result, answers[i].result);
		CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), -ENOENT);
	}
	/* A guest that does not answer is given up, and asked again. */
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_DETECTED, 3, &place), 0);
	pciback_aer_cancel(&fixture.channel);
	CHECK_NUMBER(atomic_load(&fixture.page.flags), 2);
	CHECK_NUMBER(pciback_aer_take(&fixture.channel, &result), -ENOENT);
	CHECK_NUMBER(pciback_aer_send(&fixture.channel, PCIBACK_AER_DETECTED, 3, &place), 0);
	fixture_free(&fixture);
}
