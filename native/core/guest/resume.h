/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_RESUME_H
#define PCIBACK_GUEST_RESUME_H

#include "state.h"

/*
 * Goes on with the connection of a guest whose devices were adopted, once it was looked at for the first time: page and
 * event channel are opened again, and its phase is the one that its state tells. Nothing is written to the store. Where
 * that can't be, the guest is released, so that it is prepared anew. While another process may still serve the page, it is
 * to be tried again: `is_adopted` stays set then.
 */
void pciback_guest_resume(struct pciback_guest *guest);

#endif
