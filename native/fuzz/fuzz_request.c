/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <string.h>

#include "fixture.h"

/* What a request may be answered with, besides success. */
static bool
is_answer(int32_t error, uint32_t command)
{
	switch (error) {
	case PCIBACK_DONE:
	case PCIBACK_NO_DEVICE:
		return true;
	case PCIBACK_INVALID_OFFSET:
	case PCIBACK_DENIED:
		return command <= PCIBACK_CONFIG_WRITE;
	case PCIBACK_FAILED:
		return command == PCIBACK_ENABLE_MSI;	/* the bridge has none */
	case PCIBACK_NOT_IMPLEMENTED:
		return command > PCIBACK_DISABLE_MSIX;
	case PCIBACK_MSIX_BUSY:
	case PCIBACK_MSIX_INVALID:
	case PCIBACK_MSIX_ALREADY:
		return command == PCIBACK_ENABLE_MSIX;
	default:
		return false;
	}
}

/*
 * Any page with one request: the first byte picks the device (1 permissive, 2 with interrupt
 * control, 4 a bridge), the rest is the page, cut off or not. It is answered once, and what is
 * neither answer nor flag stays as the guest wrote it.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture fixture;
	static struct pciback_page before;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	uint32_t command, asked, n_vectors = 0;
	int32_t error;
	bool is_ours;

	if (size < 1)
		return 0;
	if ((data[0] & 4) != 0)
		fixture_bridge(config);
	else
		fixture_card(config);
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.permissive = (data[0] & 1) != 0;
	fixture.settings.interrupt_control = (data[0] & 2) != 0;
	ALWAYS(fixture_hand_out(&fixture) == 0);
	size = size - 1 < sizeof(fixture.page) ? size - 1 : sizeof(fixture.page);
	memcpy((void *)&fixture.page, data + 1, size);
	(void)atomic_fetch_or(&fixture.page.flags, PCIBACK_FLAG_REQUEST);
	memcpy((void *)&before, (const void *)&fixture.page, sizeof(before));

	ALWAYS(pciback_channel_serve(&fixture.channel, 0, 16) == 1);
	ALWAYS(fixture.n_notified == 1);
	command = atomic_load(&before.request.command);
	asked = atomic_load(&before.request.value);
	error = atomic_load(&fixture.page.request.error);
	ALWAYS(is_answer(error, command));
	is_ours = atomic_load(&before.request.domain) == 0 && atomic_load(&before.request.bus) == 0 &&
	    atomic_load(&before.request.devfn) == 0;
	ALWAYS((error == PCIBACK_NO_DEVICE) == !is_ours);
	ALWAYS(is_ours || (fixture.n_reads == 0 && fixture.n_writes == 0));
	if (error == PCIBACK_DONE && command == PCIBACK_ENABLE_MSIX) {
		n_vectors = asked;
		ALWAYS(n_vectors >= 1 && n_vectors <= PCIBACK_VECTORS_MAX);
	}
	for (uint32_t i = 0; i < n_vectors; i++) {
		ALWAYS(atomic_load(&fixture.page.request.vectors[i].vector) != 0);
		atomic_store(&before.request.vectors[i].vector,
		    atomic_load(&fixture.page.request.vectors[i].vector));
	}
	if (command == PCIBACK_CONFIG_READ && error != PCIBACK_DONE)
		ALWAYS(atomic_load(&fixture.page.request.value) == 0);
	if (command == PCIBACK_CONFIG_WRITE)
		ALWAYS(atomic_load(&fixture.page.request.value) == asked);
	if (command != PCIBACK_CONFIG_WRITE && command != PCIBACK_ENABLE_MSI &&
	    command != PCIBACK_ENABLE_MSIX)
		ALWAYS(fixture.n_writes == 0);
	/* All else is as it was. */
	atomic_store(&before.request.value, atomic_load(&fixture.page.request.value));
	atomic_store(&before.request.error, error);
	(void)atomic_fetch_and(&before.flags, ~(uint32_t)PCIBACK_FLAG_REQUEST);
	ALWAYS(memcmp((const void *)&before, (const void *)&fixture.page, sizeof(before)) == 0);
	/* BARs, decoding and extended space are the host's. */
	for (unsigned i = 0x10; i < 0x28; i++)
		ALWAYS(fixture.touched[i] == 0);
	for (unsigned i = 0x100; i < 0x1000; i++)
		ALWAYS(fixture.touched[i] == 0);
	ALWAYS((fixture.touched[4] & 3) == 0);
	ALWAYS(pciback_device_close(&fixture.device) == 0);
	ALWAYS(fixture.n_enabled == 0);
	fixture_free(&fixture);
	return 0;
}
