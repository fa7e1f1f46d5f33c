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

#include <pciback/boot_messages.h>

/* Of a real NetBSD 11.0_RC6 dom0 on a q35 board, where INTERRUPT_LINE says 10 and 11. */
static const char boot[] =
    "5.000003] wm0: interrupting at ioapic0 pin 5\n"
    "[     1.000000] mainbus0 (root)\n"
    "[     1.000000] ioapic0 at mainbus0 apid 0: pa 0xfec00000, version 0x20, 24 pins\n"
    "[     1.000003] pci0 at hypervisor0 bus 0: configuration mode 1\n"
    "[     1.000003] pci0: i/o space, memory space enabled\n"
    "[     1.000003] pciback_pci_init: hide claim device 0:4:0\n"
    "[     1.000003] vga0 at pci0 dev 1 function 0: vendor 1234 product 1111 (rev. 0x02)\n"
    "[     1.000003] wm0 at pci0 dev 3 function 0, 64-bit DMA: Intel i82540EM 1000BASE-T Ethernet (rev. 0x03)\n"
    "[     1.000003] wm0: interrupting at ioapic0 pin 23\n"
    "[     1.000003] pciback0 at pci0 dev 4 function 0: Intel i82540EM 1000baseT Ethernet (rev. 0x03)\n"
    "[     1.000003] pciback0: mem: 0xfeb80000 - 0x00020000\n"
    "[     1.000003] pciback0: interrupting at ioapic0 pin 20\n"
    "[     1.000003] irq line 10 pin 1 sc 0xffffb800011b5980\n"
    "[     1.000003] wm1 at pci0 dev 5 function 0, 64-bit DMA: Intel i82540EM 1000BASE-T Ethernet (rev. 0x03)\n"
    "[     1.000003] wm1: interrupting at ioapic0 pin 21\n"
    "[     1.000003] ahcisata0 at pci0 dev 31 function 2: Intel 82801I AHCI SATA Controller\n"
    "[     1.000003] ahcisata0: interrupting at msi0 vec 0\n"
    "[     1.000003] Intel 82801I SMBus Controller (SMBus serial bus, revision 0x02) at pci0 dev 31 function 3 "
    "not configured\n";

/* What the messages say of a device; -1 for nothing. */
static int64_t
gsi_of(const char *text, unsigned bus, unsigned device, unsigned function)
{
	const struct pciback_address address = {
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	uint32_t gsi = 0;
	int r = pciback_boot_messages_gsi(text, strlen(text), &address, &gsi);

	return r == 0 ? (int64_t)gsi : r == -ENOENT ? -1 : -2;
}

static void
test_a_real_boot(struct harness *harness)
{
	CHECK_NUMBER(gsi_of(boot, 0, 3, 0), 23);
	CHECK_NUMBER(gsi_of(boot, 0, 4, 0), 20);
	CHECK_NUMBER(gsi_of(boot, 0, 5, 0), 21);
	/* A driver that uses MSI, one that has no interrupt, no driver, no device, another bus. */
	CHECK_NUMBER(gsi_of(boot, 0, 31, 2), -1);
	CHECK_NUMBER(gsi_of(boot, 0, 1, 0), -1);
	CHECK_NUMBER(gsi_of(boot, 0, 31, 3), -1);
	CHECK_NUMBER(gsi_of(boot, 0, 3, 1), -1);
	CHECK_NUMBER(gsi_of(boot, 1, 3, 0), -1);
	CHECK_NUMBER(gsi_of("", 0, 3, 0), -1);
}

/* Buses have numbers of their own, and I/O APICs follow each other. */
static void
test_numbers(struct harness *harness)
{
	static const char text[] =
	    "mainbus0 (root)\n"
	    "ioapic0 at mainbus0 apid 2: pa 0xfec00000, version 0x20, 24 pins\n"
	    "ioapic1 at mainbus0 apid 3: pa 0xfec01000, version 0x20, 32 pins\n"
	    "pci2 at ppb1 bus 7\n"
	    "bge0 at pci2 dev 0 function 1: Broadcom BCM5720\n"
	    "bge0: interrupting at ioapic1 pin 4\n";

	CHECK_NUMBER(gsi_of(text, 7, 0, 1), 28);
	CHECK_NUMBER(gsi_of(text, 2, 0, 1), -1);
}

/* The last boot counts, and what was said last in it; a name may become another device's. */
static void
test_order(struct harness *harness)
{
	char text[4 * sizeof(boot)];

	(void)snprintf(text, sizeof(text), "%smainbus0 (root)\npci0 at hypervisor0 bus 0\n", boot);
	CHECK_NUMBER(gsi_of(text, 0, 5, 0), -1);
	(void)snprintf(text, sizeof(text), "%swm1: detached\n"
	    "re0 at pci0 dev 5 function 0: RealTek 8139C+\nre0: interrupting at ioapic0 pin 19\n"
	    "wm1 at pci0 dev 9 function 0: Intel i82540EM\nwm1: interrupting at ioapic0 pin 18\n", boot);
	CHECK_NUMBER(gsi_of(text, 0, 5, 0), 19);
	CHECK_NUMBER(gsi_of(text, 0, 9, 0), 18);
	(void)snprintf(text, sizeof(text), "%swm1 at pci0 dev 9 function 0: Intel i82540EM\n"
	    "wm1: interrupting at ioapic0 pin 18\n", boot);
	CHECK_NUMBER(gsi_of(text, 0, 5, 0), 21);
}

/* Anything may stand in it: numbers without an end, lines without one, what no terminal shows. */
static void
test_rubbish(struct harness *harness)
{
	char text[4096];
	uint32_t state = 1;

	CHECK_NUMBER(gsi_of("mainbus0 (root)\npci0 at hypervisor0 bus 0\nwm9999999999999999999999 at pci0 dev 3 "
	    "function 0\nwm9999999999999999999999: interrupting at ioapic0 pin 5", 0, 3, 0), -1);
	CHECK_NUMBER(gsi_of("mainbus0 (root)\npci0 at hypervisor0 bus 0\nwm0 at pci0 dev 3 function 0\n"
	    "wm0: interrupting at ioapic99 pin 5", 0, 3, 0), -1);
	for (unsigned i = 0; i < 2000; i++) {
		(void)snprintf(text, sizeof(text), "%s", boot);
		for (unsigned j = 0; j < 20; j++) {
			state = state * 1664525 + 1013904223;
			text[(state >> 8) % (sizeof(boot) - 1)] = (char)(state >> 24);
		}
		(void)gsi_of(text, 0, 5, 0);
	}
}

void
test_boot_messages(struct harness *harness)
{
	test_a_real_boot(harness);
	test_numbers(harness);
	test_order(harness);
	test_rubbish(harness);
}
