/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_REGISTERS_H
#define PCIBACK_REGISTERS_H

/*
 * Names for the registers of a configuration space, in one place for all of native/. Sources: [PCI]
 * PCI Local Bus Specification 3.0; [bridge] PCI-to-PCI Bridge Architecture Specification 1.2; [PM]
 * PCI Bus Power Management Interface Specification 1.2; [PCIe] PCI Express Base Specification,
 * chapter 7.
 */

/* Sizes of a configuration space: the header alone (what lspci shows to an ordinary user; behind it
 * are capabilities), a CardBus bridge's header, conventional PCI, PCI Express with its extended
 * space. */
#define PCIBACK_CONFIG_HEADER	64
#define PCIBACK_CONFIG_CARDBUS	128
#define PCIBACK_CONFIG_PCI	256
#define PCIBACK_CONFIG_EXPRESS	4096

/* Offsets in a header [PCI 6.1; bridge 3.2]. */
enum {
	REG_VENDOR = 0x00,
	REG_DEVICE = 0x02,
	REG_COMMAND = 0x04,
	REG_STATUS = 0x06,
	REG_CLASS = 0x08,		/* the dword; REG_REVISION is its low byte */
	REG_REVISION = 0x08,
	REG_CACHE_LINE = 0x0c,
	REG_LATENCY = 0x0d,
	REG_HEADER_TYPE = 0x0e,
	REG_BIST = 0x0f,
	REG_BAR0 = 0x10,
	REG_BRIDGE_PRIMARY = 0x18,	/* the bus that a bridge is on */
	REG_BRIDGE_SECONDARY = 0x19,	/* the first and the last bus behind it */
	REG_BRIDGE_SUBORDINATE = 0x1a,
	REG_BRIDGE_IO = 0x1c,		/* window; 0x1e is the secondary STATUS */
	REG_BRIDGE_STATUS = 0x1e,
	REG_BRIDGE_MEMORY = 0x20,	/* windows */
	REG_BRIDGE_PREFETCHABLE = 0x24,
	REG_BRIDGE_PREFETCHABLE_BASE = 0x28,	/* their upper halves */
	REG_BRIDGE_PREFETCHABLE_LIMIT = 0x2c,
	REG_BRIDGE_IO_HIGH = 0x30,
	REG_CARDBUS = 0x28,		/* of a device: CardBus CIS pointer */
	REG_SUBSYSTEM_VENDOR = 0x2c,
	REG_SUBSYSTEM = 0x2e,
	REG_ROM = 0x30,
	REG_CAPABILITIES = 0x34,
	REG_RESERVED = 0x38,		/* of a device */
	REG_BRIDGE_ROM = 0x38,
	REG_INTERRUPT_LINE = 0x3c,
	REG_INTERRUPT_PIN = 0x3d,
	REG_LATENCY_WANTED = 0x3e,	/* of a device: grant and latency */
	REG_BRIDGE_CONTROL = 0x3e,
};

enum {
	HEADER_TYPE = 0x7f,		/* 0 device, 1 PCI-PCI bridge, 2 CardBus bridge */
	HEADER_MULTIFUNCTION = 0x80,

	INTERRUPT_LINE_NONE = 0xff,	/* unknown, or not connected */
};

enum {
	COMMAND_IO = 1 << 0,
	COMMAND_MEMORY = 1 << 1,
	COMMAND_DECODE = COMMAND_IO | COMMAND_MEMORY,
	COMMAND_MASTER = 1 << 2,
	COMMAND_SPECIAL = 1 << 3,
	COMMAND_INVALIDATE = 1 << 4,
	COMMAND_VGA_PALETTE = 1 << 5,
	COMMAND_WAIT = 1 << 7,
	COMMAND_FAST_BACK = 1 << 9,
	COMMAND_INTX_DISABLE = 1 << 10,
	COMMAND_RESERVED = 0xf800,
};

enum {
	STATUS_CAPABILITIES = 1 << 4,
	STATUS_ERRORS = 0xf900,		/* cleared by ones */

	BIST_START = 1 << 6,
};

/* A BAR's own bits; the rest is an address. */
enum {
	BAR_IO = 1 << 0,
	BAR_IO_BITS = 0x3,
	BAR_64 = 1 << 2,
	BAR_PREFETCHABLE = 1 << 3,
	BAR_MEMORY_BITS = 0xf,
	ROM_BITS = 0x7ff,		/* enable bit and reserved ones */
};

enum {
	CAPABILITY_POWER = 0x01,
	CAPABILITY_VPD = 0x03,
	CAPABILITY_MSI = 0x05,
	CAPABILITY_VENDOR = 0x09,
	CAPABILITY_EXPRESS = 0x10,
	CAPABILITY_MSIX = 0x11,
	CAPABILITY_ADVANCED = 0x13,
};

/* Offsets and bits in capabilities [PCI 6.8 and appendix I; PM 3.2; PCIe 7.8; Advanced
 * Capabilities for Conventional PCI ECN]. */
enum {
	POWER_D1 = 1 << 9,
	POWER_D2 = 1 << 10,
	POWER_PME = 0xf800,
	POWER_CONTROL = 4,
	POWER_STATE = 0x3,
	POWER_NO_SOFT_RESET = 1 << 3,
	POWER_PME_ENABLE = 1 << 8,
	POWER_DATA_SELECT = 0x1e00,
	POWER_PME_STATUS = 1 << 15,	/* cleared by a one */
	POWER_BRIDGE = 6,
	POWER_LENGTH = 8,

	VPD_ADDRESS = 2,
	VPD_FLAG = 1 << 15,		/* written: direction; read: transfer is complete */
	VPD_DATA = 4,
	VPD_LENGTH = 8,

	MSI_CONTROL = 2,
	MSI_ENABLE = 1 << 0,
	MSI_MULTIPLE = 0x70,
	MSI_64 = 1 << 7,
	MSI_MASKABLE = 1 << 8,

	MSIX_CONTROL = 2,
	MSIX_ENTRIES = 0x7ff,		/* less one */
	MSIX_MASK_ALL = 1 << 14,
	MSIX_ENABLE = 1 << 15,
	MSIX_TABLE = 4,
	MSIX_TABLE_BAR = 0x7,		/* the BAR that it is in; the other bits are an offset there */
	MSIX_LENGTH = 12,

	EXPRESS_VERSION = 0xf,
	EXPRESS_DEVICE = 4,
	EXPRESS_DEVICE_CONTROL = 8,
	EXPRESS_LINK_CONTROL = 0x10,
	EXPRESS_SLOT_CONTROL = 0x18,
	EXPRESS_ROOT_STATUS = 0x20,
	EXPRESS_RESET = 1 << 28,	/* the function can be reset through DEVICE_CONTROL */
	EXPRESS_RESET_NOW = 1 << 15,	/* there */
	EXPRESS_DEVICE_STATUS = 0xa,
	EXPRESS_PENDING = 1 << 5,
	EXPRESS_LENGTH_1 = 0x24,
	EXPRESS_LENGTH_2 = 0x3c,

	ADVANCED_ABILITIES = 3,
	ADVANCED_RESET = 1 << 1,	/* the function can be reset */
	ADVANCED_CONTROL = 4,
	ADVANCED_RESET_NOW = 1 << 0,
	ADVANCED_LENGTH = 6,
};

#endif
