/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "child_answer.h"

#include <errno.h>
#include <string.h>

#include <pciback/interrupt.h>

static int
enable_msi(struct pciback_slot *slot, uint32_t *ret_pirq)
{
	const struct pciback_operations *operations = &slot->backend->operations;
	int r;

	if (slot->device.interrupt != PCIBACK_INTX || slot->device.msi == 0)
		return -EINVAL;
	r = operations->msi_enable(slot->backend, slot, ret_pirq);
	if (r == 0)
		slot->device.interrupt = PCIBACK_MSI;
	return r;
}

static int
enable_msix(struct pciback_slot *slot, struct pciback_vector *vectors, uint32_t n)
{
	const struct pciback_operations *operations = &slot->backend->operations;
	int r;

	if (pciback_msix_check(&slot->device, vectors, n) != PCIBACK_DONE)
		return -EINVAL;
	r = operations->msix_enable(slot->backend, slot, vectors, n);
	if (r == 0)
		slot->device.interrupt = PCIBACK_MSIX;
	return r;
}

/* Once is enough, as in pciback_interrupt_release(). */
static int
disable(struct pciback_slot *slot, enum pciback_interrupt interrupt)
{
	const struct pciback_operations *operations = &slot->backend->operations;

	if (slot->device.interrupt != interrupt)
		return -EINVAL;
	slot->device.interrupt = PCIBACK_INTX;
	return interrupt == PCIBACK_MSI ? operations->msi_disable(slot->backend, slot) :
	    operations->msix_disable(slot->backend, slot);
}

void
pciback_child_answer(struct pciback_slot *slot, const struct pciback_message *question,
    struct pciback_message *ret_answer)
{
	const struct pciback_operations *operations = &slot->backend->operations;
	struct pciback_message answer = { .type = PCIBACK_MESSAGE_ANSWER };

	switch (question->ask) {
	case PCIBACK_ASK_MSI_ENABLE:
		answer.result = enable_msi(slot, &answer.value);
		break;
	case PCIBACK_ASK_MSI_DISABLE:
		answer.result = disable(slot, PCIBACK_MSI);
		break;
	case PCIBACK_ASK_MSIX_ENABLE:
		memcpy(answer.vectors, question->vectors, sizeof(answer.vectors));
		answer.result = enable_msix(slot, answer.vectors, question->n_vectors);
		answer.n_vectors = answer.result == 0 ? question->n_vectors : 0;
		break;
	case PCIBACK_ASK_MSIX_DISABLE:
		answer.result = disable(slot, PCIBACK_MSIX);
		break;
	case PCIBACK_ASK_POWER:
		answer.result = operations->power_set == NULL ? -ENOTSUP :
		    operations->power_set(slot->backend, slot, question->value);
		break;
	case PCIBACK_ASK_READ:
	case PCIBACK_ASK_WRITE:
		/* It has a file, or a proxy. */
		answer.result = -EPERM;
		break;
	}
	*ret_answer = answer;
}
