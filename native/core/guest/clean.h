/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_CLEAN_H
#define PCIBACK_GUEST_CLEAN_H

#include "state.h"

/*
 * Makes a device that no guest has as its first owner found it: reset, in D0, its configuration space
 * restored, decoded, but neither writing to memory nor interrupting, its MSI-X table protected. It is done
 * in steps, each of at most PCIBACK_CLEAN_ACCESSES accesses of its configuration space and one call of Xen,
 * so that others are served in between; core/guest/cleaning.c does them, one after the other.
 */
#define PCIBACK_CLEAN_ACCESSES	PCIBACK_PRISTINE_STEP

/* Begins, from there on in the order of the stages. Returns -EINPROGRESS; or, if nobody is to be served meanwhile
 * (`waits_for_resets`), 0 once all is done, or a negative errno with the reason in `message`. */
int pciback_clean_begin(struct pciback_slot *slot, enum pciback_clean_stage stage, char message[PCIBACK_LOG_LINE]);

/* The next step. Returns 1 if there is more, when it is due; 0 once it is clean; or a negative errno with the reason in
 * `message`, and then nobody gets it. */
int pciback_clean_step(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

/* Begins, for one that is not clean and that no driver of dom0 has. The next one who asks for it makes another try if it
 * can't be cleaned. */
void pciback_clean_try(struct pciback_slot *slot);

/* Whether the system is still at a reset that was given up: nothing may be asked of the device. One that has succeeded
 * since begins to be made clean. */
bool pciback_clean_is_stuck(struct pciback_slot *slot);

/* Wakes it and restores its registers, no more, in one go, where nobody is served yet. Returns 0 or a negative errno. */
int pciback_clean_registers(struct pciback_slot *slot);

/* Says that a device is being made clean, and who would have it. Returns -EBUSY. */
int pciback_clean_await(struct pciback_slot *slot, uint16_t domain, char message[PCIBACK_LOG_LINE]);

/* Clears and sets bits of COMMAND. Returns 0 or a negative errno. */
int pciback_clean_command(const struct pciback_slot *slot, uint32_t clear, uint32_t set);

/* It answers nobody and reaches no memory, so that it sends no MSI either; its line is off. Returns 0 or a negative
 * errno. */
int pciback_clean_silence(const struct pciback_slot *slot);

/*
 * Has Xen protect the MSI-X table of a device that has one. Xen protects it only from mappings that are made
 * later, so that it has to know the table before any guest may map something; and it looks for the table in
 * memory that is decoded [Xen: msix_capability_init]. Returns 0 or a negative errno with the reason in
 * `message`.
 */
int pciback_clean_protect_table(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE]);

#endif
