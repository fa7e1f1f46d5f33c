/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_PCIIF_H
#define PCIBACK_PCIIF_H

/*
 * The page that a frontend and its backend share, and the values that stand in it. Everything in a
 * page is written by a guest and hostile.
 *
 * Sources: [pciif] Xen's public header io/pciif.h; [Linux] what xen-pciback and xen-pcifront of
 * Linux do with the same values.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What a frontend writes into its xenstore key "magic" [pciif]. */
#define PCIBACK_MAGIC "7"

/* Vectors that fit in one request [pciif]. */
#define PCIBACK_VECTORS_MAX 128

/* Bits of the page's flags [pciif]. */
enum {
	PCIBACK_FLAG_REQUEST = 1 << 0,		/* the frontend waits for an answer */
	PCIBACK_FLAG_AER_HANDLER = 1 << 1,	/* the frontend answers error reports */
	PCIBACK_FLAG_AER = 1 << 2,		/* the backend waits for an answer */
};

/* What a request asks for [pciif]. Those from AER_DETECTED to AER_SLOT_RESET go the other way. */
enum pciback_command {
	PCIBACK_CONFIG_READ = 0,
	PCIBACK_CONFIG_WRITE = 1,
	PCIBACK_ENABLE_MSI = 2,
	PCIBACK_DISABLE_MSI = 3,
	PCIBACK_ENABLE_MSIX = 4,
	PCIBACK_DISABLE_MSIX = 5,
	PCIBACK_AER_DETECTED = 6,
	PCIBACK_AER_RESUME = 7,
	PCIBACK_AER_MMIO = 8,
	PCIBACK_AER_SLOT_RESET = 9,
	PCIBACK_ENABLE_MULTI_MSI = 10,
};

/*
 * How a request is answered. The first six are [pciif]'s; the others are errno values of Linux,
 * on whatever system, that its backend puts into the same field for PCIBACK_ENABLE_MSIX [Linux].
 */
enum pciback_answer {
	PCIBACK_DONE = 0,
	PCIBACK_NO_DEVICE = -1,
	PCIBACK_INVALID_OFFSET = -2,
	PCIBACK_DENIED = -3,
	PCIBACK_NOT_IMPLEMENTED = -4,
	PCIBACK_FAILED = -5,
	PCIBACK_MSIX_BUSY = -6,			/* ENXIO: MSI is on, or memory decoding is off */
	PCIBACK_MSIX_NO_MEMORY = -12,		/* ENOMEM */
	PCIBACK_MSIX_INVALID = -22,		/* EINVAL: no such vectors */
	PCIBACK_MSIX_ALREADY = -114,		/* EALREADY: MSI-X is on */
};

/*
 * The page that a guest grants, in the byte order of the machine [pciif]. Every field is an
 * atomic: the guest may write at any time, and 32 bits at a time never touch a neighbour (Linux's
 * 64-bit bit operations on the flags do).
 */
struct pciback_page_vector {
	_Atomic uint16_t vector;
	_Atomic uint16_t entry;
};

struct pciback_page_request {
	_Atomic uint32_t command;
	_Atomic int32_t error;
	_Atomic uint32_t domain;
	_Atomic uint32_t bus;
	_Atomic uint32_t devfn;			/* device << 3 | function */
	_Atomic int32_t offset;
	_Atomic int32_t size;			/* bytes */
	_Atomic uint32_t value;
	_Atomic uint32_t info;			/* unused by every frontend */
	struct pciback_page_vector vectors[PCIBACK_VECTORS_MAX];
};

struct pciback_page_aer {
	_Atomic uint32_t command;
	_Atomic int32_t error;			/* there: channel state; back: recovery result */
	_Atomic uint32_t domain;
	_Atomic uint32_t bus;
	_Atomic uint32_t devfn;
};

struct pciback_page {
	_Atomic uint32_t flags;
	struct pciback_page_request request;
	struct pciback_page_aer aer;
};

_Static_assert(sizeof(struct pciback_page_vector) == 4, "xen_msix_entry");
_Static_assert(offsetof(struct pciback_page_vector, entry) == 2, "xen_msix_entry.entry");
_Static_assert(sizeof(struct pciback_page_request) == 548, "xen_pci_op");
_Static_assert(offsetof(struct pciback_page_request, error) == 4, "xen_pci_op.err");
_Static_assert(offsetof(struct pciback_page_request, domain) == 8, "xen_pci_op.domain");
_Static_assert(offsetof(struct pciback_page_request, bus) == 12, "xen_pci_op.bus");
_Static_assert(offsetof(struct pciback_page_request, devfn) == 16, "xen_pci_op.devfn");
_Static_assert(offsetof(struct pciback_page_request, offset) == 20, "xen_pci_op.offset");
_Static_assert(offsetof(struct pciback_page_request, size) == 24, "xen_pci_op.size");
_Static_assert(offsetof(struct pciback_page_request, value) == 28, "xen_pci_op.value");
_Static_assert(offsetof(struct pciback_page_request, info) == 32, "xen_pci_op.info");
_Static_assert(offsetof(struct pciback_page_request, vectors) == 36, "xen_pci_op.msix_entries");
_Static_assert(sizeof(struct pciback_page_aer) == 20, "xen_pcie_aer_op");
_Static_assert(sizeof(struct pciback_page) == 572, "xen_pci_sharedinfo");
_Static_assert(offsetof(struct pciback_page, request) == 4, "xen_pci_sharedinfo.op");
_Static_assert(offsetof(struct pciback_page, aer) == 552, "xen_pci_sharedinfo.aer_op");

/* How a guest says that recovery went: pci_ers_result of Linux. */
enum pciback_recovery {
	PCIBACK_RECOVERY_NONE = 1,
	PCIBACK_RECOVERY_CAN = 2,
	PCIBACK_RECOVERY_NEEDS_RESET = 3,
	PCIBACK_RECOVERY_DISCONNECT = 4,
	PCIBACK_RECOVERY_DONE = 5,
};

#endif
