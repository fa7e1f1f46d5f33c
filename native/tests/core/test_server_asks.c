/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "server_fixture.h"

#include <errno.h>

static struct served served;

/* MSI and MSI-X are the parent's to enable; what it answers is what the guest gets. */
static void
test_interrupts(struct harness *harness)
{
	served_init(&served, true);
	served.answer.value = 41;
	CHECK_NUMBER(served_request(&served, PCIBACK_ENABLE_MSI, 0, 0, 0), PCIBACK_DONE);
	CHECK_NUMBER(atomic_load(&served.fixture.page.request.value), 41);
	CHECK_NUMBER(served.said[(served.n_said - 2) % 64].ask, PCIBACK_ASK_MSI_ENABLE);
	CHECK_NUMBER(served_request(&served, PCIBACK_DISABLE_MSI, 0, 0, 0), PCIBACK_DONE);
	CHECK_NUMBER(served_said(&served)->ask, PCIBACK_ASK_MSI_DISABLE);
	served.answer.n_vectors = 2;
	served.answer.vectors[0].vector = 51;
	served.answer.vectors[1].vector = 52;
	atomic_store(&served.fixture.page.request.vectors[1].entry, 7);
	CHECK_NUMBER(served_request(&served, PCIBACK_ENABLE_MSIX, 0, 0, 2), PCIBACK_DONE);
	CHECK_NUMBER(atomic_load(&served.fixture.page.request.vectors[1].vector), 52);
	CHECK_NUMBER(served_said(&served)->vectors[1].entry, 7);
	CHECK_NUMBER(served_request(&served, PCIBACK_DISABLE_MSIX, 0, 0, 0), PCIBACK_DONE);
	CHECK_NUMBER(served_said(&served)->ask, PCIBACK_ASK_MSIX_DISABLE);
	/* Fewer than were asked for are of no use; a refusal is one. */
	served.answer.n_vectors = 1;
	CHECK_NUMBER(served_request(&served, PCIBACK_ENABLE_MSIX, 0, 0, 2), PCIBACK_FAILED);
	served.answer = (struct pciback_message){ .type = PCIBACK_MESSAGE_ANSWER, .result = -ENOMEM };
	CHECK_NUMBER(served_request(&served, PCIBACK_ENABLE_MSIX, 0, 0, 2), PCIBACK_MSIX_NO_MEMORY);
	CHECK_NUMBER(served_request(&served, PCIBACK_ENABLE_MSI, 0, 0, 0), PCIBACK_FAILED);
	CHECK_NUMBER(served.server.ended, 0);
	fixture_free(&served.fixture);
}

/* Power states too, if the host has them. */
static void
test_power(struct harness *harness)
{
	served_init(&served, true);
	CHECK_NUMBER(served_request(&served, PCIBACK_CONFIG_WRITE, 0x44, 2, 3), PCIBACK_DONE);
	CHECK_NUMBER(served.said[(served.n_said - 2) % 64].ask, PCIBACK_ASK_POWER);
	CHECK_NUMBER(served.said[(served.n_said - 2) % 64].value, 3);
	fixture_free(&served.fixture);
}

/* What comes while an answer is waited for is done after it; no more than a parent sends. */
static void
test_meanwhile(struct harness *harness)
{
	served_init(&served, true);
	served.before = served_give(&served, 1);
	served.before.settings.address.device = 9;
	served.before.place.device = 1;
	served.answer.value = 41;
	CHECK_NUMBER(served_request(&served, PCIBACK_ENABLE_MSI, 0, 0, 0), PCIBACK_DONE);
	CHECK(!served.server.devices[1].is_given);
	(void)pciback_server_run(&served.server, served.fixture.now);
	CHECK(served.server.devices[1].is_given);
	served.answer.type = PCIBACK_MESSAGE_CANCEL;
	CHECK_NUMBER(served_request(&served, PCIBACK_DISABLE_MSI, 0, 0, 0), PCIBACK_DONE);
	CHECK_NUMBER(served.server.ended, -EPROTO);
	fixture_free(&served.fixture);
	/* The parent is gone. */
	served_init(&served, true);
	served.answer.type = (enum pciback_message_type)0;
	CHECK_NUMBER(served_request(&served, PCIBACK_ENABLE_MSI, 0, 0, 0), PCIBACK_FAILED);
	CHECK_NUMBER(served.server.ended, -EPIPE);
	fixture_free(&served.fixture);
}

void
test_server_asks(struct harness *harness)
{
	test_interrupts(harness);
	test_power(harness);
	test_meanwhile(harness);
}
