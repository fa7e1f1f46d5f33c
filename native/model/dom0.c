/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "model.h"

#include <string.h>

#define HIDE_OPTION	"pciback.hide="
#define HIDE_OPTION_LENGTH	(sizeof(HIDE_OPTION) - 1)

static void
append(struct model_command_line *line, const char *text, struct pciback_span span,
    size_t *ret_first_lost)
{
	for (size_t i = span.begin; i < span.end; i++) {
		if (line->length == PCIBACK_XEN_CMDLINE - 1) {
			if (*ret_first_lost == PCIBACK_NO_OFFSET)
				*ret_first_lost = i;
			return;
		}
		line->offsets[line->length] = (uint32_t)i;
		line->bytes[line->length++] = text[i];
	}
}

/* The part of Xen's own command line that goes to dom0: what follows the first " -- ", with one
 * blank before it. Xen has cut its image's name and the blanks behind it off before it looks, so
 * a "--" that comes first is not found. */
static struct pciback_span
dom0_part(const char *text, struct pciback_span arguments)
{
	while (arguments.begin < arguments.end && text[arguments.begin] == ' ')
		arguments.begin++;
	for (size_t i = arguments.begin; i + 4 <= arguments.end; i++) {
		if (memcmp(text + i, " -- ", 4) != 0)
			continue;
		i += 3;
		while (i + 1 < arguments.end && text[i + 1] == ' ')
			i++;
		return (struct pciback_span){ i, arguments.end };
	}
	return (struct pciback_span){ arguments.end, arguments.end };
}

void
model_xen_command_line(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, struct model_command_line *ret_line)
{
	const char *text = prediction->cfg.text;
	struct pciback_span module = loader->first.text;
	struct pciback_span path = model_module_path(text, module);
	size_t lost = PCIBACK_NO_OFFSET;

	if (pciback_span_length(path) >= sizeof(prediction->kernel))
		path.end = path.begin + sizeof(prediction->kernel) - 1;
	prediction->module_length = pciback_span_length(module);
	if (prediction->module_length >= PCIBACK_LOADER_MODULE) {
		module.end = module.begin + PCIBACK_LOADER_MODULE - 1;
		model_finding(prediction, MODEL_DEPENDS, "loader-module-string-cut", module.end,
		    "the loader keeps 79 characters of a path and its arguments, here are %zu, and "
		    "what starts here is lost; a list fits after \" -- \" on the multiboot command",
		    prediction->module_length);
	}
	prediction->has_dom0 = true;
	prediction->kernel_length = pciback_span_length(path);
	memcpy(prediction->kernel, text + path.begin, prediction->kernel_length);
	prediction->kernel[prediction->kernel_length] = '\0';
	prediction->module_string_length = pciback_span_length(module);
	memcpy(prediction->module_string, text + module.begin, prediction->module_string_length);
	prediction->module_string[prediction->module_string_length] = '\0';

	/* Xen drops the image's name, up to the first blank; a tab is part of the name. */
	while (module.begin < module.end && text[module.begin] != ' ')
		module.begin++;
	while (module.begin < module.end && text[module.begin] == ' ')
		module.begin++;
	ret_line->length = 0;
	append(ret_line, text, module, &lost);
	append(ret_line, text, dom0_part(text, loader->xen_arguments), &lost);
	if (lost != PCIBACK_NO_OFFSET)
		model_finding(prediction, MODEL_DEPENDS, "xen-command-line-cut", lost,
		    "Xen gives dom0 1023 characters, and what starts here is lost");
}

