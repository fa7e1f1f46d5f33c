/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "remember.h"

/* What a permission is for, in words. */
#define DESCRIPTION 48

static int
call(const struct pciback_slot *slot, const struct pciback_permission *permission, bool allow,
    uint32_t *ret_pirq)
{
	const struct pciback_xen *xen = &slot->backend->xen;
	const struct pciback_xen_operations *operations = xen->operations;
	uint16_t domain = slot->domain;

	switch (permission->kind) {
	case PCIBACK_PERMISSION_IOPORT:
		return operations->ioport(xen->world, domain, (uint32_t)permission->first,
		    (uint32_t)permission->n, allow);
	case PCIBACK_PERMISSION_IOMEM:
		return operations->iomem(xen->world, domain, permission->first, permission->n, allow);
	case PCIBACK_PERMISSION_PIRQ:
		if (!allow)
			return operations->pirq_unmap(xen->world, domain, (uint32_t)permission->n);
		return operations->pirq_map(xen->world, domain, (uint32_t)permission->first, ret_pirq);
	case PCIBACK_PERMISSION_IRQ:
		return operations->irq(xen->world, domain, (uint32_t)permission->first, allow);
	case PCIBACK_PERMISSION_DEVICE:
		if (!allow)
			return operations->deassign(xen->world, domain, &slot->address);
		return operations->assign(xen->world, domain, &slot->address, permission->first != 0);
	case PCIBACK_PERMISSION_MSI:
		break;
	}
	/* An MSI is mapped with what only its device knows; see operations.c. */
	return operations->pirq_unmap(xen->world, domain, (uint32_t)permission->first);
}

/* Whether two entries are one permission. Of a pirq, `n` is what came of it. */
static bool
is_same(const struct pciback_permission *a, const struct pciback_permission *b)
{
	return a->kind == b->kind && a->first == b->first &&
	    (a->kind == PCIBACK_PERMISSION_PIRQ || a->n == b->n);
}

/* Whether two guests would get something in common that must not be. */
static bool
is_conflict(const struct pciback_permission *a, const struct pciback_permission *b, unsigned allow)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == PCIBACK_PERMISSION_PIRQ)
		return a->first == b->first && (allow & PCIBACK_ALLOW_SHARED_IRQ) == 0;
	if (a->kind == PCIBACK_PERMISSION_IOMEM && (allow & PCIBACK_ALLOW_SHARED_PAGE) != 0)
		return false;
	if (a->kind != PCIBACK_PERMISSION_IOMEM && a->kind != PCIBACK_PERMISSION_IOPORT)
		return false;
	return a->first < b->first + b->n && b->first < a->first + a->n;
}

/*
 * The same permission in another entry of the same guest, whose `shared` is as given: false finds the
 * entry for which Xen was asked. The IOMMU and an MSI are of one device only.
 */
static struct pciback_permission *
find_same(struct pciback_slot *slot, const struct pciback_permission *permission, bool shared)
{
	struct pciback_backend *backend = slot->backend;

	if (permission->kind == PCIBACK_PERMISSION_DEVICE || permission->kind == PCIBACK_PERMISSION_MSI)
		return NULL;
	for (size_t i = 0; i < backend->n_slots; i++) {
		struct pciback_slot *other = &backend->slots[i];

		if (other->domain != slot->domain)
			continue;
		for (size_t j = 0; j < other->ledger.n; j++) {
			struct pciback_permission *entry = &other->ledger.entries[j];

			if (entry != permission && entry->shared == shared &&
			    is_same(entry, permission))
				return entry;
		}
	}
	return NULL;
}

/* Whether a domain that had a device, and lives, may have mapped a frame of memory of it that is wanted. */
static bool
may_be_mapped(const struct pciback_slot *slot, const struct pciback_permission *wanted)
{
	if (wanted->kind != PCIBACK_PERMISSION_IOMEM || !pciback_slot_is_held_back(slot) || !slot->was_mappable)
		return false;
	for (unsigned i = 0; i <= PCIBACK_RESOURCES; i++) {
		uint64_t first, n;

		if (pciback_resource_frames(pciback_settings_resource(&slot->settings, i), &first, &n) &&
		    first < wanted->first + wanted->n && wanted->first < first + n)
			return true;
	}
	return false;
}

static bool
is_taken(const struct pciback_slot *slot, const struct pciback_permission *permission)
{
	const struct pciback_backend *backend = slot->backend;

	for (size_t i = 0; i < backend->n_slots; i++) {
		const struct pciback_slot *other = &backend->slots[i];

		if (other->domain == slot->domain)
			continue;
		if (may_be_mapped(other, permission) && (pciback_slot_allow(slot) & PCIBACK_ALLOW_SHARED_PAGE) == 0)
			return true;
		for (size_t j = 0; j < other->ledger.n; j++)
			if (is_conflict(&other->ledger.entries[j], permission, pciback_slot_allow(slot)))
				return true;
	}
	return false;
}

int
pciback_ledger_grant(struct pciback_slot *slot, enum pciback_permission_kind kind, uint64_t first,
    uint64_t n, uint32_t *ret_pirq)
{
	struct pciback_ledger *ledger = &slot->ledger;
	struct pciback_permission permission = { .kind = kind, .first = first, .n = n };
	const struct pciback_permission *same;
	uint32_t pirq = 0;
	int r;

	if (ledger->n == PCIBACK_PERMISSIONS_MAX)
		return -ENOSPC;
	if (is_taken(slot, &permission))
		return -EBUSY;
	same = find_same(slot, &permission, false);
	if (same != NULL) {
		permission.shared = true;
		permission.n = same->n;
		pirq = (uint32_t)same->n;
	} else {
		/* A process that follows takes it back, whether it came to this or not. Xen is asked for the pirq of
		 * the line's own number. */
		ledger->entries[ledger->n] = permission;
		if (kind == PCIBACK_PERMISSION_PIRQ)
			ledger->entries[ledger->n].n = first;
		ledger->n++;
		pciback_remember(slot, PCIBACK_UNDER_WAY);
		r = call(slot, &permission, true, &pirq);
		ledger->n--;
		if (r < 0)
			return r;
		slot->backend->n_granted++;
		if (kind == PCIBACK_PERMISSION_PIRQ)
			permission.n = pirq;
	}
	ledger->entries[ledger->n++] = permission;
	if (ret_pirq != NULL)
		*ret_pirq = pirq;
	return 0;
}

