/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_CONFIG_PROXY_H
#define PCIBACK_CONFIG_PROXY_H

/*
 * Where no file is the configuration space of one device and nothing else, a child that its guest may have taken over
 * must not have the file. A proxy has it, and accesses the devices of one guest for that guest's child:
 *
 *	page --> child: channel, policy --> ASK to read or write --> proxy: bound of the policy --> device
 *	parent: GIVE, to the proxy first and then to the child
 *
 * The proxy believes its parent, and nobody else. It makes no calls but these accesses, so that whatever its parent is
 * busy with delays no access.
 */

#include <stdbool.h>
#include <stdint.h>

#include <pciback/device.h>
#include <pciback/message.h>
#include <pciback/policy.h>

struct pciback_config_proxy {
	struct pciback_operations operations;
	struct pciback_host host;
	struct pciback_log log;
	bool is_given[PCIBACK_ENTRIES_MAX];
	struct pciback_device devices[PCIBACK_ENTRIES_MAX];	/* laid out before the child knows of them */
};

/* One that has no device. config_read and config_write of `operations` are used, on `world`. */
void pciback_config_proxy_init(struct pciback_config_proxy *proxy, const struct pciback_operations *operations,
    void *world);

/* Takes a device: the parent's GIVE, and what the operations call it. Returns 0, -EPROTO for anything else than a new
 * device, or another negative errno value; the child is then told by each access that there is none. */
int pciback_config_proxy_give(struct pciback_config_proxy *proxy, const uint8_t bytes[PCIBACK_MESSAGE_SIZE],
    void *handle);

/* Does what the child asks for, and answers: -EPERM for what is not allowed. Returns 0, or -EPROTO and no answer for
 * what no child asks a proxy. */
int pciback_config_proxy_answer(struct pciback_config_proxy *proxy, const uint8_t bytes[PCIBACK_MESSAGE_SIZE],
    uint8_t ret_answer[PCIBACK_MESSAGE_SIZE]);

#endif
