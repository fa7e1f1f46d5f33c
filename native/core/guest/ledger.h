/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_LEDGER_H
#define PCIBACK_GUEST_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state.h"

/*
 * Grants one permission to the slot's guest and records it. `first` and `n` as the kind says. For
 * PIRQ, *ret_pirq is the pirq, if ret_pirq is not NULL. What another device of the guest has already
 * is only recorded.
 * Returns 0, -EBUSY when a device of another guest has it, -ENOSPC, or what the operation returned.
 */
int pciback_ledger_grant(struct pciback_slot *slot, enum pciback_permission_kind kind,
    uint64_t first, uint64_t n, uint32_t *ret_pirq);

/* Records what an earlier process has granted, so that it can be revoked. Returns 0 or -ENOSPC. */
int pciback_ledger_add_granted(struct pciback_slot *slot, enum pciback_permission_kind kind, uint64_t first, uint64_t n);

/* What the slot's guest has for it as for another device that is in no ledger any more becomes this one's: the process
 * before was ended after it had taken back the other one. All ledgers are there. */
void pciback_ledger_inherit(struct pciback_slot *slot);

/* Whether the slot's guest has a permission of that kind for it. */
bool pciback_ledger_has(const struct pciback_slot *slot, enum pciback_permission_kind kind);

/* Records an MSI that was mapped; the caller has checked that there is room. */
void pciback_ledger_add_msi(struct pciback_slot *slot, uint32_t pirq);

/*
 * Revokes what was granted last, until `keep` entries are left. What Xen refuses to take back stays, and
 * with it the device; the rest goes. False if anything stays; it can be tried again.
 */
bool pciback_ledger_revoke(struct pciback_slot *slot, size_t keep);

#endif
