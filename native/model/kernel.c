/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "kernel.h"

#include <string.h>

#include "finding.h"
#include "shared_line.h"
#include "unread_list.h"

/* What boothowto(9) letters do to a machine nobody watches. */
static void
read_flags(struct pciback_boot_prediction *prediction, const struct model_command_line *line,
    struct pciback_span token, bool *debugger)
{
	for (size_t i = token.begin + 1; i < token.end; i++) {
		size_t offset = line->offsets[i];

		switch (line->bytes[i]) {
		case 'd':
			if (!*debugger)
				model_finding(prediction, PCIBACK_ERROR, "kernel-debugger", offset,
				    "the kernel reads this word as boot flags, and its 'd' stops the machine "
				    "in the kernel debugger; arguments are separated by blanks, not tabs");
			*debugger = true;
			break;
		case 'a':
			model_finding(prediction, PCIBACK_WARNING, "kernel-asks-root", offset,
			    "the boot flag 'a' makes the kernel ask for its root device at the console");
			break;
		case 's':
			model_finding(prediction, PCIBACK_WARNING, "kernel-single-user", offset,
			    "the boot flag 's' makes the kernel come up in single-user mode");
			break;
		case 'c':
			model_finding(prediction, PCIBACK_WARNING, "kernel-userconf", offset,
			    "the boot flag 'c' makes the kernel wait in userconf at the console");
			break;
		default:
			break;
		}
	}
}

/* Splits the kernel's command line at blanks; the last list wins. */
static struct pciback_span
read_tokens(struct pciback_boot_prediction *prediction, const struct model_command_line *line,
    size_t length, bool *debugger)
{
	struct pciback_span hide = { 0, 0 };

	for (size_t begin = 0; begin < length;) {
		const char *blank = memchr(line->bytes + begin, ' ', length - begin);
		size_t end = blank == NULL ? length : (size_t)(blank - line->bytes);

		if (begin < end && line->bytes[begin] == '-')
			read_flags(prediction, line, (struct pciback_span){ begin, end },
			    debugger);
		if (pciback_starts_with_nocase(line->bytes + begin, end - begin, MODEL_HIDE_OPTION)) {
			hide = (struct pciback_span){ begin + MODEL_HIDE_OPTION_LENGTH, end };
			prediction->has_hide = true;
		}
		begin = end + 1;
	}
	return hide;
}

/* Whether a kernel's file is called GENERIC, in letters of either case. */
static bool
is_generic(const struct pciback_boot_prediction *prediction)
{
	static const char name[] = "generic";
	const char *path = prediction->kernel, *slash = strrchr(path, '/');

	for (path = slash == NULL ? path : slash + 1; *path != '\0'; path++)
		if (pciback_starts_with_nocase(path, strlen(path), name))
			return true;
	return false;
}

/* Which kernels have a pciback(4) at all: those of XEN3_DOM0. */
static bool
has_no_pciback(struct pciback_boot_prediction *prediction, const struct model_loader *loader,
    size_t offset)
{
	if (model_dom0_is_pvh(prediction->cfg.text, loader->xen_arguments))
		model_finding(prediction, PCIBACK_ERROR, "list-without-pciback", offset,
		    "dom0=pvh starts a kernel that has no pciback, so nobody reads this list; "
		    "XEN3_DOM0 kernels, which are PV, have it");
	else if (is_generic(prediction))
		model_finding(prediction, PCIBACK_ERROR, "list-without-pciback", offset,
		    "a GENERIC kernel has no pciback, so nobody reads this list; XEN3_DOM0 kernels "
		    "have it");
	else
		return false;
	return true;
}

static enum pciback_boot_outcome
outcome_of(enum pciback_hide_result result)
{
	switch (result) {
	case PCIBACK_HIDE_EMPTY:
		return PCIBACK_BOOT_EMPTY;
	case PCIBACK_HIDE_REGISTERED:
		return PCIBACK_BOOT_REGISTERED;
	case PCIBACK_HIDE_NOT_REGISTERED:
		return PCIBACK_BOOT_NOT_REGISTERED;
	case PCIBACK_HIDE_KERNEL_FAULT:
		return PCIBACK_BOOT_KERNEL_FAULT;
	case PCIBACK_HIDE_UNDEFINED:
		break;
	}
	return PCIBACK_BOOT_UNDEFINED;
}

static void
explain_list(struct pciback_boot_prediction *prediction, const uint32_t *offsets)
{
	const struct pciback_hide_list *list = &prediction->list;
	size_t length = prediction->hide_length;

	if (length >= PCIBACK_HIDE_BUFFER)
		model_finding(prediction, PCIBACK_ERROR, "hide-list-too-long",
		    offsets[PCIBACK_HIDE_BUFFER - 1],
		    "the list has %zu characters and the kernel's buffer takes 63, so the kernel reads "
		    "on in the memory behind it; seven devices such as (00:1f.0) fit", length);
	if (list->result == PCIBACK_HIDE_NOT_REGISTERED)
		model_finding(prediction, PCIBACK_ERROR, "hide-list-error",
		    offsets[list->stop < length ? list->stop : length - 1],
		    "the kernel stops here with a syntax error and never registers the backend, so no "
		    "guest gets any device; a list is entries such as (00:1f.0) with nothing between");
}

/* Whether a PCI function that a claim names is there for the kernel to attach, and what becomes
 * of the machine without it. */
