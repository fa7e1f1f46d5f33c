/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "boot_cfg.h"

#include <string.h>

#include "command.h"
#include "finding.h"
#include "loader_key.h"

/* The loader's atoi: no blanks before the number, a '-' but no '+', wraps at 32 bits. */
static int32_t
loader_number(const char *text, struct pciback_span span)
{
	size_t i = span.begin;
	bool negative = i < span.end && text[i] == '-';
	uint32_t value = 0;

	for (i += negative; i < span.end && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (uint32_t)(text[i] - '0');
	if (negative)
		value = 0U - value;
	return value > INT32_MAX ? (int32_t)(value - INT32_MAX - 1) + INT32_MIN : (int32_t)value;
}

static void
read_menu_line(struct pciback_boot_prediction *prediction, const struct model_line *line)
{
	struct pciback_boot_cfg *cfg = &prediction->cfg;
	size_t length = pciback_span_length(line->value);
	const char *value = cfg->text + line->value.begin;
	const char *colon = length == 0 ? NULL : memchr(value, ':', length);
	struct pciback_boot_entry *entry;

	if (cfg->n_entries == PCIBACK_BOOT_MENU_MAX) {
		model_finding(prediction, PCIBACK_WARNING, "menu-entry-ignored", line->key.begin,
		    "the loader takes %d menu entries and ignores this one", PCIBACK_BOOT_MENU_MAX);
		return;
	}
	if (colon == NULL) {
		model_finding(prediction, PCIBACK_WARNING, "menu-without-colon", line->key.begin,
		    "a menu line without ':' is ignored; it would be menu=TEXT:COMMANDS");
		return;
	}
	entry = &cfg->entries[cfg->n_entries++];
	*entry = (struct pciback_boot_entry){
		.title = { line->value.begin, (size_t)(colon - cfg->text) },
		.commands = { (size_t)(colon - cfg->text) + 1, line->value.end },
		.line = line->number,
	};
	if (pciback_span_length(entry->title) == 0)
		entry->title = entry->commands;
	entry->kind = model_entry_kind(cfg->text, entry->commands);
}

static void
read_banner(struct pciback_boot_prediction *prediction, const struct model_line *line)
{
	struct pciback_boot_cfg *cfg = &prediction->cfg;

	if (cfg->n_banners < PCIBACK_BOOT_BANNER_MAX)
		cfg->n_banners++;
	else
		model_finding(prediction, PCIBACK_INFO, "banner-ignored", line->key.begin,
		    "the loader shows %d banner lines and ignores this one", PCIBACK_BOOT_BANNER_MAX);
}

static int32_t
read_timeout(const char *text, struct pciback_span value)
{
	bool digit = value.begin < value.end && text[value.begin] >= '0' && text[value.begin] <= '9';

	return digit ? loader_number(text, value) : -1;
}

/* The entry's index, from 0. */
static int32_t
read_default(const char *text, struct pciback_span value)
{
	int32_t number = loader_number(text, value);

	return number == INT32_MIN ? INT32_MAX : number - 1;
}

enum menu_format {
	FORMAT_AUTO,
	FORMAT_NUMBER,
	FORMAT_LETTER,
};

static enum menu_format
read_format(const char *text, struct pciback_span value, enum menu_format format)
{
	switch (pciback_span_length(value) == 0 ? '\0' : pciback_lower(text[value.begin])) {
	case 'a':
		return FORMAT_AUTO;
	case 'n':
	case 'd':
		return FORMAT_NUMBER;
	case 'l':
		return FORMAT_LETTER;
	default:
		return format;
	}
}

static void
note_carriage_return(struct pciback_boot_prediction *prediction, const struct model_line *line,
    bool *noted)
{
	const char *text = prediction->cfg.text;

	if (*noted || !line->has_value || pciback_span_length(line->value) == 0 ||
	    text[line->value.end - 1] != '\r')
		return;
	*noted = true;
	model_finding(prediction, MODEL_DEPENDS, "carriage-return", line->value.end - 1,
	    "the line ends with a carriage return, which the loader keeps as part of the value; "
	    "lines would end with a newline alone");
}

static void
settle_menu(struct pciback_boot_prediction *prediction, enum menu_format format, int32_t wanted,
    size_t default_offset)
{
	struct pciback_boot_cfg *cfg = &prediction->cfg;
	bool too_many = cfg->n_entries > 9 && cfg->timeout > 0;

	cfg->letters = format == FORMAT_LETTER || (format == FORMAT_AUTO && too_many);
	if (format == FORMAT_NUMBER && too_many) {
		model_finding(prediction, PCIBACK_WARNING, "menu-entries-dropped",
		    cfg->entries[9].title.begin,
		    "a menu of numbers with a timeout ends at the ninth entry; format=a or format=l "
		    "would show all %zu", cfg->n_entries);
		cfg->n_entries = 9;
	}
	if (cfg->n_entries == 0)
		return;
	if (wanted < 0)
		cfg->default_entry = 0;
	else if ((size_t)wanted >= cfg->n_entries)
		cfg->default_entry = cfg->n_entries - 1;
	else
		cfg->default_entry = (size_t)wanted;
	if (default_offset != PCIBACK_NO_OFFSET && (size_t)wanted != cfg->default_entry)
		model_finding(prediction, PCIBACK_WARNING, "default-not-an-entry", default_offset,
		    "default= is not the number of an entry, entry %zu is taken; it would be a number "
		    "from 1 to %zu right after the '='", cfg->default_entry + 1, cfg->n_entries);
	if (cfg->timeout < 0)
		model_finding(prediction, PCIBACK_WARNING, "menu-waits", PCIBACK_NO_OFFSET,
		    "the menu waits for a person at the console; timeout= with a number of seconds "
		    "would let it go on");
}

void
model_read_boot_cfg(struct pciback_boot_prediction *prediction, const char *text, size_t length,
    unsigned loaders, enum pciback_loader loader)
{
	struct pciback_boot_cfg *cfg = &prediction->cfg;
	const char *nul = length == 0 ? NULL : memchr(text, '\0', length);
	enum menu_format format = FORMAT_AUTO;
	size_t default_offset = PCIBACK_NO_OFFSET;
	int32_t wanted = 0;
	bool noted = false;
	struct model_line line;

	cfg->text = text;
	cfg->length = length;
	cfg->loaders = loaders;
	cfg->loader = loader;
	cfg->timeout = 10;
	if (nul != NULL) {
		cfg->length = (size_t)(nul - text);
		model_finding(prediction, PCIBACK_WARNING, "nul-byte", cfg->length,
		    "the loader stops reading at this NUL byte; a boot.cfg is text");
	}
	for (size_t offset = 0, number = 1; model_next_line(cfg, offset, number, &line);
	    offset = line.next, number++) {
		note_carriage_return(prediction, &line, &noted);
		if (!line.has_value)
			continue;
		if (model_key_differs(cfg, &line, cfg->loaders))
			model_explain_key(prediction, &line);
		switch (model_line_key(cfg, &line, cfg->loader)) {
		case MODEL_KEY_MENU:
			read_menu_line(prediction, &line);
			break;
		case MODEL_KEY_BANNER:
			read_banner(prediction, &line);
			break;
		case MODEL_KEY_TIMEOUT:
			cfg->timeout = read_timeout(text, line.value);
			break;
		case MODEL_KEY_DEFAULT:
			wanted = read_default(text, line.value);
			default_offset = line.key.begin;
			break;
		case MODEL_KEY_FORMAT:
			format = read_format(text, line.value, format);
			break;
		case MODEL_KEY_UNKNOWN:
			if (!model_key_differs(cfg, &line, cfg->loaders))
				model_finding(prediction, PCIBACK_WARNING, "unknown-key",
				    line.key.begin, "the loader knows no such key and ignores the line; "
				    "keys start in the first column");
			break;
		case MODEL_KEY_OTHER:
		case MODEL_KEY_LOAD:
		case MODEL_KEY_USERCONF:
		case MODEL_KEY_FS:
		case MODEL_KEY_RNDSEED:
		case MODEL_KEY_DEV:
			break;
		}
	}
	settle_menu(prediction, format, wanted, default_offset);
}

void
pciback_boot_key(const struct pciback_boot_cfg *cfg, size_t entry, char ret_key[3])
{
	size_t number = entry + 1;

	if (cfg->letters) {
		ret_key[0] = (char)('A' + entry);
		ret_key[1] = '\0';
	} else if (number < 10) {
		ret_key[0] = (char)('0' + number);
		ret_key[1] = '\0';
	} else {
		ret_key[0] = (char)('0' + number / 10);
		ret_key[1] = (char)('0' + number % 10);
		ret_key[2] = '\0';
	}
}
