/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "entry.h"

#include <errno.h>
#include <string.h>

#include <pciback/wanted.h>

/* Whether an option of that name stands at the beginning of a text, and the value behind it. */
static bool
has_name(const char *text, size_t length, const char *name, const char **ret_value, size_t *ret_length)
{
	size_t n = strlen(name);

	if (length <= n || strncmp(text, name, n) != 0 || text[n] != '=')
		return false;
	*ret_value = text + n + 1;
	*ret_length = length - n - 1;
	return true;
}

/* The number between two commas. */
static int
parse_irq(const char *value, size_t n, uint8_t *irq)
{
	char text[sizeof("254")];

	if (n >= sizeof(text))
		return -EINVAL;
	memcpy(text, value, n);
	text[n] = '\0';
	return pciback_wanted_irq(text, irq) ? 0 : -EINVAL;
}

/* The names between two commas. */
static int
parse_allow(const char *value, size_t n, unsigned *allow)
{
	char text[PCIBACK_ALLOW_SIZE];
	size_t length;

	if (n >= sizeof(text))
		return -EINVAL;
	memcpy(text, value, n);
	text[n] = '\0';
	return pciback_allow_parse(text, '+', allow, &length) == NULL ? 0 : -EINVAL;
}

int
pciback_entry_read_options(const char *text, struct pciback_entry *entry)
{
	while (*text != '\0') {
		size_t length = strcspn(text, ","), n;
		const char *value;

		if (has_name(text, length, "permissive", &value, &n)) {
			if (n != 1 || (*value != '0' && *value != '1'))
				return -EINVAL;
			entry->permissive = *value == '1';
		} else if (has_name(text, length, "rdm_policy", &value, &n)) {
			entry->rdm_relaxed = n == 7 && strncmp(value, "relaxed", n) == 0;
			if (!entry->rdm_relaxed && (n != 6 || strncmp(value, "strict", n) != 0))
				return -EINVAL;
		} else if (has_name(text, length, "irq", &value, &n)) {
			if (parse_irq(value, n, &entry->irq) < 0)
				return -EINVAL;
		} else if (has_name(text, length, "allow", &value, &n) && parse_allow(value, n, &entry->allow) < 0) {
			return -EINVAL;
		}
		text += length;
		if (*text == ',')
			text++;
	}
	return 0;
}

const struct pciback_entry *
pciback_guest_entry(const struct pciback_guest *guest, const struct pciback_address *address)
{
	for (size_t i = 0; i < guest->n_entries; i++)
		if (guest->entries[i].valid &&
		    pciback_address_compare(&guest->entries[i].address, address) == 0)
			return &guest->entries[i];
	return NULL;
}

bool
pciback_entry_wanted(const struct pciback_guest *guest, const struct pciback_entry *entry)
{
	if (!entry->valid || entry->state == PCIBACK_XENBUS_CLOSING)
		return false;
	/* One that failed is tried again when all of them are. */
	return entry->state != PCIBACK_XENBUS_CLOSED || pciback_guest_is_idle(guest);
}
