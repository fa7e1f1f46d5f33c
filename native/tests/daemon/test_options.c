/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include "../../daemon/options.h"

/* Reads words that are split at blanks. */
static int
read_words(const char *words, struct options *ret_options, char message[OPTIONS_MESSAGE])
{
	static char text[256];
	static char *argv[32];
	int argc = 0;

	memcpy(text, words, strlen(words) + 1);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	message[0] = '\0';
	return options_read(argc, argv, ret_options, message);
}

void
test_daemon_options(struct harness *harness)
{
	static const struct {
		const char *words, *message;
	} cases[] = {
		{ "p --xen-socket /x", "--xen-socket is for tests and needs --bus DUMP" },
		{ "p --bus", "--bus: a value would follow" },
		{ "p --bus --foreground", "--bus: a value would follow" },
		{ "p --what x", "--what: no such option" },
		{ "p what", "what: an option would stand here" },
		{ "p --an-option-that-is-longer-than-any", "--an-option-that-is-longer-than-any: an option "
		    "would stand here" },
		{ "p --allow no-iommu,iommu",
		    "--allow iommu: no-iommu, shared-irq, shared-bar-page, no-reset or kept-mappings would "
		    "stand here" },
		{ "p --topology flat", "--topology flat: virtual or real would stand here" },
		{ "p --log xml", "--log xml: text or json would stand here" },
		{ "p --children maybe", "--children maybe: yes or no would stand here" },
		{ "p --record", "--record: a value would follow" },
		{ "p --guests 0", "--guests 0: a number from 1 to 1024 would stand here" },
		{ "p --devices 1025", "--devices 1025: a number from 1 to 1024 would stand here" },
	};
	struct options options = { .n_guests = 77 };
	char message[OPTIONS_MESSAGE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_NUMBER(read_words(cases[i].words, &options, message), -EINVAL);
		CHECK_TEXT(message, cases[i].message);
		CHECK_NUMBER(options.n_guests, 77);
	}
	CHECK_NUMBER(read_words("p", &options, message), 0);
	CHECK_TEXT(options.control, "/var/run/pcibackd.sock");
	CHECK_NUMBER(options.n_guests, 64);
	CHECK_NUMBER(options.n_devices, 64);
	CHECK_NUMBER(options.topology, PCIBACK_TOPOLOGY_VIRTUAL);
	CHECK_NUMBER(options.format, LOG_FORMAT_TEXT);
	CHECK(options.bus == NULL && options.allow == 0 && !options.foreground);
#if defined(__linux__)
	CHECK(options.children);
#else
	CHECK(!options.children);
#endif
	CHECK_NUMBER(read_words("p --children no", &options, message), 0);
	CHECK(!options.children);
	CHECK_NUMBER(read_words("p --foreground --bus=d --xen-socket s --allow shared-irq,shared-bar-page "
	    "--guests 1024 --topology=real --log json --control c --children yes", &options, message), 0);
	CHECK_TEXT(options.bus, "d");
	CHECK_TEXT(options.xen_socket, "s");
	CHECK_TEXT(options.control, "c");
	CHECK_NUMBER(options.allow, PCIBACK_ALLOW_SHARED_IRQ | PCIBACK_ALLOW_SHARED_PAGE);
	CHECK_NUMBER(options.n_guests, 1024);
	CHECK_NUMBER(options.topology, PCIBACK_TOPOLOGY_REAL);
	CHECK_NUMBER(options.format, LOG_FORMAT_JSON);
	CHECK(options.foreground && options.children);
	CHECK(options.record == NULL);
	CHECK_NUMBER(read_words("p", &options, message), 0);
	CHECK_TEXT(options.record, "/var/run/pcibackd.record");
	CHECK_NUMBER(read_words("p --record none", &options, message), 0);
	CHECK(options.record == NULL);
	CHECK_NUMBER(read_words("p --bus d --record r", &options, message), 0);
	CHECK_TEXT(options.record, "r");
}
