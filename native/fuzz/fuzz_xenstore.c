/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <string.h>

#include "fake_xen.h"

/*
 * Values of the store, the toolstack's and the frontend's: lines "KEY VALUE", written one after the
 * other below the backend's directory, or for a KEY that begins with '/' below the frontend's.
 * Whatever they are, the backend comes to rest, holds no device twice, and gives everything back.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake fake;
	size_t start = 0;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	fake_create(&fake, 2, 2, 1);
	while (start < size) {
		const uint8_t *line = data + start, *end = memchr(line, '\n', size - start);
		size_t length = end == NULL ? size - start : (size_t)(end - line), key = 0;
		char path[24], value[160];

		start += length + 1;
		while (key < length && line[key] != ' ' && key < sizeof(path) - 1)
			key++;
		if (key == 0 || key == length || line[key] != ' ')
			continue;
		memcpy(path, line, key);
		path[key] = '\0';
		length -= key + 1;
		if (length >= sizeof(value))
			length = sizeof(value) - 1;
		memcpy(value, line + key + 1, length);
		value[length] = '\0';
		fake_write(&fake, 1, path, value);
		fake_pass(&fake, 100);
		ALWAYS(fake_held(&fake, "device", 0) <= 4);
	}
	ALWAYS(fake_end(&fake));
	return 0;
}
