/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <string.h>

#include <pciback/message.h>

/* Any bytes, as either side gets them: none of them is a message, or all of them are. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[PCIBACK_MESSAGE_SIZE] = { 0 }, again[PCIBACK_MESSAGE_SIZE];
	struct pciback_message message;

	memcpy(bytes, data, size < sizeof(bytes) ? size : sizeof(bytes));
	for (int from_child = 0; from_child < 2; from_child++) {
		if (pciback_message_read(bytes, from_child != 0, &message) < 0)
			continue;
		ALWAYS(message.number < PCIBACK_ENTRIES_MAX && message.n_vectors <= PCIBACK_VECTORS_MAX);
		ALWAYS(memchr(message.line, '\0', sizeof(message.line)) != NULL);
		pciback_message_write(&message, again);
		ALWAYS(memcmp(bytes, again, sizeof(bytes)) == 0);
	}
	return 0;
}
