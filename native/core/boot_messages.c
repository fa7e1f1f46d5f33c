/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/boot_messages.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE		160		/* bytes of a message that are looked at */
#define NAME		16		/* of a device, with its NUL [NetBSD: sys/device.h] */
#define IOAPICS_MAX	16
#define BUSES_MAX	256

struct reader {
	const struct pciback_address *address;
	int bus_of[BUSES_MAX];		/* by the number of pciN; -1: unknown */
	unsigned n_pins[IOAPICS_MAX];
	char name[NAME];		/* of what has the device; "": nothing has it now */
	bool is_known;
	uint32_t gsi;
};

/* A boot begins: nothing that was said before counts. */
static void
begin(struct reader *reader)
{
	for (size_t i = 0; i < BUSES_MAX; i++)
		reader->bus_of[i] = -1;
	memset(reader->n_pins, 0, sizeof(reader->n_pins));
	reader->name[0] = '\0';
	reader->is_known = false;
}

/* "ioapic1 at mainbus0 apid 3: pa 0xfec01000, version 0x20, 32 pins" */
static bool
read_ioapic(struct reader *reader, const char *line)
{
	const char *end = strstr(line, " pins");
	unsigned number, n;

	if (end == NULL || sscanf(line, "ioapic%2u at ", &number) != 1 || number >= IOAPICS_MAX)
		return false;
	while (end > line && end[-1] >= '0' && end[-1] <= '9')
		end--;
	if (sscanf(end, "%4u pins", &n) == 1)
		reader->n_pins[number] = n;
	return true;
}

/* "pci1 at ppb0 bus 1" */
static bool
read_bus(struct reader *reader, const char *line)
{
	unsigned number, bus;

	if (sscanf(line, "pci%3u at %*15s bus %3u", &number, &bus) != 2)
		return false;
	if (number < BUSES_MAX && bus < BUSES_MAX)
		reader->bus_of[number] = (int)bus;
	return true;
}

/* "wm2 at pci0 dev 5 function 0, 64-bit DMA: Intel i82540EM". A name may move to another device. */
static bool
read_attach(struct reader *reader, const char *line)
{
	const struct pciback_address *address = reader->address;
	unsigned bus, device, function;
	char name[NAME];

	if (sscanf(line, "%15s at pci%3u dev %2u function %1u", name, &bus, &device, &function) != 4)
		return false;
	if (bus < BUSES_MAX && reader->bus_of[bus] == address->bus && device == address->device &&
	    function == address->function)
		memcpy(reader->name, name, sizeof(name));
	else if (strcmp(reader->name, name) == 0)
		reader->name[0] = '\0';
	return true;
}

/* "wm2: interrupting at ioapic0 pin 21". I/O APICs have their interrupts in a row. */
static void
read_interrupt(struct reader *reader, const char *line)
{
	size_t length = strlen(reader->name);
	unsigned number, pin;

	if (length == 0 || strncmp(line, reader->name, length) != 0 ||
	    sscanf(line + length, ": interrupting at ioapic%2u pin %3u", &number, &pin) != 2 ||
	    number >= IOAPICS_MAX)
		return;
	reader->gsi = pin;
	for (unsigned i = 0; i < number; i++)
		reader->gsi += reader->n_pins[i];
	reader->is_known = true;
}

static void
read_line(struct reader *reader, const char *line)
{
	/* "[     1.000003] " */
	if (line[0] == '[' && strchr(line, ']') != NULL)
		line = strchr(line, ']') + 1;
	while (*line == ' ')
		line++;
	if (strcmp(line, "mainbus0 (root)") == 0)
		begin(reader);
	else if (!read_ioapic(reader, line) && !read_bus(reader, line) && !read_attach(reader, line))
		read_interrupt(reader, line);
}

int
pciback_boot_messages_gsi(const char *text, size_t length, const struct pciback_address *address,
    uint32_t *ret_gsi)
{
	struct reader reader = { .address = address };
	char line[LINE];
	size_t n = 0;

	begin(&reader);
	for (size_t i = 0; i <= length; i++) {
		if (i < length && text[i] != '\n') {
			/* What no message has; the buffer may begin with them. */
			if (n < sizeof(line) - 1 && text[i] >= ' ' && text[i] <= '~')
				line[n++] = text[i];
			continue;
		}
		line[n] = '\0';
		read_line(&reader, line);
		n = 0;
	}
	if (!reader.is_known)
		return -ENOENT;
	*ret_gsi = reader.gsi;
	return 0;
}
