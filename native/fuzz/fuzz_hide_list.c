/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <stdbool.h>

#include <pciback/hide_list.h>

/* A list of any bytes: the entries follow each other, and the result fits where it stopped. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pciback_hide_list list;
	size_t position = 0;
	bool fault = false;

	pciback_hide_list_parse((const char *)data, size, &list);
	ALWAYS(list.n_entries <= PCIBACK_HIDE_ENTRIES_MAX);
	for (size_t i = 0; i < list.n_entries; i++) {
		const struct pciback_hide_entry *entry = &list.entries[i];

		ALWAYS(!fault);
		ALWAYS(entry->offset == position && entry->length >= 2);
		position += entry->length;
		ALWAYS(position <= size && position <= PCIBACK_HIDE_BUFFER);
		ALWAYS(data[entry->offset] == '(' && data[position - 1] == ')');
		fault = entry->kind == PCIBACK_HIDE_FAULT;
		if (entry->kind == PCIBACK_HIDE_CLAIM) {
			struct pciback_address address = pciback_hide_entry_address(entry);

			ALWAYS(address.device <= 0x1f && address.function <= 7);
		}
	}
	ALWAYS(fault == (list.result == PCIBACK_HIDE_KERNEL_FAULT));
	ALWAYS(list.result != PCIBACK_HIDE_REGISTERED || list.stop == position);
	ALWAYS(list.result != PCIBACK_HIDE_UNDEFINED || size >= PCIBACK_HIDE_BUFFER);
	ALWAYS((list.result == PCIBACK_HIDE_EMPTY) == (size == 0 || data[0] == '\0'));
	return 0;
}
