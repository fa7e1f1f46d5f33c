/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_ADOPT_H
#define PCIBACK_GUEST_ADOPT_H

#include "state.h"

/*
 * Goes on with the devices that the process before this one had taken, as the record says and as far as hardware and Xen
 * say the same; before anything else is looked at. A device that its guest has still, and of which nothing was under way,
 * is left as it is: neither reset nor written to, and served as soon as its guest is looked at. What was under way
 * is taken back as far as it may have come, and the device is cleaned. Of a domain that is gone nothing is left.
 * A record that says anything else is forgotten.
 */
void pciback_adopt(struct pciback_backend *backend);

#endif
