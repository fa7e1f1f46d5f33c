/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/wanted.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <pciback/registers.h>
#include <pciback/text.h>

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
refuse(char message[PCIBACK_WANTED_MESSAGE], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, PCIBACK_WANTED_MESSAGE, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Four hexadecimal digits. */
static bool
read_number(const char *text, uint16_t *ret_value)
{
	unsigned value = 0;

	for (unsigned i = 0; i < 4; i++) {
		int digit = pciback_hex_digit(text[i]);

		if (digit < 0)
			return false;
		value = value << 4 | (unsigned)digit;
	}
	*ret_value = (uint16_t)value;
	return true;
}

/* Two numbers with a colon between them; nothing is set for another text. */
static bool
read_pair(const char *text, uint16_t *ret_first, uint16_t *ret_second)
{
	uint16_t first, second;

	if (strlen(text) != 9 || text[4] != ':' || !read_number(text, &first) || !read_number(text + 5, &second))
		return false;
	*ret_first = first;
	*ret_second = second;
	return true;
}

bool
pciback_wanted_irq(const char *text, uint8_t *ret_irq)
{
	uint32_t irq;

	if (pciback_decimal_parse(text, INTERRUPT_LINE_NONE - 1, &irq) < 0 || irq == 0)
		return false;
	*ret_irq = (uint8_t)irq;
	return true;
}

/* One of two words: false or true. */
static bool
read_choice(const char *text, const char *no, const char *yes, bool *ret_value)
{
	if (strcmp(text, no) != 0 && strcmp(text, yes) != 0)
		return false;
	*ret_value = strcmp(text, yes) == 0;
	return true;
}

enum option {
	OPTION_ID,
	OPTION_SUBSYSTEM,
	OPTION_IRQ,
	OPTION_ALLOW,
	OPTION_PERMISSIVE,
	OPTION_RDM_POLICY,
};

static const struct {
	const char *name;
	unsigned knows;
	const char *values;
} options[] = {
	[OPTION_ID] = { "id", PCIBACK_WANTED_KNOWS_IDENTITY, "vendor and device, such as 8086:10d3" },
	[OPTION_SUBSYSTEM] = { "subsystem", PCIBACK_WANTED_KNOWS_IDENTITY, "its two numbers, such as 8086:a01f" },
	[OPTION_IRQ] = { "irq", PCIBACK_WANTED_KNOWS_IDENTITY, "the number of its interrupt, from 1 to 254" },
	[OPTION_ALLOW] = { "allow", PCIBACK_WANTED_KNOWS_IDENTITY, PCIBACK_ALLOW_NAMES ", with '+' between them" },
	[OPTION_PERMISSIVE] = { "permissive", PCIBACK_WANTED_KNOWS_POLICY, "0 or 1" },
	[OPTION_RDM_POLICY] = { "rdm_policy", PCIBACK_WANTED_KNOWS_POLICY, "strict or relaxed" },
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static bool
read_value(enum option option, const char *value, struct pciback_wanted *device)
{
	struct pciback_identity *identity = &device->identity;
	size_t length;

	switch (option) {
	case OPTION_ID:
		device->has_id = true;
		return read_pair(value, &identity->vendor, &identity->device);
	case OPTION_SUBSYSTEM:
		device->has_subsystem = true;
		return read_pair(value, &identity->subsystem_vendor, &identity->subsystem);
	case OPTION_IRQ:
		return pciback_wanted_irq(value, &device->irq);
	case OPTION_ALLOW:
		return pciback_allow_parse(value, '+', &device->allow, &length) == NULL;
	case OPTION_PERMISSIVE:
		return read_choice(value, "0", "1", &device->permissive);
	case OPTION_RDM_POLICY:
		break;
	}
	return read_choice(value, "strict", "relaxed", &device->rdm_relaxed);
}

/* "name=value"; `*seen` has a bit for each option that was given. */
static int
read_option(char *text, unsigned knows, unsigned *seen, struct pciback_wanted *device,
    char message[PCIBACK_WANTED_MESSAGE])
{
	char *value = strchr(text, '=');

	if (value != NULL)
		*value++ = '\0';
	for (size_t i = 0; value != NULL && i < N_OPTIONS; i++) {
		if ((options[i].knows & knows) == 0 || strcmp(text, options[i].name) != 0)
			continue;
		if ((*seen & 1U << i) != 0)
			return refuse(message, "%s= is given twice for one device", text);
		*seen |= 1U << i;
		if (!read_value((enum option)i, value, device))
			return refuse(message, "after %s= there would be %s", text, options[i].values);
		return 0;
	}
	return refuse(message, "'%.40s' is no option of a device here", text);
}

int
pciback_wanted_read(char *word, unsigned knows, struct pciback_wanted *device, char message[PCIBACK_WANTED_MESSAGE])
{
	struct pciback_wanted wanted = *device;
	char *rest = strchr(word, ',');
	unsigned seen = 0;

	if (rest != NULL)
		*rest++ = '\0';
	if (pciback_address_parse(word, strlen(word), &wanted.address) < 0)
		return refuse(message, "'%.40s' is no address of a device, such as 0000:03:00.0", word);
	while (rest != NULL) {
		char *option = rest;

		rest = strchr(option, ',');
		if (rest != NULL)
			*rest++ = '\0';
		if (read_option(option, knows, &seen, &wanted, message) < 0)
			return -EINVAL;
	}
	*device = wanted;
	return 0;
}
