/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../../core/guest/error.h"
#include "fake_xen.h"

/* The same error is said once, another one at once; the store has the last one until it is removed. */
void
test_guest_error(struct harness *harness)
{
	static const char path[] = "/local/domain/0/error/backend/pci/1/0/error";
	static struct fake fake;
	struct pciback_guest *guest = &fake.guests[0];
	const char *found = NULL;
	size_t n;

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	n = fake.xen.n_lines;
	pciback_error_set(guest, "%s is wrong", "this");
	pciback_error_set(guest, "%s is wrong", "this");
	CHECK_NUMBER(fake.xen.n_lines, n + 1);
	CHECK_TEXT(fake.xen.line, "domain 1: this is wrong");
	pciback_error_set(guest, "%s is wrong", "that");
	CHECK_NUMBER(fake.xen.n_lines, n + 2);
	CHECK_TEXT(guest->message, "that is wrong");
	for (size_t i = 0; i < FAKE_NODES; i++)
		if (fake.xen.nodes[i].used && strcmp(fake.xen.nodes[i].path, path) == 0)
			found = fake.xen.nodes[i].value;
	CHECK_TEXT(found == NULL ? "" : found, "that is wrong");
	/* More lines than the log takes are in the store all the same. */
	for (unsigned i = 0; i < PCIBACK_ERRORS_BURST * 2; i++)
		pciback_error_set(guest, "number %u", i);
	CHECK(fake.xen.n_lines <= n + PCIBACK_ERRORS_BURST);
	CHECK_TEXT(found == NULL ? "" : found, "number 31");
	pciback_error_remove(guest);
	for (size_t i = 0; i < FAKE_NODES; i++)
		CHECK(!fake.xen.nodes[i].used || strcmp(fake.xen.nodes[i].path, path) != 0);
	CHECK(fake_end(&fake));
}
