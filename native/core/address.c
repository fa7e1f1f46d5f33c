/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/address.h>

#include <errno.h>
#include <stdbool.h>

#include <pciback/text.h>

/* Reads exactly `digits` hexadecimal digits; false when one of them is none. */
static bool
fixed_hex(const char *text, size_t digits, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (size_t i = 0; i < digits; i++) {
		int digit = pciback_hex_digit(text[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*ret_value = value;
	return true;
}

int
pciback_address_parse(const char *text, size_t length, struct pciback_address *ret_address)
{
	uint32_t domain = 0, bus, device, function;
	size_t prefix;

	/* "BB:DD.F" is seven bytes; whatever stands before it is the domain and its colon. */
	if (length < 7)
		return -EINVAL;
	prefix = length - 7;
	if (prefix != 0) {
		if (prefix < 5 || prefix > 9 || text[prefix - 1] != ':')
			return -EINVAL;
		if (!fixed_hex(text, prefix - 1, &domain))
			return -EINVAL;
		text += prefix;
	}
	if (text[2] != ':' || text[5] != '.' || !fixed_hex(text, 2, &bus) ||
	    !fixed_hex(text + 3, 2, &device) || !fixed_hex(text + 6, 1, &function))
		return -EINVAL;
	if (domain > 0xffff || device > 0x1f || function > 7)
		return -ERANGE;
	*ret_address = (struct pciback_address){
		.domain = (uint16_t)domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	return 0;
}

void
pciback_address_format(const struct pciback_address *address, char ret_text[PCIBACK_ADDRESS_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	const uint32_t fields[] = { address->domain, address->bus, address->device,
		address->function };
	const unsigned widths[] = { 4, 2, 2, 1 };
	const char ends[] = { ':', ':', '.', '\0' };
	char *out = ret_text;

	for (size_t i = 0; i < 4; i++) {
		for (unsigned digit = widths[i]; digit-- > 0;)
			*out++ = digits[fields[i] >> 4 * digit & 0xf];
		*out++ = ends[i];
	}
}

int
pciback_address_compare(const struct pciback_address *a, const struct pciback_address *b)
{
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->bus != b->bus)
		return a->bus < b->bus ? -1 : 1;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->function != b->function)
		return a->function < b->function ? -1 : 1;
	return 0;
}
