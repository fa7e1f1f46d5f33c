/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(PCIBACK_WITH_XEN)

#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "xen.h"

#include <limits.h>

#include <xen/physdev.h>

static int
ioport(void *world, uint16_t domain, uint32_t first, uint32_t n, bool allow)
{
	struct xen *xen = world;

	return xen_result(xc_domain_ioport_permission(xen->control, domain, first, n, allow));
}

static int
iomem(void *world, uint16_t domain, uint64_t first_frame, uint64_t n, bool allow)
{
	struct xen *xen = world;

	/* The library's numbers are shorter on a 32-bit dom0. */
	if (first_frame > ULONG_MAX || n > ULONG_MAX)
		return -ERANGE;
	return xen_result(xc_domain_iomem_permission(xen->control, domain, (unsigned long)first_frame,
	    (unsigned long)n, allow));
}

static int
pirq_map(void *world, uint16_t domain, uint32_t irq, uint32_t *ret_pirq)
{
	struct xen *xen = world;
	int pirq = (int)irq;
	int r = xc_physdev_map_pirq(xen->control, domain, (int)irq, &pirq);

	if (r < 0)
		return xen_result(r);
	*ret_pirq = (uint32_t)pirq;
	return 0;
}

static int
pirq_unmap(void *world, uint16_t domain, uint32_t pirq)
{
	struct xen *xen = world;
	int r = xen_result(xc_physdev_unmap_pirq(xen->control, domain, (int)pirq));

	/* It is mapped no more: `xl destroy` takes back what it believes to be its own, too. */
	return r == -EINVAL ? 0 : r;
}

static int
irq(void *world, uint16_t domain, uint32_t pirq, bool allow)
{
	struct xen *xen = world;

	return xen_result(xc_domain_irq_permission(xen->control, domain, pirq, allow));
}

static uint32_t
number_of(const struct pciback_address *address)
{
	return (uint32_t)address->domain << 16 | (uint32_t)address->bus << 8 |
	    (uint32_t)address->device << 3 | address->function;
}

/* No library has a function for it. */
static int
msix_table(void *world, const struct pciback_address *address, bool known)
{
	struct xen *xen = world;
	struct physdev_pci_device *device = xencall_alloc_buffer(xen->calls, sizeof(*device));
	int r;

	if (device == NULL)
		return -ENOMEM;
	*device = (struct physdev_pci_device){
		.seg = address->domain,
		.bus = address->bus,
		.devfn = (uint8_t)(address->device << 3 | address->function),
	};
	r = xen_result(xencall2(xen->calls, __HYPERVISOR_physdev_op,
	    known ? PHYSDEVOP_prepare_msix : PHYSDEVOP_release_msix, (uintptr_t)device));
	xencall_free_buffer(xen->calls, device);
	/* Of an earlier process that was killed it is known still. */
	return known && r == -EBUSY ? 0 : r;
}

static int
deassign(void *world, uint16_t domain, const struct pciback_address *address)
{
	struct xen *xen = world;
	int r = xen_result(xc_deassign_device(xen->control, domain, number_of(address)));

	/* It is the guest's no more; as above. */
	return r == -ENODEV ? 0 : r;
}

static int
assign(void *world, uint16_t domain, const struct pciback_address *address)
{
	struct xen *xen = world;
	int r = xen_result(xc_assign_device(xen->control, domain, number_of(address),
	    XEN_DOMCTL_DEV_RDM_RELAXED));

	/* Of an earlier process that was killed the guest may have it still. */
	if (r == -EBUSY && deassign(world, domain, address) == 0)
		r = xen_result(xc_assign_device(xen->control, domain, number_of(address),
		    XEN_DOMCTL_DEV_RDM_RELAXED));
	return r;
}

static int
msi_map(void *world, uint16_t domain, const struct pciback_address *address, unsigned entry,
    uint64_t table, uint32_t *ret_pirq)
{
	struct xen *xen = world;
	int pirq = -1, r;

	/* The call has no room for a domain. */
	if (address->domain != 0)
		return -ENOTSUP;
	r = xc_physdev_map_pirq_msi(xen->control, domain, -1, &pirq,
	    address->device << 3 | address->function, address->bus, (int)entry, table);
	if (r < 0)
		return xen_result(r);
	*ret_pirq = (uint32_t)pirq;
	return 0;
}

void
xen_permission_fill(struct pciback_xen_operations *operations)
{
	operations->ioport = ioport;
	operations->iomem = iomem;
	operations->pirq_map = pirq_map;
	operations->pirq_unmap = pirq_unmap;
	operations->irq = irq;
	operations->assign = assign;
	operations->deassign = deassign;
	operations->msix_table = msix_table;
	operations->msi_map = msi_map;
}

#else

/* This file is for Xen's libraries; C has no empty translation unit. */
typedef int pciback_without_xen_permission;

#endif
