/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <string.h>

#include "server_fixture.h"

/*
 * What a parent might say, true or not, and requests of the guest in between: steps of a byte that says what comes and
 * how long it is. Nothing but the card is touched, and no BAR of it.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct served served;

	served_init(&served, size % 2 != 0);
	while (size >= 2) {
		uint8_t bytes[PCIBACK_MESSAGE_SIZE] = { 0 };
		size_t n = data[1] < size - 2 ? data[1] : size - 2;

		memcpy(bytes, data + 2, n);
		if (data[0] % 4 == 0) {
			memset((void *)&served.fixture.page, 0, sizeof(served.fixture.page));
			memcpy((void *)&served.fixture.page, bytes, sizeof(served.fixture.page));
			atomic_fetch_or(&served.fixture.page.flags, (uint32_t)PCIBACK_FLAG_REQUEST);
			pciback_server_event(&served.server);
		} else if (data[0] % 4 == 1) {
			struct pciback_message give = served_give(&served, bytes[0] % PCIBACK_ENTRIES_MAX);

			give.state.command = (uint16_t)(bytes[1] << 8 | bytes[2]);
			give.place.device = bytes[3] % 32;
			give.settings.address.bus = bytes[4];
			served_tell(&served, &give);
		} else {
			pciback_server_take(&served.server, bytes, served.fixture.now);
		}
		(void)pciback_server_run(&served.server, ++served.fixture.now);
		data += 2 + n;
		size -= 2 + n;
	}
	for (unsigned i = 0x10; i < 0x28; i++)
		ALWAYS(served.fixture.touched[i] == 0);
	for (unsigned i = 0x100; i < 0x1000; i++)
		ALWAYS(served.fixture.touched[i] == 0);
	fixture_free(&served.fixture);
	return 0;
}
