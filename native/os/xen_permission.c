/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "xen.h"

#include <limits.h>
#include <string.h>

static int
ioport(void *world, uint16_t domain, uint32_t first, uint32_t n, bool allow)
{
	struct xen *xen = world;

	return xen_result(xen->call->xc_domain_ioport_permission(xen->control, domain, first, n, allow));
}

static int
iomem(void *world, uint16_t domain, uint64_t first_frame, uint64_t n, bool allow)
{
	struct xen *xen = world;

	/* The library's numbers are shorter on a 32-bit dom0. */
	if (first_frame > ULONG_MAX || n > ULONG_MAX)
		return -ERANGE;
	return xen_result(xen->call->xc_domain_iomem_permission(xen->control, domain,
	    (unsigned long)first_frame, (unsigned long)n, allow));
}

/* A hypercall about physical devices, whose argument is in memory that Xen reads and writes. */
static int
physdev_op(struct xen *xen, unsigned op, void *argument, size_t size)
{
	void *buffer = xen->call->xencall_alloc_buffer(xen->calls, size);
	int r;

	if (buffer == NULL)
		return -ENOMEM;
	memcpy(buffer, argument, size);
	r = xen_result(xen->call->xencall2(xen->calls, HYPERVISOR_PHYSDEV_OP, op, (uintptr_t)buffer));
	if (r == 0)
		memcpy(argument, buffer, size);
	xen->call->xencall_free_buffer(xen->calls, buffer);
	return r;
}

static int
map(struct xen *xen, struct physdev_map_pirq *map, uint32_t *ret_pirq)
{
	int r = physdev_op(xen, PHYSDEVOP_MAP_PIRQ, map, sizeof(*map));

	if (r == 0)
		*ret_pirq = (uint32_t)map->pirq;
	return r;
}

/*
 * Xen gives no interrupt away that dom0 itself has no right to, as to one that no driver of it has had. It
 * is never unmapped again: dom0 would lose that right until the next boot.
 */
static int
let_dom0_have(struct xen *xen, uint32_t irq)
{
	struct physdev_map_pirq argument = {
		.domid = DOMID_SELF,
		.type = MAP_PIRQ_TYPE_GSI,
		.index = (int32_t)irq,
		.pirq = (int32_t)irq,
	};

	return physdev_op(xen, PHYSDEVOP_MAP_PIRQ, &argument, sizeof(argument));
}

static int
pirq_map(void *world, uint16_t domain, uint32_t irq, uint32_t *ret_pirq)
{
	struct physdev_map_pirq argument = {
		.domid = domain,
		.type = MAP_PIRQ_TYPE_GSI,
		.index = (int32_t)irq,
		.pirq = (int32_t)irq,
	};

	int r = map(world, &argument, ret_pirq);

	return r == -EPERM && let_dom0_have(world, irq) == 0 ? map(world, &argument, ret_pirq) : r;
}

static int
pirq_unmap(void *world, uint16_t domain, uint32_t pirq)
{
	struct physdev_unmap_pirq argument = { .domid = domain, .pirq = (int32_t)pirq };
	int r = physdev_op(world, PHYSDEVOP_UNMAP_PIRQ, &argument, sizeof(argument));

	/* It is mapped no more: `xl destroy` takes back what it believes to be its own, too. */
	return r == -EINVAL ? 0 : r;
}

static int
irq(void *world, uint16_t domain, uint32_t pirq, bool allow)
{
	struct xen *xen = world;
	int r;

	if (xen->version < XEN_VERSION_WIDE_PIRQ && pirq > XEN_PIRQ_MAX_OLD)
		return -ERANGE;
	r = xen_result(xen->call->xc_domain_irq_permission(xen->control, domain, pirq, allow));
	if (r == -EPERM && allow && let_dom0_have(xen, pirq) == 0)
		r = xen_result(xen->call->xc_domain_irq_permission(xen->control, domain, pirq, allow));
	return r;
}

static uint32_t
number_of(const struct pciback_address *address)
{
	return (uint32_t)address->domain << 16 | (uint32_t)address->bus << 8 |
	    (uint32_t)address->device << 3 | address->function;
}

static int
msix_table(void *world, const struct pciback_address *address, bool known)
{
	struct physdev_pci_device device = {
		.seg = address->domain,
		.bus = address->bus,
		.devfn = (uint8_t)(address->device << 3 | address->function),
	};
	int r = physdev_op(world, known ? PHYSDEVOP_PREPARE_MSIX : PHYSDEVOP_RELEASE_MSIX, &device,
	    sizeof(device));

	/* Of an earlier process that was killed it is known still. */
	return known && r == -EBUSY ? 0 : r;
}

static int
deassign(void *world, uint16_t domain, const struct pciback_address *address)
{
	struct xen *xen = world;
	int r = xen_result(xen->call->xc_deassign_device(xen->control, domain, number_of(address)));

	/* It is the guest's no more; as above. */
	return r == -ENODEV ? 0 : r;
}

static int
assign(void *world, uint16_t domain, const struct pciback_address *address, bool rdm_relaxed)
{
	struct xen *xen = world;

	return xen_result(xen->call->xc_assign_device(xen->control, domain, number_of(address),
	    rdm_relaxed ? XEN_DOMCTL_DEV_RDM_RELAXED : 0));
}

static int
msi_map(void *world, uint16_t domain, const struct pciback_address *address, unsigned entry,
    uint64_t table, uint32_t *ret_pirq)
{
	struct physdev_map_pirq argument = {
		.domid = domain,
		.type = MAP_PIRQ_TYPE_MSI_SEG,
		.index = -1,
		.pirq = -1,
		.bus = (int32_t)((uint32_t)address->domain << 16 | address->bus),
		.devfn = address->device << 3 | address->function,
		.entry_nr = (int32_t)entry,
		.table_base = table,
	};

	return map(world, &argument, ret_pirq);
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
