/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../model/shared_line.h"

/* A card on bus 0 that interrupts at a line, with what a test changes of its first 128 bytes. */
static void
add(struct harness *harness, struct pciback_bus *bus, unsigned device, unsigned line,
    const uint8_t changes[][2], size_t n_changes)
{
	struct pciback_address address = { .device = (uint8_t)device };
	uint8_t config[256] = { 0x86, 0x80, 1, 1 };

	config[REG_CLASS + 3] = 0x02;
	config[REG_INTERRUPT_LINE] = (uint8_t)line;
	config[REG_INTERRUPT_PIN] = 1;
	for (size_t i = 0; i < n_changes; i++)
		config[changes[i][0]] = changes[i][1];
	CHECK_NUMBER(pciback_bus_add(bus, &address, 0, config, sizeof(config)), 0);
	CHECK_NUMBER(pciback_bus_sort(bus, NULL), 0);
}

/* What is said of a boot that hides these devices, the second one named at offset 22. */
static struct pciback_boot_prediction
explain(const struct pciback_bus *bus, unsigned first, unsigned second)
{
	static const char text[] = "pciback.hide=(00:04.0)(00:05.0)";
	static const size_t offsets[PCIBACK_CLAIMS_MAX] = { 13, 22 };
	struct pciback_boot_prediction prediction = {
		.cfg = { .text = text, .length = sizeof(text) - 1 },
		.n_claims = second == 0 ? 1 : 2,
		.claims = { { .device = (uint8_t)first }, { .device = (uint8_t)second } },
	};

	model_explain_shared_lines(&prediction, bus, offsets);
	return prediction;
}

static void
test_pairs(struct harness *harness)
{
	struct pciback_boot_prediction prediction;
	struct pciback_bus bus;

	pciback_bus_init(&bus);
	add(harness, &bus, 4, 11, NULL, 0);
	add(harness, &bus, 5, 10, NULL, 0);
	add(harness, &bus, 6, 10, NULL, 0);
	add(harness, &bus, 7, 10, NULL, 0);
	CHECK_NUMBER(explain(&bus, 4, 0).n_findings, 0);
	prediction = explain(&bus, 4, 5);
	CHECK_NUMBER(prediction.n_findings, 2);
	CHECK_NUMBER(prediction.findings[0].severity, PCIBACK_WARNING);
	CHECK_TEXT(prediction.findings[0].code, "hide-shared-interrupt");
	CHECK_NUMBER(prediction.findings[0].offset, 22);
	CHECK_TEXT(prediction.findings[0].message,
	    "0000:00:05.0 and 0000:00:06.0, which dom0 keeps, share interrupt line 10: pciback unbinds "
	    "the line when it takes the first, and dom0 can lose the second at this boot");
	CHECK(strstr(prediction.findings[1].message, "0000:00:07.0, which dom0 keeps") != NULL);
	/* What is hidden as well is nothing that dom0 loses. */
	prediction = explain(&bus, 5, 6);
	CHECK_NUMBER(prediction.n_findings, 2);
	CHECK(strstr(prediction.findings[1].message, "0000:00:06.0 and 0000:00:07.0") != NULL);
	pciback_bus_free(&bus);
}

static void
test_who_listens(struct harness *harness)
{
	static const struct {
		const char *what;
		size_t n_findings;
		size_t n_changes;
		uint8_t changes[6][2];
	} cases[] = {
		{ "a card", 1, 0, { { 0 } } },
		{ "no pin", 0, 1, { { REG_INTERRUPT_PIN, 0 } } },
		{ "a bridge", 0, 1, { { REG_CLASS + 3, 0x06 } } },
		{ "MSI that is off", 1, 3,
		    { { REG_STATUS, STATUS_CAPABILITIES }, { REG_CAPABILITIES, 0x50 },
			{ 0x50, CAPABILITY_MSI } } },
		{ "MSI", 0, 4,
		    { { REG_STATUS, STATUS_CAPABILITIES }, { REG_CAPABILITIES, 0x50 },
			{ 0x50, CAPABILITY_MSI }, { 0x52, MSI_ENABLE } } },
		{ "MSI-X behind another", 0, 5,
		    { { REG_STATUS, STATUS_CAPABILITIES }, { REG_CAPABILITIES, 0x50 }, { 0x51, 0x60 },
			{ 0x60, CAPABILITY_MSIX }, { 0x63, MSIX_ENABLE >> 8 } } },
		{ "MSI without a list", 1, 3,
		    { { REG_CAPABILITIES, 0x50 }, { 0x50, CAPABILITY_MSI }, { 0x52, MSI_ENABLE } } },
		{ "a list in a circle", 1, 3,
		    { { REG_STATUS, STATUS_CAPABILITIES }, { REG_CAPABILITIES, 0x50 }, { 0x51, 0x50 } } },
		{ "a list past the end", 1, 3,
		    { { REG_STATUS, STATUS_CAPABILITIES }, { REG_CAPABILITIES, 0x50 }, { 0x51, 0xfc } } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_bus bus;

		pciback_bus_init(&bus);
		add(harness, &bus, 5, 10, NULL, 0);
		add(harness, &bus, 6, 10, cases[i].changes, cases[i].n_changes);
		harness->test = cases[i].what;
		CHECK_NUMBER(explain(&bus, 5, 0).n_findings, cases[i].n_findings);
		pciback_bus_free(&bus);
	}
}

static void
test_lines_that_are_none(struct harness *harness)
{
	static const unsigned lines[] = { 0, INTERRUPT_LINE_NONE };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct pciback_bus bus;

		pciback_bus_init(&bus);
		add(harness, &bus, 5, lines[i], NULL, 0);
		add(harness, &bus, 6, lines[i], NULL, 0);
		CHECK_NUMBER(explain(&bus, 5, 0).n_findings, 0);
		pciback_bus_free(&bus);
	}
}

void
test_shared_line(struct harness *harness)
{
	test_pairs(harness);
	test_who_listens(harness);
	test_lines_that_are_none(harness);
}
