/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_H
#define PCIBACK_H

/*
 * The interface of libpciback.a, whole: this is the header that a program includes.
 *
 *	<pciback/backend.h>		one guest's page: requests, devices, policy
 *	<pciback/guest.h>		all guests: xenstore's states, permissions, hot plug
 *	<pciback/simulated_bus.h>	devices made of a bus dump, for tests
 */

#include <pciback/backend.h>
#include <pciback/guest.h>
#include <pciback/simulated_bus.h>

#endif