static bool
check_claim(struct pciback_boot_prediction *prediction, const struct pciback_bus *bus,
    const struct pciback_address *address, size_t offset)
{
	const struct pciback_function *function = pciback_bus_find(bus, address);
	char name[PCIBACK_ADDRESS_SIZE];

	pciback_address_format(address, name);
	if (function == NULL || !pciback_bus_scan_finds(bus, function)) {
		model_finding(prediction, PCIBACK_WARNING, "hide-no-such-function", offset,
		    "no function %s is on the bus, and the kernel says nothing about it; addresses in "
		    "a list are hexadecimal, those that pcictl prints are decimal", name);
		return false;
	}
	if (pciback_header_type(function) == 1) {
		model_finding(prediction, PCIBACK_ERROR, "hide-bridge", offset,
		    "%s is a PCI bridge, and hiding one panics the kernel; the devices behind it can "
		    "be hidden one by one", name);
		prediction->outcome = PCIBACK_BOOT_KERNEL_FAULT;
		return true;
	}
	switch (pciback_class(function) >> 8) {
	case 0x0300:
		model_finding(prediction, PCIBACK_WARNING, "hide-display", offset,
		    "%s is the display, so the console's screen stays dark", name);
		break;
	case 0x0600:
	case 0x0601:
		model_finding(prediction, PCIBACK_WARNING, "hide-chipset", offset,
		    "%s belongs to the chipset; dom0 boots without it, but loses what hangs on it",
		    name);
		break;
	default:
		if (pciback_class(function) >> 16 == 0x01)
			model_finding(prediction, PCIBACK_WARNING, "hide-storage", offset,
			    "%s is a disk controller; if dom0's root is on it, the kernel asks for a root "
			    "device at the console for ever", name);
		break;
	}
	return true;
}

static void
claim_entry(struct pciback_boot_prediction *prediction, const struct pciback_bus *bus,
    const struct pciback_hide_entry *entry, size_t offset)
{
	struct pciback_address address;

	switch (entry->kind) {
	case PCIBACK_HIDE_FAULT:
		model_finding(prediction, PCIBACK_ERROR, "hide-entry-faults", offset,
		    "an entry without ':' makes the kernel fault at boot; it would be such as (00:1f.0)");
		return;
	case PCIBACK_HIDE_SKIPPED:
		model_finding(prediction, MODEL_DEPENDS, "hide-entry-skipped", offset,
		    "the kernel can't read this entry and skips it; it would be such as (00:1f.0)");
		return;
	case PCIBACK_HIDE_NO_MATCH:
		model_finding(prediction, MODEL_DEPENDS, "hide-entry-no-match", offset,
		    "no machine has bus %x, device %x, function %x; a bus ends at ff, a device at 1f, a "
		    "function at 7", (unsigned)entry->bus, (unsigned)entry->device,
		    (unsigned)entry->function);
		return;
	case PCIBACK_HIDE_CLAIM:
		break;
	}
	address = pciback_hide_entry_address(entry);
	for (size_t i = 0; i < prediction->n_claims; i++) {
		if (pciback_address_compare(&prediction->claims[i], &address) == 0) {
			model_finding(prediction, PCIBACK_INFO, "hide-entry-twice", offset,
			    "the list names this function before; once is enough");
			return;
		}
	}
	if (bus != NULL && !check_claim(prediction, bus, &address, offset))
		return;
	prediction->claims[prediction->n_claims++] = address;
}

void
model_boot_kernel(struct pciback_boot_prediction *prediction, const struct model_loader *loader,
    const struct model_command_line *line, const struct pciback_bus *bus)
{
	size_t length = line->length, taken;
	size_t claimed_at[PCIBACK_CLAIMS_MAX] = { 0 };
	struct pciback_span hide;
	bool debugger = false;

	if (length >= PCIBACK_KERNEL_CMDLINE) {
		length = PCIBACK_KERNEL_CMDLINE - 1;
		model_finding(prediction, MODEL_DEPENDS, "kernel-command-line-cut",
		    line->offsets[length],
		    "the kernel copies 255 characters of its command line, and what starts here is lost");
	}
	prediction->xen_command_line_length = line->length;
	prediction->command_line_length = length;
	memcpy(prediction->command_line, line->bytes, length);
	prediction->command_line[length] = '\0';

	hide = read_tokens(prediction, line, length, &debugger);
	taken = prediction->has_hide ? line->offsets[hide.begin - MODEL_HIDE_OPTION_LENGTH] :
	    PCIBACK_NO_OFFSET;
	if (prediction->has_hide && has_no_pciback(prediction, loader, taken)) {
		prediction->has_hide = false;
		hide = (struct pciback_span){ 0, 0 };
	}
	prediction->hide_length = pciback_span_length(hide);
	memcpy(prediction->hide, line->bytes + hide.begin, prediction->hide_length);
	prediction->hide[prediction->hide_length] = '\0';
	model_explain_unread_lists(prediction, loader, line, length, taken);
	pciback_hide_list_parse(prediction->hide, prediction->hide_length, &prediction->list);
	if (debugger) {
		/* Before any device is attached. */
		prediction->outcome = PCIBACK_BOOT_KERNEL_FAULT;
		return;
	}
	prediction->outcome = outcome_of(prediction->list.result);
	if (prediction->has_hide && prediction->hide_length == 0)
		model_finding(prediction, PCIBACK_WARNING, "hide-list-empty", taken,
		    "the list is empty, so the kernel starts no backend");
	explain_list(prediction, line->offsets + hide.begin);
	for (size_t i = 0; i < prediction->list.n_entries; i++) {
		const struct pciback_hide_entry *entry = &prediction->list.entries[i];
		size_t offset = line->offsets[hide.begin + entry->offset];
		size_t n_claims = prediction->n_claims;

		claim_entry(prediction, bus, entry, offset);
		if (prediction->n_claims > n_claims)
			claimed_at[n_claims] = offset;
	}
	if (bus != NULL && prediction->outcome != PCIBACK_BOOT_KERNEL_FAULT)
		model_explain_shared_lines(prediction, bus, claimed_at);
}
