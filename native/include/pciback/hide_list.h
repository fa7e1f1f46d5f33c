/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_HIDE_LIST_H
#define PCIBACK_HIDE_LIST_H

#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>

/*
 * What NetBSD's dom0 kernel makes of the value of `pciback.hide=` (pciback(4), driver
 * pciback.c), on a 64-bit kernel: numbers are 64 bits wide, stored in 32.
 */

/* Bytes of the kernel's copy of the value. A value of this length or more fills it without a
 * terminating NUL, and the kernel reads on behind it. */
#define PCIBACK_HIDE_BUFFER 64

/* No list of 64 bytes has more entries: the shortest that does not stop the parser is "(:)". */
#define PCIBACK_HIDE_ENTRIES_MAX 22

enum pciback_hide_kind {
	PCIBACK_HIDE_CLAIM,	/* taken from its driver, if it exists */
	PCIBACK_HIDE_NO_MATCH,	/* stored, but no PCI function has such a number */
	PCIBACK_HIDE_SKIPPED,	/* a message on the console, nothing stored */
	PCIBACK_HIDE_FAULT,	/* no ':' in it: the kernel reads through a null pointer */
};

struct pciback_hide_entry {
	enum pciback_hide_kind kind;
	size_t offset;		/* of its '(' in the value */
	size_t length;		/* with both parentheses */
	uint32_t bus, device, function;		/* as stored; not set for SKIPPED and FAULT */
};

enum pciback_hide_result {
	PCIBACK_HIDE_EMPTY,		/* no backend, nothing claimed */
	PCIBACK_HIDE_REGISTERED,	/* the backend is up */
	PCIBACK_HIDE_NOT_REGISTERED,	/* list error: claims stay, the backend never comes */
	PCIBACK_HIDE_KERNEL_FAULT,	/* page fault at boot */
	PCIBACK_HIDE_UNDEFINED,		/* decided by memory behind the kernel's copy */
};

struct pciback_hide_list {
	enum pciback_hide_result result;
	size_t stop;		/* offset at which parsing stopped, the length if it got through */
	size_t n_entries;
	struct pciback_hide_entry entries[PCIBACK_HIDE_ENTRIES_MAX];
};

/* Parses the `length` bytes at `value`; a NUL among them ends the value, as in the kernel. */
void pciback_hide_list_parse(const char *value, size_t length,
    struct pciback_hide_list *ret_list);

/* The address of an entry of kind PCIBACK_HIDE_CLAIM. */
struct pciback_address pciback_hide_entry_address(const struct pciback_hide_entry *entry);

/* Names a result as the JSON contract does: "registered", "kernel-fault" ... */
const char *pciback_hide_result_name(enum pciback_hide_result result);

#endif
