/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>

#include "../../../core/guest/child_answer.h"
#include "fake_xen.h"

static struct fake fake;

static struct pciback_message
ask(enum pciback_ask what, uint32_t offset, uint32_t size, uint32_t value)
{
	const struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .ask = what, .offset = offset,
		.size = size, .value = value };
	struct pciback_message answer;

	pciback_child_answer(&fake.slots[0], &question, &answer);
	return answer;
}

/* One interrupt at a time, given and taken back once, whatever is asked. */
static void
test_interrupts(struct harness *harness)
{
	struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_MSIX_ENABLE, .n_vectors = 2 };
	struct pciback_message answer;

	fake_connect(&fake, 1, true);
	CHECK_NUMBER(ask(PCIBACK_ASK_MSI_DISABLE, 0, 0, 0).result, -EINVAL);
	answer = ask(PCIBACK_ASK_MSI_ENABLE, 0, 0, 0);
	CHECK_NUMBER(answer.result, 0);
	CHECK_NUMBER(answer.value, 1000);
	CHECK_NUMBER(ask(PCIBACK_ASK_MSI_ENABLE, 0, 0, 0).result, -EINVAL);
	CHECK_NUMBER(ask(PCIBACK_ASK_MSIX_DISABLE, 0, 0, 0).result, -EINVAL);
	pciback_child_answer(&fake.slots[0], &question, &answer);
	CHECK_NUMBER(answer.result, -EINVAL);
	CHECK_NUMBER(ask(PCIBACK_ASK_MSI_DISABLE, 0, 0, 0).result, 0);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 0);
	/* An entry twice; then as it should be. */
	pciback_child_answer(&fake.slots[0], &question, &answer);
	CHECK_NUMBER(answer.result, -EINVAL);
	question.vectors[1].entry = 1;
	pciback_child_answer(&fake.slots[0], &question, &answer);
	CHECK_NUMBER(answer.result, 0);
	CHECK_NUMBER(answer.n_vectors, 2);
	CHECK_NUMBER(fake_held(&fake, "msi", 1), 2);
	CHECK_NUMBER(ask(PCIBACK_ASK_MSIX_DISABLE, 0, 0, 0).result, 0);
	CHECK(fake_end(&fake));
}

/* Its accesses are not this process's to make: it has a file for them, or a proxy. */
static void
test_others(struct harness *harness)
{
	fake_connect(&fake, 1, true);
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 0, 2, 0).result, -EPERM);
	CHECK_NUMBER(ask(PCIBACK_ASK_WRITE, 0x0c, 1, 8).result, -EPERM);
	CHECK_NUMBER(fake.xen.devices[0].config[0x0c], 0);
	CHECK_NUMBER(ask(PCIBACK_ASK_POWER, 0, 0, 3).result, fake.backend.operations.power_set == NULL ? -ENOTSUP : 0);
	CHECK(fake_end(&fake));
}

void
test_guest_child_answer(struct harness *harness)
{
	test_interrupts(harness);
	test_others(harness);
}
