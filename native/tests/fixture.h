/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTS_FIXTURE_H
#define PCIBACK_TESTS_FIXTURE_H

#include <pciback/aer.h>
#include <pciback/channel.h>
#include <pciback/interrupt.h>
#include <pciback/policy.h>

#include "simulated_bus.h"

#include "harness.h"

/*
 * One guest with one device on a simulated bus, behind operations that record and can fail.
 *
 * The card of fixture_card() has, behind its header: 40 power management, 50 MSI (64 bits,
 * maskable), 70 MSI-X (256 vectors), 80 PCI Express (version 2), c0 vital product data, f0 a
 * capability of the vendor's; 48, 68, bc and c8 are nobody's.
 */
struct fixture {
	struct pciback_bus dump;
	struct pciback_simulated_bus bus;
	struct pciback_simulated_device *real;
	struct pciback_operations simulated;	/* what is behind those that record */
	struct pciback_operations operations;
	struct pciback_host host;
	struct pciback_log log;
	struct pciback_device_settings settings;
	struct pciback_device device;
	struct pciback_topology topology;
	struct pciback_channel channel;
	struct pciback_page page;
	uint64_t now;			/* milliseconds; one passes with each request */

	/* What reached the device: calls, and per byte the bits that a write changed or cleared. */
	unsigned n_reads, n_writes;
	uint8_t touched[PCIBACK_CONFIG_EXPRESS];
	unsigned n_notified;
	unsigned n_lines;
	char line[PCIBACK_LOG_LINE];	/* the last one */
	int n_enabled;			/* MSI and MSI-X given out less those taken back */
	unsigned n_enables, n_disables;
	unsigned power;
	void (*on_read)(struct fixture *fixture);	/* called in the middle of a request */

	/* What fails: the number of the write to come (1: the next), and operations as a whole. */
	unsigned fail_write;
	int fail_read, fail_enable, fail_interrupt, fail_disable, fail_power;
	bool zero_pirq;
};

/* Stores a value of `size` bytes in a configuration space. */
void fixture_store(uint8_t *config, unsigned offset, unsigned size, uint32_t value);

/* Configuration spaces of 4096 bytes. */
void fixture_card(uint8_t config[PCIBACK_CONFIG_EXPRESS]);
void fixture_bridge(uint8_t config[PCIBACK_CONFIG_EXPRESS]);

/* Puts a configuration space on a bus of its own, with settings but without a backend. */
void fixture_init(struct fixture *fixture, const uint8_t *config, size_t size);

/* Hands the device to the guest, with what the settings say by then; counts start at 0. */
int fixture_hand_out(struct fixture *fixture);

/* Both, with a card. */
void fixture_init_card(struct fixture *fixture);
void fixture_free(struct fixture *fixture);

/* What the device has, without the backend. */
uint32_t fixture_real(const struct fixture *fixture, unsigned offset, unsigned size);

/* What the guest reads; all ones if that is refused. */
uint32_t fixture_read(struct fixture *fixture, uint32_t offset, uint32_t size);

/* Puts a request for the device at 0000:00:00.0 into the page and lets it be served; its error. */
int32_t fixture_request(struct fixture *fixture, uint32_t command, int32_t offset, int32_t size,
    uint32_t value);

#endif
