/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../daemon/log.h"

void
test_daemon_log(struct harness *harness)
{
	static const struct {
		enum log_format format;
		enum pciback_log_level level;
		const char *line, *expected;
	} cases[] = {
		{ LOG_FORMAT_TEXT, PCIBACK_LOG_INFO, "started",
		    "time=T level=info message=\"started\"\n" },
		{ LOG_FORMAT_TEXT, PCIBACK_LOG_WARNING, "domain 3: a \"b\"",
		    "time=T level=warning domain=3 message=\"a \\\"b\\\"\"\n" },
		{ LOG_FORMAT_TEXT, PCIBACK_LOG_ERROR, "domain x: a",
		    "time=T level=error message=\"domain x: a\"\n" },
		{ LOG_FORMAT_JSON, PCIBACK_LOG_INFO, "started",
		    "{\"time\": \"T\", \"level\": \"info\", \"message\": \"started\"}\n" },
		{ LOG_FORMAT_JSON, PCIBACK_LOG_ERROR, "domain 3: a",
		    "{\"time\": \"T\", \"level\": \"error\", \"domain\": 3, \"message\": \"a\"}\n" },
	};
	char text[LOG_SIZE + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = log_render(cases[i].format, "T", cases[i].level, cases[i].line, text);

		text[n] = '\0';
		CHECK_TEXT(text, cases[i].expected);
	}
}
