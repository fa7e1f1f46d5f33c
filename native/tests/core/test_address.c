/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/address.h>

static int
parse(const char *text, struct pciback_address *ret_address)
{
	return pciback_address_parse(text, strlen(text), ret_address);
}

void
test_address(struct harness *harness)
{
	static const struct {
		const char *text;
		const char *canonical;
	} good[] = {
		{ "00:1f.0", "0000:00:1f.0" },
		{ "ff:1F.7", "0000:ff:1f.7" },
		{ "0000:0a:00.1", "0000:0a:00.1" },
		{ "00ab:01:02.3", "00ab:01:02.3" },
		{ "0000ffff:01:02.3", "ffff:01:02.3" },
	};
	static const struct {
		const char *text;
		int error;
	} bad[] = {
		{ "", -EINVAL },
		{ "0:4.0", -EINVAL },
		{ "00:1f", -EINVAL },
		{ "00:1f.", -EINVAL },
		{ "00:1f.00", -EINVAL },
		{ "000:00:1f.0", -EINVAL },
		{ "000000000:00:1f.0", -EINVAL },
		{ "0000-00:1f.0", -EINVAL },
		{ "00:1f:0", -EINVAL },
		{ "0g:1f.0", -EINVAL },
		{ "00:20.0", -ERANGE },
		{ "00:00.8", -ERANGE },
		{ "10000:00:00.0", -ERANGE },
	};
	struct pciback_address address = { .domain = 7 }, other;
	char text[PCIBACK_ADDRESS_SIZE];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_NUMBER(parse(good[i].text, &other), 0);
		pciback_address_format(&other, text);
		CHECK_TEXT(text, good[i].canonical);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_NUMBER(parse(bad[i].text, &address), bad[i].error);
		CHECK_NUMBER(address.domain, 7);
	}
	CHECK_NUMBER(parse("00:04.0", &address), 0);
	CHECK_NUMBER(parse("00:04.1", &other), 0);
	CHECK(pciback_address_compare(&address, &other) < 0);
	CHECK(pciback_address_compare(&other, &address) > 0);
	CHECK_NUMBER(pciback_address_compare(&other, &other), 0);
	CHECK_NUMBER(parse("01:00.0", &other), 0);
	CHECK(pciback_address_compare(&address, &other) < 0);
	CHECK_NUMBER(parse("0001:00:00.0", &address), 0);
	CHECK(pciback_address_compare(&address, &other) > 0);
	CHECK_NUMBER(parse("01:01.0", &address), 0);
	CHECK(pciback_address_compare(&address, &other) > 0);
}
