/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <string.h>

#include <pciback/config_proxy.h>
#include <pciback/registers.h>

#include "fixture.h"

/* A question for the proxy: 2 bytes of the offset, a byte that says how large and whether it is a write, 4 of the value. */
#define STEP 7

/*
 * What a child that is its guest's asks a proxy for: the device decodes all the time, and its BARs, its extended space, its
 * power state and MSI stay as they are. The bytes as a whole are a question, too.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture fixture;
	static struct pciback_config_proxy proxy;
	struct pciback_message message = { .type = PCIBACK_MESSAGE_GIVE, .number = 1 };
	uint8_t bytes[PCIBACK_MESSAGE_SIZE] = { 0 }, answer[PCIBACK_MESSAGE_SIZE];

	fixture_init_card(&fixture);
	pciback_config_proxy_init(&proxy, &fixture.operations, fixture.host.world);
	message.settings = fixture.settings;
	pciback_device_save(&fixture.device, &message.state);
	pciback_message_write(&message, bytes);
	ALWAYS(pciback_config_proxy_give(&proxy, bytes, fixture.settings.handle) == 0);
	memset(fixture.touched, 0, sizeof(fixture.touched));
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
	(void)pciback_config_proxy_answer(&proxy, bytes, answer);
	for (; size >= STEP; data += STEP, size -= STEP) {
		message = (struct pciback_message){ .type = PCIBACK_MESSAGE_ASK, .number = data[2] >> 7 ? 1 : data[2] % 3,
			.ask = (data[2] & 4) != 0 ? PCIBACK_ASK_WRITE : PCIBACK_ASK_READ,
			.offset = (uint32_t)data[0] | (uint32_t)data[1] << 8,
			.size = 1u << data[2] % 3 };
		if (message.ask == PCIBACK_ASK_WRITE)
			memcpy(&message.value, data + 3, message.size);
		pciback_message_write(&message, bytes);
		(void)pciback_config_proxy_answer(&proxy, bytes, answer);
		ALWAYS((fixture_real(&fixture, REG_COMMAND, 2) & fixture.device.kept) == fixture.device.kept);
	}
	for (unsigned i = 0x10; i < 0x40; i++)
		ALWAYS(fixture.touched[i] == 0);
	for (unsigned i = 0x50; i < 0x80; i++)
		ALWAYS(fixture.touched[i] == 0);
	for (unsigned i = 0x100; i < 0x1000; i++)
		ALWAYS(fixture.touched[i] == 0);
	ALWAYS((fixture_real(&fixture, 0x44, 2) & POWER_STATE) == 0);
	fixture_free(&fixture);
	return 0;
}
