/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

#include <pciback/config_proxy.h>

static struct fixture fixture;
static struct pciback_config_proxy proxy;

static int
give(uint32_t number)
{
	struct pciback_message message = { .type = PCIBACK_MESSAGE_GIVE, .number = number,
		.settings = fixture.settings };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	pciback_device_save(&fixture.device, &message.state);
	pciback_message_write(&message, bytes);
	return pciback_config_proxy_give(&proxy, bytes, fixture.settings.handle);
}

static struct pciback_message
ask(enum pciback_ask what, uint32_t number, uint32_t offset, uint32_t size, uint32_t value)
{
	const struct pciback_message question = { .type = PCIBACK_MESSAGE_ASK, .ask = what, .number = number,
		.offset = offset, .size = size, .value = value };
	struct pciback_message answer = { .result = 1 };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	pciback_message_write(&question, bytes);
	if (pciback_config_proxy_answer(&proxy, bytes, bytes) == 0)
		(void)pciback_message_read(bytes, false, &answer);
	return answer;
}

/* Of the device that it was given it reads all, and writes what a guest could; of others nothing. */
static void
test_accesses(struct harness *harness)
{
	fixture_init_card(&fixture);
	pciback_config_proxy_init(&proxy, &fixture.operations, fixture.host.world);
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 3, 0, 4, 0).result, -EPERM);
	fixture.n_writes = 0;
	CHECK_NUMBER(give(3), 0);
	CHECK_NUMBER(fixture.n_writes, 0);
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 3, 0, 4, 0).value, fixture_real(&fixture, 0, 4));
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 3, 0x100, 4, 0).result, 0);
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 2, 0, 4, 0).result, -EPERM);
	CHECK_NUMBER(ask(PCIBACK_ASK_WRITE, 3, 0x0c, 1, 8).result, 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x0c, 1), 8);
	CHECK_NUMBER(ask(PCIBACK_ASK_WRITE, 3, 0x04, 2, 0).result, 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), fixture.device.kept);
	fixture.n_reads = fixture.n_writes = 0;
	CHECK_NUMBER(ask(PCIBACK_ASK_WRITE, 3, 0x10, 4, 0).result, -EPERM);
	CHECK_NUMBER(ask(PCIBACK_ASK_WRITE, 3, 0x100, 4, 0).result, -EPERM);
	CHECK_NUMBER(fixture.n_reads + fixture.n_writes, 0);
	/* The device does not answer. */
	fixture.fail_read = -EIO;
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 3, 0, 4, 0).result, -EIO);
	CHECK_NUMBER(ask(PCIBACK_ASK_WRITE, 3, 0x0c, 1, 8).result, -EIO);
	CHECK_NUMBER(give(4), -EIO);
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 4, 0, 4, 0).result, -EPERM);
	fixture_free(&fixture);
}

/* A conventional device has no more than 256 bytes. */
static void
test_size(struct harness *harness)
{
	fixture_init_card(&fixture);
	fixture.settings.config_size = PCIBACK_CONFIG_PCI;
	pciback_config_proxy_init(&proxy, &fixture.operations, fixture.host.world);
	CHECK_NUMBER(give(0), 0);
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 0, 0xfc, 4, 0).result, 0);
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 0, 0x100, 4, 0).result, -EPERM);
	fixture_free(&fixture);
}

/* What is neither a question of a child nor a device of the parent is not done, nor answered. */
static void
test_refused(struct harness *harness)
{
	const struct pciback_message start = { .type = PCIBACK_MESSAGE_START };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE];

	fixture_init_card(&fixture);
	pciback_config_proxy_init(&proxy, &fixture.operations, fixture.host.world);
	CHECK_NUMBER(give(0), 0);
	CHECK_NUMBER(give(0), -EPROTO);
	pciback_message_write(&start, bytes);
	CHECK_NUMBER(pciback_config_proxy_give(&proxy, bytes, NULL), -EPROTO);
	CHECK_NUMBER(pciback_config_proxy_answer(&proxy, bytes, bytes), -EPROTO);
	CHECK_NUMBER(ask(PCIBACK_ASK_MSI_ENABLE, 0, 0, 0, 0).result, 1);
	CHECK_NUMBER(ask(PCIBACK_ASK_READ, 0, 2, 4, 0).result, 1);
	memset(bytes, 0xff, sizeof(bytes));
	CHECK_NUMBER(pciback_config_proxy_answer(&proxy, bytes, bytes), -EPROTO);
	fixture_free(&fixture);
}

void
test_config_proxy(struct harness *harness)
{
	test_accesses(harness);
	test_size(harness);
	test_refused(harness);
}
