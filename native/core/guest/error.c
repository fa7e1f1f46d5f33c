/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store.h"

void
pciback_error_explain(char message[PCIBACK_LOG_LINE], const struct pciback_address *address,
    const char *format, ...)
{
	char name[PCIBACK_ADDRESS_SIZE];
	va_list arguments;
	int n;

	pciback_address_format(address, name);
	n = snprintf(message, PCIBACK_LOG_LINE, "%s ", name);
	va_start(arguments, format);
	(void)vsnprintf(message + n, PCIBACK_LOG_LINE - (size_t)n, format, arguments);
	va_end(arguments);
}

void
pciback_error_set(struct pciback_guest *guest, const char *format, ...)
{
	char message[PCIBACK_LOG_LINE];
	struct pciback_store_item item;
	va_list arguments;

	memset(message, 0, sizeof(message));
	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (strcmp(message, guest->message) == 0)
		return;
	memcpy(guest->message, message, sizeof(message));
	/* A frontend that restarts makes the backend try again, as often as it likes (XSA-43). */
	if (pciback_limit_take(&guest->error_limit, guest->backend->now))
		pciback_backend_log(guest->backend, PCIBACK_LOG_ERROR, guest->domain, "%s", message);
	pciback_item_set(&item, PCIBACK_STORE_WRITE, PCIBACK_DIRECTORY_ERROR, guest->domain,
	    "0/error");
	pciback_item_value(&item, "%.*s", PCIBACK_STORE_VALUE - 1, message);
	(void)pciback_store_change(guest->backend, &item, 1);
}

void
pciback_error_remove(const struct pciback_guest *guest)
{
	struct pciback_store_item item;

	if (guest->message[0] == '\0')
		return;
	pciback_item_set(&item, PCIBACK_STORE_REMOVE, PCIBACK_DIRECTORY_ERROR, guest->domain, "%s",
	    "");
	(void)pciback_store_change(guest->backend, &item, 1);
}
