/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>

#include <pciback/bus.h>
#include <pciback/registers.h>

#include "output.h"
#include "read_bus.h"

static const char *
bar_kind_name(enum pciback_bar_kind kind)
{
	switch (kind) {
	case PCIBACK_BAR_IO:
		return "io";
	case PCIBACK_BAR_MEM32:
		return "mem32";
	case PCIBACK_BAR_MEM64:
		break;
	}
	return "mem64";
}

static void
json_hex(struct pciback_json *json, const char *key, unsigned digits, uint32_t value)
{
	char text[12];

	(void)snprintf(text, sizeof(text), "%0*" PRIx32, (int)digits, value);
	pciback_json_string(json, key, text);
}

static void
json_subsystem(struct pciback_json *json, const struct pciback_function *function)
{
	char text[12];

	if (pciback_header_type(function) != 0) {
		pciback_json_null(json, "subsystem");
		return;
	}
	(void)snprintf(text, sizeof(text), "%04x:%04x",
	    (unsigned)pciback_config16(function, REG_SUBSYSTEM_VENDOR),
	    (unsigned)pciback_config16(function, REG_SUBSYSTEM));
	pciback_json_string(json, "subsystem", text);
}

static void
json_bridge(struct pciback_json *json, const struct pciback_function *function)
{
	if (pciback_header_type(function) == 0) {
		pciback_json_null(json, "bridge");
		return;
	}
	pciback_json_object(json, "bridge");
	pciback_json_unsigned(json, "secondary", pciback_config8(function, REG_BRIDGE_SECONDARY));
	pciback_json_unsigned(json, "subordinate", pciback_config8(function, REG_BRIDGE_SUBORDINATE));
	pciback_json_object_end(json);
}

static void
json_bars(struct pciback_json *json, const struct pciback_function *function)
{
	struct pciback_bar bars[PCIBACK_BARS_MAX];
	size_t n = pciback_bars(function, bars);

	pciback_json_array(json, "bars");
	for (size_t i = 0; i < n; i++) {
		pciback_json_object(json, NULL);
		pciback_json_unsigned(json, "index", bars[i].index);
		pciback_json_string(json, "kind", bar_kind_name(bars[i].kind));
		pciback_json_unsigned(json, "address", bars[i].address);
		pciback_json_bool(json, "prefetchable", bars[i].prefetchable);
		pciback_json_object_end(json);
	}
	pciback_json_array_end(json);
}

static void
json_interrupt(struct pciback_json *json, const struct pciback_function *function)
{
	unsigned pin = pciback_config8(function, REG_INTERRUPT_PIN);
	unsigned line = pciback_config8(function, REG_INTERRUPT_LINE);

	/* No pin, no interrupt line; 255 says that nothing routed it. */
	if (pin == 0 || line == INTERRUPT_LINE_NONE)
		pciback_json_null(json, "irq");
	else
		pciback_json_unsigned(json, "irq", line);
	pciback_json_unsigned(json, "interrupt_pin", pin);
}

static int
print_json(const struct pciback_bus *bus)
{
	struct pciback_json json;

	cli_json_begin(&json, "xen.pciback/scan/1");
	pciback_json_array(&json, "functions");
	for (size_t i = 0; i < bus->n_functions; i++) {
		const struct pciback_function *function = &bus->functions[i];
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&function->address, name);
		pciback_json_object(&json, NULL);
		pciback_json_string(&json, "address", name);
		json_hex(&json, "vendor", 4, pciback_config16(function, REG_VENDOR));
		json_hex(&json, "device", 4, pciback_config16(function, REG_DEVICE));
		json_subsystem(&json, function);
		json_hex(&json, "class", 6, pciback_class(function));
		pciback_json_unsigned(&json, "revision", pciback_config8(function, REG_REVISION));
		pciback_json_unsigned(&json, "header_type", pciback_header_type(function));
		pciback_json_bool(&json, "multifunction", pciback_is_multifunction(function));
		json_bridge(&json, function);
		json_bars(&json, function);
		json_interrupt(&json, function);
		pciback_json_unsigned(&json, "config_size", function->config_size);
		pciback_json_object_end(&json);
	}
	pciback_json_array_end(&json);
	return cli_json_end(&json);
}

static int
print_text(const struct pciback_bus *bus)
{
	for (size_t i = 0; i < bus->n_functions; i++) {
		const struct pciback_function *function = &bus->functions[i];
		struct pciback_bar bars[PCIBACK_BARS_MAX];
		size_t n = pciback_bars(function, bars);
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&function->address, name);
		(void)printf("%s  %04x:%04x  class %06" PRIx32 "  revision %02x", name,
		    (unsigned)pciback_config16(function, REG_VENDOR),
		    (unsigned)pciback_config16(function, REG_DEVICE), pciback_class(function),
		    (unsigned)pciback_config8(function, REG_REVISION));
		if (pciback_header_type(function) != 0)
			(void)printf("  bridge to %02x-%02x",
			    (unsigned)pciback_config8(function, REG_BRIDGE_SECONDARY),
			    (unsigned)pciback_config8(function, REG_BRIDGE_SUBORDINATE));
		for (size_t j = 0; j < n; j++)
			(void)printf("  %s %" PRIx64, bar_kind_name(bars[j].kind), bars[j].address);
		(void)printf("\n");
	}
	return cli_flush();
}

int
cli_scan(const struct cli_options *options)
{
	struct pciback_bus bus;
	int status = cli_read_bus(options, options->bus, &bus);

	if (status != CLI_OK)
		return status;
	status = options->json ? print_json(&bus) : print_text(&bus);
	pciback_bus_free(&bus);
	return status;
}
