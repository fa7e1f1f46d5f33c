/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_XEN_H
#define PCIBACK_XEN_H

/*
 * What the backend asks of Xen: xenstore, domains, pages, event channels, permissions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/pciif.h>
#include <pciback/xenbus.h>

/* The highest number of a domain [Xen: those from DOMID_FIRST_RESERVED, 0x7ff0, on are reserved]. */
#define PCIBACK_DOMAIN_MAX	0x7fef

/* dom0, as it names itself [Xen: DOMID_SELF]. */
#define PCIBACK_DOMAIN_SELF	0x7ff0

/* The one that has devices in quarantine: they reach no memory [Xen: DOMID_IO]. */
#define PCIBACK_DOMAIN_QUARANTINE	0x7ff1

#define PCIBACK_STORE_PATH	80	/* bytes with its NUL; enough for every path used here */
#define PCIBACK_STORE_VALUE	128	/* the same for values; longer ones are refused */

/* What tells a domain from those that have its number at other times, as long as the host runs. */
struct pciback_domain_identity {
	uint8_t bytes[24];
};

enum pciback_store_action {
	PCIBACK_STORE_READ,
	PCIBACK_STORE_EXPECT,		/* the value must be this, or nothing is changed */
	PCIBACK_STORE_EXPECT_NONE,	/* there must be no such node */
	PCIBACK_STORE_WRITE,
	PCIBACK_STORE_REMOVE,		/* with everything below; no error if there is none */
	PCIBACK_STORE_MAKE,		/* an empty node, for `value`: "n0,r3", owner and reader */
};

struct pciback_store_item {
	enum pciback_store_action action;
	int result;			/* of a read: 0, -ENOENT, -EMSGSIZE (or NUL bytes), -EACCES */
	char path[PCIBACK_STORE_PATH];
	char value[PCIBACK_STORE_VALUE];
};

/* A watch's token says what it watches: one of these, or the frontend of a guest by its place in the
 * backend's table. */
enum {
	PCIBACK_WATCH_BACKENDS = 0,	/* the directory of all backends */
	PCIBACK_WATCH_DOMAINS = 1,	/* a domain came to its end */
	PCIBACK_WATCH_FRONTEND = 2,	/* and up: that of guest token - 2 */
};

/*
 * `world` is the binding's own. Each returns 0 or a negative errno value; a call that fails has
 * changed nothing, *ret_ values neither. Addresses and frames are 64 bits (XSA-476).
 */
struct pciback_xen_operations {
	/* Reads n values at one moment, in one transaction. An item's own failure is its result. */
	int (*store_read)(void *world, struct pciback_store_item *items, size_t n);
	/* Does all or nothing, in one transaction. -ESTALE when an expectation does not hold. */
	int (*store_change)(void *world, const struct pciback_store_item *items, size_t n);
	/* The children of a node that are decimal numbers up to 32767; *ret_n may be more than
	 * max. -ENOENT. */
	int (*store_list)(void *world, const char *path, uint16_t *ret_numbers, size_t max,
	    size_t *ret_n);
	/* Sets and ends a watch on a path; `token` comes with each of its events. */
	int (*store_watch)(void *world, const char *path, uint32_t token);
	int (*store_unwatch)(void *world, const char *path, uint32_t token);

	/* Whether the domain runs. */
	int (*domain_life)(void *world, uint16_t domain, enum pciback_life *ret_life);
	/* What it is known by, also when it runs no code any more. -ESRCH: there is none. May be NULL where nothing is
	 * recorded. */
	int (*domain_identity)(void *world, uint16_t domain, struct pciback_domain_identity *ret_identity);

	/* Maps a page that the guest granted. */
	int (*page_map)(void *world, uint16_t domain, uint32_t reference,
	    struct pciback_page **ret_page);
	int (*page_unmap)(void *world, struct pciback_page *page);
	/* Binds an event channel of the guest to a local port. A port that fired stays masked until
	 * it is unmasked, so that any number of events cost one (XSA-332). */
	int (*event_bind)(void *world, uint16_t domain, uint32_t remote_port, uint32_t *ret_port);
	int (*event_unbind)(void *world, uint32_t port);
	int (*event_unmask)(void *world, uint32_t port);
	int (*event_notify)(void *world, uint32_t port);

	/* Permissions of a guest; `allow` false revokes: `n` I/O ports, `n` frames of 4096 bytes of
	 * memory, the mapping of an irq to a pirq, the use of a pirq. */
	int (*ioport)(void *world, uint16_t domain, uint32_t first, uint32_t n, bool allow);
	int (*iomem)(void *world, uint16_t domain, uint64_t first_frame, uint64_t n, bool allow);
	int (*pirq_map)(void *world, uint16_t domain, uint32_t irq, uint32_t *ret_pirq);
	int (*pirq_unmap)(void *world, uint16_t domain, uint32_t pirq);
	int (*irq)(void *world, uint16_t domain, uint32_t pirq, bool allow);
	/*
	 * Lets Xen find the MSI-X table of a device and hide it from the guest, or forget it. Xen does
	 * so only while no guest has the device, and else maps no entry (XSA-87); memory must be decoded.
	 * Only for a device that has MSI-X: Xen 4.17 crashes at any other.
	 */
	int (*msix_table)(void *world, const struct pciback_address *address, bool known);
	/* Puts the device into the guest's part of the IOMMU, or into quarantine. -EOPNOTSUPP or -ENOSYS:
	 * there is none. From a guest it goes into quarantine (XSA-302), and from there to dom0.
	 * Memory that the device wants reserved (RMRR) and that the guest's map does not have is a reason to
	 * refuse, unless the policy is relaxed. */
	int (*assign)(void *world, uint16_t domain, const struct pciback_address *address,
	    bool rdm_relaxed);
	int (*deassign)(void *world, uint16_t domain, const struct pciback_address *address);
	/* Maps and programs one MSI (table 0) or one entry of the MSI-X table at that address of
	 * memory. Taken back with pirq_unmap. */
	int (*msi_map)(void *world, uint16_t domain, const struct pciback_address *address,
	    unsigned entry, uint64_t table, uint32_t *ret_pirq);

	/* How a report (pciback_backend_report) ended. May be NULL. */
	void (*recovered)(void *world, uint16_t domain, const struct pciback_address *address,
	    enum pciback_command command, enum pciback_recovery result);
};

struct pciback_xen {
	const struct pciback_xen_operations *operations;
	void *world;
	unsigned n_polls;		/* looks for a guest's next request before its event is waited for */
	/* Microseconds of a processor that this process has used. NULL: guests may use any number. */
	uint64_t (*work)(void *world);
};

#endif
