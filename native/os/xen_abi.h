/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_XEN_ABI_H
#define PCIBACK_OS_XEN_ABI_H

#include <stdint.h>

/*
 * What Xen and its libraries read and write in our memory, declared here so that no header of Xen is
 * needed to build. Names are theirs. tests/unit/test_xen_libraries.py compares all of it with
 * Xen's headers.
 */

/* ---- Hypercalls that never change [Xen: public/xen.h, version.h, physdev.h]. */

#define HYPERVISOR_XEN_VERSION	17
#define HYPERVISOR_SCHED_OP	29
#define HYPERVISOR_PHYSDEV_OP	33

#define XENVER_VERSION		0	/* returns major << 16 | minor */

#define SCHEDOP_WATCHDOG	6	/* returns its number if it is new */

#define PHYSDEVOP_MAP_PIRQ	13
#define PHYSDEVOP_UNMAP_PIRQ	14
#define PHYSDEVOP_PREPARE_MSIX	30
#define PHYSDEVOP_RELEASE_MSIX	31

#define DOMID_SELF		0x7ff0	/* whoever calls */

#define MAP_PIRQ_TYPE_GSI	1
#define MAP_PIRQ_TYPE_MSI_SEG	3

struct sched_watchdog {
	uint32_t id;			/* 0: a new one */
	uint32_t timeout;		/* seconds; 0 ends one */
};

struct physdev_map_pirq {
	uint16_t domid;
	int32_t type;
	int32_t index;			/* of GSI: the irq */
	int32_t pirq;			/* -1: Xen chooses; then the one it has chosen */
	int32_t bus;			/* of MSI_SEG: PCI domain << 16 | bus */
	int32_t devfn;
	int32_t entry_nr;
	uint64_t table_base;		/* of MSI-X, else 0 */
};

struct physdev_unmap_pirq {
	uint16_t domid;
	int32_t pirq;
};

struct physdev_pci_device {
	uint16_t seg;
	uint8_t bus;
	uint8_t devfn;
};

/* ---- libxenctrl [Xen: public/domctl.h]: what did not change from 4.14 to 4.20. */

/* A domain. The library fills in more of it in each release, which has to find room. */
struct xen_domctl_getdomaininfo {
	uint16_t domain;
	uint16_t pad1;
	uint32_t flags;
	uint64_t tot_pages;
	uint64_t max_pages;
	uint64_t outstanding_pages;
	uint64_t shr_pages;
	uint64_t paged_pages;
	uint64_t shared_info_frame;	/* of the machine, for a PV domain: nobody else's while it lives */
	uint64_t cpu_time;
	uint32_t nr_online_vcpus;
	uint32_t max_vcpu_id;
	uint32_t ssidref;
	uint8_t handle[16];		/* its UUID */
	uint8_t room[932];
};

#define XEN_DOMINF_DYING	(UINT32_C(1) << 0)
#define XEN_DOMINF_SHUTDOWN	(UINT32_C(1) << 2)

#define XEN_DOMCTL_DEV_RDM_RELAXED 1

/* ---- libxenstore [Xen: xenstore.h, xenstore_lib.h]. */

struct xs_permissions {
	unsigned id;			/* of a domain */
	int perms;			/* an enumeration of theirs */
};

#define XS_PERM_NONE		0
#define XS_PERM_READ		1

#define XBT_NULL		0	/* no transaction */

/* What xs_check_watch() returns is an array of these. */
#define XS_WATCH_PATH		0
#define XS_WATCH_TOKEN		1

#endif