/* What boothowto(9) letters do to a machine nobody watches. */
static void
read_flags(struct pciback_boot_prediction *prediction, const struct model_command_line *line,
    struct pciback_span token, bool *ret_debugger)
{
	for (size_t i = token.begin + 1; i < token.end; i++) {
		size_t offset = line->offsets[i];

		switch (line->bytes[i]) {
		case 'd':
			if (!*ret_debugger)
				model_finding(prediction, PCIBACK_ERROR, "kernel-debugger", offset,
				    "the kernel reads this word as boot flags, and its 'd' stops the machine "
				    "in the kernel debugger; arguments are separated by blanks, not tabs");
			*ret_debugger = true;
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
    size_t length, bool *ret_debugger)
{
	struct pciback_span hide = { 0, 0 };

	for (size_t begin = 0; begin < length;) {
		const char *blank = memchr(line->bytes + begin, ' ', length - begin);
		size_t end = blank == NULL ? length : (size_t)(blank - line->bytes);

		if (begin < end && line->bytes[begin] == '-')
			read_flags(prediction, line, (struct pciback_span){ begin, end },
			    ret_debugger);
		if (pciback_starts_with_nocase(line->bytes + begin, end - begin, HIDE_OPTION)) {
			hide = (struct pciback_span){ begin + HIDE_OPTION_LENGTH, end };
			prediction->has_hide = true;
		}
		begin = end + 1;
	}
	return hide;
}

/* What a piece of the file is to the boot. */
enum place {
	PLACE_KERNEL,	/* the dom0 kernel's path and arguments */
	PLACE_MODULE,	/* another file's, or another command */
	PLACE_XEN,	/* Xen's own options */
	PLACE_DASHES,	/* behind Xen's " -- " */
};

/* Explains a list in the file that is not the one the kernel takes. */
static void
explain_unread_list(struct pciback_boot_prediction *prediction,
    const struct model_command_line *line, size_t length, size_t offset, enum place place)
{
	const char *text = prediction->cfg.text;
	char before = offset == 0 ? '\n' : text[offset - 1];

	for (size_t i = 0; i < line->length; i++) {
		if (line->offsets[i] != offset)
			continue;
		if (i >= length || line->length - i < HIDE_OPTION_LENGTH)
			break;
		if (i > 0 && line->bytes[i - 1] != ' ')
			model_finding(prediction, MODEL_LOST_LIST, "list-inside-word", offset,
			    "the kernel reads an option only at the start of a word, and this list stands "
			    "inside one; one blank would stand before it");
		else
			model_finding(prediction, PCIBACK_WARNING, "list-overridden", offset,
			    "a later list in the same entry wins, so this one is not read");
		return;
	}
	if (place == PLACE_XEN)
		model_finding(prediction, MODEL_LOST_LIST, "list-on-xen-side", offset,
		    "this list is an option of Xen, which knows none such; dom0 gets what follows "
		    "\" -- \" behind at least one option of Xen");
	else if (place == PLACE_MODULE)
		model_finding(prediction, MODEL_LOST_LIST, "list-on-other-module", offset,
		    "this list stands on a file that is not the dom0 kernel; the first file loaded is");
	else if (place == PLACE_KERNEL && before == '\t')
		model_finding(prediction, MODEL_LOST_LIST, "list-after-tab", offset,
		    "Xen takes a tab for a part of the kernel's name, so this list is dropped with it; "
		    "a blank would stand before it");
	else
		model_finding(prediction, MODEL_LOST_LIST, "list-not-read", offset,
		    "this list never reaches the kernel");
}

/* Looks for lists in a piece of the file that the boot used. */
static void
find_unread_lists(struct pciback_boot_prediction *prediction,
    const struct model_command_line *line, size_t length, size_t taken,
    struct pciback_span span, enum place place)
{
	const char *text = prediction->cfg.text;

	for (size_t i = span.begin; i + HIDE_OPTION_LENGTH <= span.end; i++)
		if (i != taken && pciback_starts_with_nocase(text + i, span.end - i, HIDE_OPTION))
			explain_unread_list(prediction, line, length, i, place);
}

static void
explain_unread_lists(struct pciback_boot_prediction *prediction,
    const struct model_loader *loader, const struct model_command_line *line, size_t length,
    size_t taken)
{
	const struct pciback_boot_cfg *cfg = &prediction->cfg;
	struct pciback_span commands = cfg->entries[prediction->entry - 1].commands;
	struct pciback_span first = loader->first.text, xen = loader->xen_arguments;
	size_t dashes = dom0_part(cfg->text, xen).begin;
	struct model_line other;

	for (size_t offset = 0; model_next_line(cfg, offset, 0, &other); offset = other.next) {
		if (!other.has_value || !model_key_is(cfg, &other, "load"))
			continue;
		find_unread_lists(prediction, line, length, taken, other.value,
		    first.end == other.value.end ? PLACE_KERNEL : PLACE_MODULE);
	}
	/* Of the entry, up to what Xen gets; nothing behind it is run. */
	if (first.begin >= commands.begin && first.end <= commands.end) {
		find_unread_lists(prediction, line, length, taken,
		    (struct pciback_span){ commands.begin, first.begin }, PLACE_MODULE);
		find_unread_lists(prediction, line, length, taken, first, PLACE_KERNEL);
		find_unread_lists(prediction, line, length, taken,
		    (struct pciback_span){ first.end, xen.begin }, PLACE_MODULE);
	} else {
		find_unread_lists(prediction, line, length, taken,
		    (struct pciback_span){ commands.begin, xen.begin }, PLACE_MODULE);
	}
	find_unread_lists(prediction, line, length, taken,
	    (struct pciback_span){ xen.begin, dashes }, PLACE_XEN);
	find_unread_lists(prediction, line, length, taken,
	    (struct pciback_span){ dashes, xen.end }, PLACE_DASHES);
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
	taken = prediction->has_hide ? line->offsets[hide.begin - HIDE_OPTION_LENGTH] :
	    PCIBACK_NO_OFFSET;
	prediction->hide_length = pciback_span_length(hide);
	memcpy(prediction->hide, line->bytes + hide.begin, prediction->hide_length);
	prediction->hide[prediction->hide_length] = '\0';
	explain_unread_lists(prediction, loader, line, length, taken);
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

		claim_entry(prediction, bus, entry, line->offsets[hide.begin + entry->offset]);
	}
}
