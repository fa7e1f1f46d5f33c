/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "shared_line.h"

#include "finding.h"

/* As many capabilities as the space behind the header has room for. */
#define CHAIN_MAX	48

/* Whether a driver takes interrupts of this function as messages, as far as the dump goes. */
static bool
is_message_signalled(const struct pciback_function *function)
{
	size_t at = pciback_config8(function, REG_CAPABILITIES) & 0xfc;

	if ((pciback_config16(function, REG_STATUS) & STATUS_CAPABILITIES) == 0)
		return false;
	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		unsigned control;

		if (at < PCIBACK_CONFIG_HEADER || at + 4 > function->config_size)
			return false;
		control = pciback_config16(function, at + 2);
		switch (pciback_config8(function, at)) {
		case CAPABILITY_MSI:
			if ((control & MSI_ENABLE) != 0)
				return true;
			break;
		case CAPABILITY_MSIX:
			if ((control & MSIX_ENABLE) != 0)
				return true;
			break;
		default:
			break;
		}
		at = pciback_config8(function, at + 1) & 0xfc;
	}
	return false;
}

/* The line that the function's INTERRUPT_LINE names; 0, which is the timer's, for none. */
static unsigned
line_of(const struct pciback_function *function)
{
	unsigned line = pciback_config8(function, REG_INTERRUPT_LINE);
	unsigned pin = pciback_config8(function, REG_INTERRUPT_PIN);

	return pin < 1 || pin > 4 || line == INTERRUPT_LINE_NONE ? 0 : line;
}

/* Whether dom0 keeps the function and may wait for its line. Bridges tell of hot plug and errors
 * there, and most drivers never ask for that. */
static bool
is_used_by_dom0(const struct pciback_boot_prediction *prediction, const struct pciback_bus *bus,
    const struct pciback_function *function)
{
	for (size_t i = 0; i < prediction->n_claims; i++) {
		if (pciback_address_compare(&prediction->claims[i], &function->address) == 0)
			return false;
	}
	return pciback_bus_scan_finds(bus, function) && pciback_class(function) >> 16 != 0x06 &&
	    !is_message_signalled(function);
}

void
model_explain_shared_lines(struct pciback_boot_prediction *prediction,
    const struct pciback_bus *bus, const size_t *offsets)
{
	for (size_t i = 0; i < prediction->n_claims; i++) {
		const struct pciback_function *claim =
		    pciback_bus_find(bus, &prediction->claims[i]);
		unsigned line = claim == NULL ? 0 : line_of(claim);

		for (size_t k = 0; k < bus->n_functions && line != 0; k++) {
			const struct pciback_function *other = &bus->functions[k];
			char hidden[PCIBACK_ADDRESS_SIZE], kept[PCIBACK_ADDRESS_SIZE];

			if (line_of(other) != line || !is_used_by_dom0(prediction, bus, other))
				continue;
			pciback_address_format(&claim->address, hidden);
			pciback_address_format(&other->address, kept);
			model_finding(prediction, PCIBACK_WARNING, "hide-shared-interrupt", offsets[i],
			    "%s and %s, which dom0 keeps, share interrupt line %u: pciback unbinds the "
			    "line when it takes the first, and dom0 can lose the second at this boot", hidden,
			    kept, line);
		}
	}
}
