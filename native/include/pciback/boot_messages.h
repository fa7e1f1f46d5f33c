/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_BOOT_MESSAGES_H
#define PCIBACK_BOOT_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>

/*
 * The global system interrupt of a device's line, from what NetBSD's kernel said when a driver, or pciback,
 * established it: "wm2 at pci0 dev 5 function 0", "wm2: interrupting at ioapic0 pin 21". INTERRUPT_LINE says
 * so only while a driver has the device; before and after it is the firmware's number, which is another one
 * wherever ACPI routes interrupts.
 *
 * `text` is the buffer of the kernel's messages, which may begin in the middle of a line and with messages of
 * earlier boots. Returns 0, or -ENOENT if they say nothing of the device in this boot, as of one whose driver
 * used MSI.
 */
int pciback_boot_messages_gsi(const char *text, size_t length, const struct pciback_address *address,
    uint32_t *ret_gsi);

#endif
