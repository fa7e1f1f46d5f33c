/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/hide_list.h>

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <pciback/text.h>

/*
 * The kernel's strtoul in base 16 on a 64-bit machine, cut to the 32 bits it is stored in.
 * Returns how many bytes it read: 0 when there is no number or when it overflows 64 bits (then
 * the caller finds a digit where it wants a separator, and drops the entry).
 */
static size_t
kernel_number(const char *text, size_t length, uint32_t *ret_value)
{
	uint64_t value = 0;
	bool negative = false, any = false;
	size_t i = 0;

	while (i < length && (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r')))
		i++;
	if (i < length && (text[i] == '-' || text[i] == '+'))
		negative = text[i++] == '-';
	if (length - i >= 2 && text[i] == '0' && pciback_lower(text[i + 1]) == 'x')
		i += 2;
	for (; i < length && pciback_hex_digit(text[i]) >= 0; i++) {
		if (value >> 60 != 0) {
			*ret_value = UINT32_MAX;
			return 0;
		}
		value = value << 4 | (uint64_t)pciback_hex_digit(text[i]);
		any = true;
	}
	*ret_value = (uint32_t)(negative ? UINT64_C(0) - value : value);
	return any ? i : 0;
}

/* Reads what stands between one pair of parentheses. */
static enum pciback_hide_kind
parse_entry(const char *text, size_t length, struct pciback_hide_entry *entry)
{
	static const char separators[] = { ':', '.' };
	uint32_t *const fields[] = { &entry->bus, &entry->device, &entry->function };
	const char *colon = memchr(text, ':', length);

	if (colon == NULL)
		return PCIBACK_HIDE_FAULT;
	if (length >= 4 && memcmp(text, "0000", 4) == 0) {
		/* The kernel takes it for a domain and does not look at it further. */
		length -= (size_t)(colon + 1 - text);
		text = colon + 1;
	}
	for (size_t field = 0; field < 3; field++) {
		size_t used = kernel_number(text, length, fields[field]);

		text += used;
		length -= used;
		if (field == 2)
			break;
		if (length == 0 || *text != separators[field])
			return PCIBACK_HIDE_SKIPPED;
		text++;
		length--;
	}
	if (length != 0)
		return PCIBACK_HIDE_SKIPPED;
	if (entry->bus > 0xff || entry->device > 0x1f || entry->function > 7)
		return PCIBACK_HIDE_NO_MATCH;
	return PCIBACK_HIDE_CLAIM;
}

void
pciback_hide_list_parse(const char *value, size_t length, struct pciback_hide_list *ret_list)
{
	const char *nul = length == 0 ? NULL : memchr(value, '\0', length);
	struct pciback_hide_list list = { .result = PCIBACK_HIDE_EMPTY };
	size_t i = 0, end;
	bool terminated;

	if (nul != NULL)
		length = (size_t)(nul - value);
	terminated = length < PCIBACK_HIDE_BUFFER;
	end = terminated ? length : PCIBACK_HIDE_BUFFER;

	while (i < end) {
		struct pciback_hide_entry entry = { .offset = i };
		const char *close;

		if (value[i] != '(') {
			list.result = PCIBACK_HIDE_NOT_REGISTERED;
			break;
		}
		close = memchr(value + i + 1, ')', end - i - 1);
		if (close == NULL) {
			/* Behind the buffer there may or may not be a parenthesis. */
			i++;
			list.result = terminated ? PCIBACK_HIDE_NOT_REGISTERED :
			    PCIBACK_HIDE_UNDEFINED;
			break;
		}
		entry.length = (size_t)(close - value) + 1 - i;
		entry.kind = parse_entry(value + i + 1, entry.length - 2, &entry);
		assert(list.n_entries < PCIBACK_HIDE_ENTRIES_MAX);
		list.entries[list.n_entries++] = entry;
		if (entry.kind == PCIBACK_HIDE_FAULT) {
			list.result = PCIBACK_HIDE_KERNEL_FAULT;
			break;
		}
		i += entry.length;
		list.result = PCIBACK_HIDE_REGISTERED;
	}
	if (i == end && list.result == PCIBACK_HIDE_REGISTERED && !terminated)
		list.result = PCIBACK_HIDE_UNDEFINED;
	list.stop = i;
	*ret_list = list;
}

struct pciback_address
pciback_hide_entry_address(const struct pciback_hide_entry *entry)
{
	assert(entry->kind == PCIBACK_HIDE_CLAIM);
	return (struct pciback_address){
		.bus = (uint8_t)entry->bus,
		.device = (uint8_t)entry->device,
		.function = (uint8_t)entry->function,
	};
}

const char *
pciback_hide_result_name(enum pciback_hide_result result)
{
	switch (result) {
	case PCIBACK_HIDE_EMPTY:
		return "empty";
	case PCIBACK_HIDE_REGISTERED:
		return "registered";
	case PCIBACK_HIDE_NOT_REGISTERED:
		return "not-registered";
	case PCIBACK_HIDE_KERNEL_FAULT:
		return "kernel-fault";
	case PCIBACK_HIDE_UNDEFINED:
		break;
	}
	return "undefined";
}
