/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <string.h>

/* A guest at its limits is said to be once a minute, and its other lines are counted as before. */
static void
test_limited(struct harness *harness)
{
	static struct fixture fixture;
	unsigned n = 0;

	fixture_init_card(&fixture);
	for (fixture.log.now = 5000; fixture.log.now < 5000 + 2 * PCIBACK_WAIT_LIMITED; fixture.log.now += 10) {
		fixture.line[0] = '\0';
		pciback_log_limited(&fixture.log, "waits");
		n += strcmp(fixture.line, "domain 7: waits") == 0;
	}
	CHECK_NUMBER(n, 2);
	CHECK_NUMBER(fixture.log.n_dropped, 0);
	/* A line that was just written keeps it back, and no longer. */
	pciback_log_write(&fixture.log, PCIBACK_LOG_INFO, "other");
	pciback_log_limited(&fixture.log, "waits");
	CHECK_TEXT(fixture.line, "domain 7: other");
	fixture.log.now += 1000;
	pciback_log_limited(&fixture.log, "waits");
	CHECK_TEXT(fixture.line, "domain 7: waits");
	fixture_free(&fixture);
}

void
test_log(struct harness *harness)
{
	static struct fixture fixture;
	char text[400];

	fixture_init_card(&fixture);
	fixture.log.now = 5000;
	pciback_log_write(&fixture.log, PCIBACK_LOG_INFO, "%s", "tab\there\nnew\033line\x80");
	CHECK_TEXT(fixture.line, "domain 7: tab?here?new?line?");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fixture.log.now = 6000;
	pciback_log_write(&fixture.log, PCIBACK_LOG_INFO, "%s", text);
	CHECK_NUMBER(strlen(fixture.line), PCIBACK_LOG_LINE - 1);
	fixture.log.n_dropped = UINT32_MAX;
	pciback_log_write(&fixture.log, PCIBACK_LOG_INFO, "dropped");
	CHECK_NUMBER(fixture.log.n_dropped, UINT32_MAX);
	fixture_free(&fixture);
	test_limited(harness);
}
