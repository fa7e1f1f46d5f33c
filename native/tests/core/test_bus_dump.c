/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/bus.h>

#define ROW0	"00: 86 80 0e 10 07 01 00 00 03 00 00 02 00 00 00 00\n"
#define ROW1	"10: 00 00 60 fe 81 c1 00 00 00 00 00 00 00 00 00 00\n"
#define ROW2	"20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11\n"
#define ROW3	"30: 00 00 00 00 00 00 00 00 00 00 00 00 0a 01 00 00\n"
#define CARD	ROW0 ROW1 ROW2 ROW3
#define BRIDGE(numbers)	"00: 36 1b 01 00 07 01 00 00 00 00 04 06 00 00 01 00\n" \
	"10: 00 00 00 00 00 00 00 00 " numbers " 00 00 00 00 00\n" ROW2 ROW3

/* More bytes than any dump has, of which none is read; and a configuration space that goes on after its end. */
static void
test_too_large(struct harness *harness)
{
	static char text[0x101 * 64];
	struct pciback_dump_error error;
	struct pciback_bus bus;
	size_t length;

	pciback_bus_init(&bus);
	CHECK_NUMBER(pciback_bus_read_dump(&bus, "", PCIBACK_DUMP_MAX + 1, &error), -EINVAL);
	CHECK_TEXT(error.message, "the dump is larger than 33554432 bytes");
	CHECK_NUMBER(error.line, 0);

	length = (size_t)snprintf(text, sizeof(text), "00:05.0 x\n");
	for (unsigned at = 0; at <= 0x1000; at += 16)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
		    "%02x: 86 80 0e 10 07 01 00 00 03 00 00 02 00 00 00 00\n", at);
	pciback_bus_init(&bus);
	CHECK_NUMBER(pciback_bus_read_dump(&bus, text, length, &error), -EINVAL);
	CHECK_TEXT(error.message, "bytes from 1000 on; a configuration space ends at 1000");
	CHECK_NUMBER(error.line, 0x102);
}

void
test_bus_dump(struct harness *harness)
{
	static const struct {
		const char *text;
		size_t line;
		const char *part;	/* of the message */
	} refused[] = {
		{ "", 0, "no PCI function" },
		{ "\n\n", 0, "no PCI function" },
		{ "hello\n", 1, "neither a function" },
		{ "00:20.0 x\n", 1, "an address no machine has; domains end at ffff, devices at 1f, functions "
		    "at 7" },
		{ CARD, 1, "hex bytes without a function; a line such as \"00:1f.0 ISA bridge\" would come before" },
		{ "00:05.0 x\n", 1, "0000:00:05.0 has no hex lines; make the dump with lspci -xxxx" },
		{ "00:05.0 x\n\n00:06.0 y\n" CARD, 1, "no hex lines" },
		{ "00:05.0 x\n" ROW0 ROW1 ROW3, 4, "from 30 on, where those from 20" },
		{ "00:05.0 x\n" ROW1, 2, "from 10 on, where those from 0" },
		{ "00:05.0 x\n" ROW0 ROW0, 3, "from 0 on, where those from 10" },
		{ "00:05.0 x\n" ROW0 ROW1 ROW2, 4, "stops after 48 bytes" },
		{ "00:05.0 x\n" CARD "40: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n\n", 7,
		    "of 0000:00:05.0 stops after 80 bytes; it has 64, 128, 256 or 4096" },
		{ "00:05.0 x\n" ROW0 "10: 00 00 60\n", 3, "only 3 hex bytes can be read; a line has 16" },
		{ "00:05.0 x\n" ROW0 "10: 00 00 6g 00 00 00 00 00 00 00 00 00 00 00 00 00\n", 3,
		    "only 2 hex bytes" },
		{ "00:05.0 x\n00: 86 80 0e 10 07 01 00 00 03 00 00 02 00 00 00 00 00\n", 2,
		    "follows the 16" },
		{ "00:05.0 x\n" CARD "00:05.0 x\n" CARD, 6, "0000:00:05.0 is there a second time" },
		{ "00:05.0 x\n00: ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff\n" ROW1 ROW2 ROW3, 1,
		    "0000:00:05.0 has vendor ffff, which is what an empty slot reads as; a function has a vendor" },
		{ "00:05.0 x\n00: 86 80 0e 10 07 01 00 00 03 00 00 02 00 00 03 00\n" ROW1 ROW2 ROW3, 1,
		    "header type 3" },
		{ "01:0d.0 b\n" BRIDGE("00 01 01"), 1, "would be above" },
		{ "00:0d.0 b\n" BRIDGE("00 02 01"), 1, "would be above" },
	};
	struct pciback_dump_error error;
	struct pciback_bus bus;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		pciback_bus_init(&bus);
		CHECK_NUMBER(pciback_bus_read_dump(&bus, refused[i].text, strlen(refused[i].text),
		    &error), -EINVAL);
		CHECK_NUMBER(error.line, refused[i].line);
		CHECK(strstr(error.message, refused[i].part) != NULL);
		CHECK_NUMBER(bus.n_functions, 0);
	}

	pciback_bus_init(&bus);
	CHECK_NUMBER(pciback_bus_read_dump(&bus, "00:05.0\0x\n", 10, &error), -EINVAL);
	CHECK_TEXT(error.message, "a NUL byte; a dump is text");
	test_too_large(harness);

	/* With -v, with CRLF, with a note, with domains, in any order, without a newline. */
	{
		static const char text[] = "# a note\r\n\r\n0000:00:05.0 Ethernet: x (rev 03)\r\n"
		    "\tSubsystem: y\r\n" CARD "\n00:04.0 z\n" CARD "\n0001:00:0d.0 b\n"
		    BRIDGE("00 01 01") "00:0d.0 unconfigured\n" BRIDGE("00 00 00");

		pciback_bus_init(&bus);
		CHECK_NUMBER(pciback_bus_read_dump(&bus, text, sizeof(text) - 2, &error), 0);
	}
	CHECK_NUMBER(bus.n_functions, 4);
	CHECK_NUMBER(bus.functions[0].address.device, 4);
	CHECK_NUMBER(bus.functions[1].line, 3);
	CHECK_NUMBER(bus.functions[3].address.domain, 1);
	CHECK_NUMBER(pciback_class(&bus.functions[1]), 0x020000);
	CHECK_NUMBER(bus.functions[1].config_size, PCIBACK_CONFIG_HEADER);
	pciback_bus_free(&bus);
}
