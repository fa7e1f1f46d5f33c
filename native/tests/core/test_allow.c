/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <pciback/allow.h>

void
test_allow(struct harness *harness)
{
	unsigned allow = 0;
	size_t length = 0;
	char text[PCIBACK_ALLOW_SIZE];

	CHECK(pciback_allow_parse("", ',', &allow, &length) == NULL);
	CHECK_NUMBER(allow, 0);
	CHECK(pciback_allow_parse("no-iommu,kept-mappings,", ',', &allow, &length) == NULL);
	CHECK_NUMBER(allow, PCIBACK_ALLOW_NO_IOMMU | PCIBACK_ALLOW_KEPT_MAPPINGS);
	/* To what was there it is added. */
	CHECK_TEXT(pciback_allow_parse("no-reset,no,shared-irq", ',', &allow, &length), "no,shared-irq");
	CHECK_NUMBER(length, 2);
	CHECK_NUMBER(allow, PCIBACK_ALLOW_NO_IOMMU | PCIBACK_ALLOW_KEPT_MAPPINGS | PCIBACK_ALLOW_NO_RESET);
	CHECK_TEXT(pciback_allow_parse(",no-iommu", ',', &allow, &length), ",no-iommu");
	CHECK_NUMBER(length, 0);
	allow = 0;
	CHECK(pciback_allow_parse("no-reset+shared-irq", '+', &allow, &length) == NULL);
	CHECK_NUMBER(allow, PCIBACK_ALLOW_NO_RESET | PCIBACK_ALLOW_SHARED_IRQ);
	pciback_allow_format(allow, '+', text);
	CHECK_TEXT(text, "shared-irq+no-reset");
	pciback_allow_format(0, '+', text);
	CHECK_TEXT(text, "");
	/* All of them fit. */
	pciback_allow_format(~0U, '+', text);
	allow = 0;
	CHECK(pciback_allow_parse(text, '+', &allow, &length) == NULL);
	CHECK_NUMBER(allow, 31);
	CHECK_TEXT(PCIBACK_ALLOW_NAMES, "no-iommu, shared-irq, shared-bar-page, no-reset or kept-mappings");
}