bool
pciback_ledger_has(const struct pciback_slot *slot, enum pciback_permission_kind kind)
{
	for (size_t i = 0; i < slot->ledger.n; i++)
		if (slot->ledger.entries[i].kind == kind)
			return true;
	return false;
}

int
pciback_ledger_add_granted(struct pciback_slot *slot, enum pciback_permission_kind kind, uint64_t first, uint64_t n)
{
	struct pciback_ledger *ledger = &slot->ledger;
	struct pciback_permission permission = { .kind = kind, .first = first, .n = n };

	if (ledger->n == PCIBACK_PERMISSIONS_MAX)
		return -ENOSPC;
	permission.shared = find_same(slot, &permission, false) != NULL;
	if (!permission.shared)
		slot->backend->n_granted++;
	ledger->entries[ledger->n++] = permission;
	return 0;
}

void
pciback_ledger_inherit(struct pciback_slot *slot)
{
	for (size_t i = 0; i < slot->ledger.n; i++) {
		struct pciback_permission *entry = &slot->ledger.entries[i];

		if (!entry->shared || find_same(slot, entry, false) != NULL)
			continue;
		entry->shared = false;
		slot->backend->n_granted++;
	}
}

void
pciback_ledger_add_msi(struct pciback_slot *slot, uint32_t pirq)
{
	slot->ledger.entries[slot->ledger.n++] = (struct pciback_permission){
		.kind = PCIBACK_PERMISSION_MSI,
		.first = pirq,
		.n = 1,
	};
	slot->backend->n_granted++;
	pciback_remember(slot, PCIBACK_UNDER_WAY);
}

/* While a guest has memory or ports of a device, the device stays in its part of the IOMMU; and a pirq that
 * it may use stays mapped. */
static bool
has_to_stay(const struct pciback_permission *permission, bool any_stays)
{
	return any_stays && (permission->kind == PCIBACK_PERMISSION_PIRQ ||
	    permission->kind == PCIBACK_PERMISSION_DEVICE);
}

/* What a permission is for, as an administrator reads it. */
static void
describe(const struct pciback_permission *permission, char text[DESCRIPTION])
{
	uint64_t first = permission->first;

	switch (permission->kind) {
	case PCIBACK_PERMISSION_IOPORT:
		(void)snprintf(text, DESCRIPTION, "ports from 0x%" PRIx64 " on", first);
		return;
	case PCIBACK_PERMISSION_IOMEM:
		(void)snprintf(text, DESCRIPTION, "memory from 0x%" PRIx64 " on", first << 12);
		return;
	case PCIBACK_PERMISSION_PIRQ:
		(void)snprintf(text, DESCRIPTION, "interrupt line %" PRIu64, first);
		return;
	case PCIBACK_PERMISSION_IRQ:
		(void)snprintf(text, DESCRIPTION, "pirq %" PRIu64, first);
		return;
	case PCIBACK_PERMISSION_DEVICE:
		(void)snprintf(text, DESCRIPTION, "a device");
		return;
	case PCIBACK_PERMISSION_MSI:
		(void)snprintf(text, DESCRIPTION, "MSI by pirq %" PRIu64, first);
		return;
	}
}

/* Takes one permission back; false if Xen refuses. */
static bool
revoke(struct pciback_slot *slot, struct pciback_permission *permission)
{
	struct pciback_backend *backend = slot->backend;
	struct pciback_permission *other;
	int r;

	if (permission->shared)
		return true;
	other = find_same(slot, permission, true);
	/* Another device goes on needing it. */
	if (other != NULL) {
		other->shared = false;
		return true;
	}
	r = call(slot, permission, false, NULL);
	/* Xen has revoked a dead guest's permissions itself. */
	if (r == 0 || r == -ESRCH) {
		backend->n_revoked++;
		return true;
	}
	/* It is tried again whenever a domain ends; once is enough to be told. */
	if (!permission->stays) {
		char text[DESCRIPTION] = "";

		describe(permission, text);
		pciback_backend_log(backend, PCIBACK_LOG_ERROR, slot->domain,
		    "its right to %s could not be taken back: %s", text, strerror(-r));
	}
	return false;
}

static void
count_as_staying(struct pciback_slot *slot, struct pciback_permission *permission, bool stays)
{
	if (stays && !permission->stays)
		slot->backend->n_not_revoked++;
	else if (!stays && permission->stays)
		slot->backend->n_not_revoked--;
	permission->stays = stays;
}

bool
pciback_ledger_revoke(struct pciback_slot *slot, size_t keep)
{
	struct pciback_ledger *ledger = &slot->ledger;
	size_t n_staying = 0;

	for (size_t i = ledger->n; i-- > keep;) {
		struct pciback_permission *permission = &ledger->entries[i];
		bool stays = has_to_stay(permission, n_staying > 0) || !revoke(slot, permission);

		count_as_staying(slot, permission, stays);
		if (stays)
			n_staying++;
		else
			memmove(permission, permission + 1, (--ledger->n - i) * sizeof(*permission));
	}
	return n_staying == 0;
}
