/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/bus.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <pciback/text.h>

#define BYTES_PER_LINE 16

/* What is being read: one function, until the next one, a blank line or the end. */
struct dump {
	struct pciback_bus *bus;
	struct pciback_dump_error *error;
	size_t line;
	bool open;
	struct pciback_address address;
	size_t address_line;
	size_t size;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
};

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static int
refuse(struct dump *dump, size_t line, const char *format, ...)
{
	va_list arguments;

	dump->error->line = line;
	va_start(arguments, format);
	(void)vsnprintf(dump->error->message, sizeof(dump->error->message), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Refuses headers that no function on a working bus shows. */
static int
check_header(struct dump *dump)
{
	unsigned vendor = dump->config[REG_VENDOR] | (unsigned)dump->config[REG_VENDOR + 1] << 8;
	unsigned type = dump->config[REG_HEADER_TYPE] & HEADER_TYPE;
	unsigned secondary = dump->config[REG_BRIDGE_SECONDARY];
	unsigned subordinate = dump->config[REG_BRIDGE_SUBORDINATE];
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(&dump->address, name);
	if (vendor == 0xffff || vendor == 0)
		return refuse(dump, dump->address_line,
		    "%s has vendor %04x, which is what an empty slot reads as; a function has a "
		    "vendor", name, vendor);
	if (type > 2)
		return refuse(dump, dump->address_line,
		    "%s has header type %u; it would be 0 (device), 1 (PCI bridge) or 2 (CardBus "
		    "bridge)", name, type);
	if (type == 1 && secondary != 0 &&
	    (secondary <= dump->address.bus || subordinate < secondary))
		return refuse(dump, dump->address_line,
		    "bridge %s leads from bus %02x to buses %02x to %02x; they would be above its "
		    "own", name, dump->address.bus, secondary, subordinate);
	return 0;
}

static int
finish_function(struct dump *dump)
{
	char name[PCIBACK_ADDRESS_SIZE];
	int r;

	if (!dump->open)
		return 0;
	dump->open = false;
	pciback_address_format(&dump->address, name);
	if (dump->size == 0)
		return refuse(dump, dump->address_line,
		    "%s has no hex lines; make the dump with lspci -xxxx", name);
	if (dump->size != PCIBACK_CONFIG_HEADER && dump->size != PCIBACK_CONFIG_CARDBUS &&
	    dump->size != PCIBACK_CONFIG_PCI && dump->size != PCIBACK_CONFIG_EXPRESS)
		return refuse(dump, dump->line,
		    "the configuration space of %s stops after %zu bytes; it has 64, 128, 256 or 4096",
		    name, dump->size);
	r = check_header(dump);
	if (r < 0)
		return r;
	return pciback_bus_add(dump->bus, &dump->address, dump->address_line, dump->config,
	    dump->size);
}

/* How many hexadecimal digits a line starts with. */
static size_t
leading_digits(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && pciback_hex_digit(text[n]) >= 0)
		n++;
	return n;
}

/* "40: 09 00 10 01 ..." */
static int
read_hex_line(struct dump *dump, const char *text, size_t length, size_t digits)
{
	size_t offset = 0, i;

	if (!dump->open)
		return refuse(dump, dump->line,
		    "hex bytes without a function; a line such as \"00:1f.0 ISA bridge\" would "
		    "come before");
	for (i = 0; i < digits; i++)
		offset = offset << 4 | (size_t)pciback_hex_digit(text[i]);
	if (offset != dump->size)
		return refuse(dump, dump->line, "bytes from %zx on, where those from %zx on would "
		    "follow", offset, dump->size);
	if (offset + BYTES_PER_LINE > sizeof(dump->config))
		return refuse(dump, dump->line,
		    "bytes from %zx on; a configuration space ends at 1000", offset);
	text += digits + 1;
	length -= digits + 1;
	for (i = 0; i < BYTES_PER_LINE; i++) {
		if (length < 3 || text[0] != ' ' || pciback_hex_digit(text[1]) < 0 ||
		    pciback_hex_digit(text[2]) < 0)
			return refuse(dump, dump->line, "only %zu hex bytes can be read; a line has 16",
			    i);
		dump->config[offset + i] = (uint8_t)(pciback_hex_digit(text[1]) << 4 |
		    pciback_hex_digit(text[2]));
		text += 3;
		length -= 3;
	}
	while (length > 0 && *text == ' ') {
		text++;
		length--;
	}
	if (length != 0)
		return refuse(dump, dump->line, "something follows the 16 hex bytes of the line");
	dump->size += BYTES_PER_LINE;
	return 0;
}

/* "00:1f.0 ISA bridge: ..." */
static int
read_address_line(struct dump *dump, const char *text, size_t length)
{
	const char *blank = memchr(text, ' ', length);
	int r = finish_function(dump);

	if (r < 0)
		return r;
	r = pciback_address_parse(text, blank == NULL ? length : (size_t)(blank - text),
	    &dump->address);
	if (r == -ERANGE)
		return refuse(dump, dump->line,
		    "an address no machine has; domains end at ffff, devices at 1f, functions at 7");
	if (r < 0)
		return refuse(dump, dump->line,
		    "neither a function (\"00:1f.0 ISA bridge\") nor hex bytes (\"40: 09 00 ...\")");
	dump->open = true;
	dump->address_line = dump->line;
	dump->size = 0;
	return 0;
}

static int
read_line(struct dump *dump, const char *text, size_t length)
{
	size_t digits;

	while (length > 0 && (text[length - 1] == '\r' || text[length - 1] == ' ' ||
	    text[length - 1] == '\t'))
		length--;
	if (length == 0)
		return finish_function(dump);
	/* What lspci -v adds is indented; '#' is for a person's notes. */
	if (text[0] == ' ' || text[0] == '\t' || text[0] == '#')
		return 0;
	if (memchr(text, '\0', length) != NULL)
		return refuse(dump, dump->line, "a NUL byte; a dump is text");
	digits = leading_digits(text, length);
	/* Four of them only to say that they are too many. */
	if (((digits >= 2 && digits <= 3) || (digits == 4 && text[0] != '0')) && length > digits &&
	    text[digits] == ':' && (length == digits + 1 ||
	    text[digits + 1] == ' '))
		return read_hex_line(dump, text, length, digits);
	return read_address_line(dump, text, length);
}

static int
read_all(struct dump *dump, const char *text, size_t length)
{
	const struct pciback_function *twice = NULL;
	size_t begin = 0;
	int r;

	if (length > PCIBACK_DUMP_MAX)
		return refuse(dump, 0, "the dump is larger than %zu bytes", PCIBACK_DUMP_MAX);
	while (begin < length) {
		const char *newline = memchr(text + begin, '\n', length - begin);
		size_t end = newline == NULL ? length : (size_t)(newline - text);

		dump->line++;
		r = read_line(dump, text + begin, end - begin);
		if (r < 0)
			return r;
		begin = end + 1;
	}
	r = finish_function(dump);
	if (r < 0)
		return r;
	if (dump->bus->n_functions == 0)
		return refuse(dump, 0, "there is no PCI function in it; make it with lspci -xxxx");
	if (pciback_bus_sort(dump->bus, &twice) < 0) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&twice->address, name);
		return refuse(dump, twice->line, "%s is there a second time", name);
	}
	return 0;
}

int
pciback_bus_read_dump(struct pciback_bus *bus, const char *text, size_t length,
    struct pciback_dump_error *ret_error)
{
	struct dump dump = { .bus = bus, .error = ret_error };
	int r = read_all(&dump, text, length);

	if (r < 0)
		pciback_bus_free(bus);
	return r;
}
