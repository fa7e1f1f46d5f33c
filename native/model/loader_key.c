/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "loader_key.h"

#include <string.h>

#include "command.h"
#include "finding.h"

enum model_key
model_line_key(const struct pciback_boot_cfg *cfg, const struct model_line *line,
    enum pciback_loader loader)
{
	static const struct {
		const char *name;
		enum model_key key;
		bool whole;		/* the key is this word and no more; else it begins with it */
		unsigned loaders;	/* that know it so */
	} keys[] = {
		{ "menu", MODEL_KEY_MENU, false, PCIBACK_LOADERS_ALL },
		{ "banner", MODEL_KEY_BANNER, false, PCIBACK_LOADERS_ALL },
		{ "timeout", MODEL_KEY_TIMEOUT, false, PCIBACK_LOADERS_ALL },
		{ "default", MODEL_KEY_DEFAULT, false, PCIBACK_LOADERS_ALL },
		{ "consdev", MODEL_KEY_OTHER, false, PCIBACK_LOADERS_ALL },
		{ "root", MODEL_KEY_OTHER, false, PCIBACK_LOADERS_ALL },
		{ "load", MODEL_KEY_LOAD, false, PCIBACK_LOADERS_OLD },
		{ "format", MODEL_KEY_FORMAT, false, PCIBACK_LOADERS_ALL },
		{ "clear", MODEL_KEY_OTHER, false, PCIBACK_LOADERS_ALL },
		{ "userconf", MODEL_KEY_USERCONF, false, PCIBACK_LOADERS_OLD },
		{ "load", MODEL_KEY_LOAD, true, PCIBACK_LOADERS_NEW },
		{ "userconf", MODEL_KEY_USERCONF, true, PCIBACK_LOADERS_NEW },
		{ "fs", MODEL_KEY_FS, true,
		    PCIBACK_LOADERS_NEW | PCIBACK_LOADER_BIT(PCIBACK_LOADER_OLD_FS) },
		{ "rndseed", MODEL_KEY_RNDSEED, true, PCIBACK_LOADER_BIT(PCIBACK_LOADER_11) },
		{ "dev", MODEL_KEY_DEV, true, PCIBACK_LOADER_BIT(PCIBACK_LOADER_11) },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if ((keys[i].loaders & PCIBACK_LOADER_BIT(loader)) == 0)
			continue;
		if (keys[i].whole ? model_span_is(cfg->text, line->key, keys[i].name) :
		    model_key_begins(cfg, line, keys[i].name))
			return keys[i].key;
	}
	return MODEL_KEY_UNKNOWN;
}

bool
model_key_differs(const struct pciback_boot_cfg *cfg, const struct model_line *line,
    unsigned loaders)
{
	enum model_key first = MODEL_KEY_UNKNOWN;
	bool any = false;

	for (int i = 0; i < PCIBACK_N_LOADERS; i++) {
		enum model_key key;

		if ((loaders & PCIBACK_LOADER_BIT(i)) == 0)
			continue;
		key = model_line_key(cfg, line, (enum pciback_loader)i);
		if (any && key != first)
			return true;
		first = key;
		any = true;
	}
	return false;
}

void
model_explain_key(struct pciback_boot_prediction *prediction, const struct model_line *line)
{
	const struct pciback_boot_cfg *cfg = &prediction->cfg;

	/* Each of these keys is known to the newest loader, or to those before NetBSD 10 only. */
	switch (model_line_key(cfg, line, PCIBACK_LOADER_11)) {
	case MODEL_KEY_FS:
		model_finding(prediction, MODEL_LOADERS_DIFFER, "loader-key-differs", line->key.begin,
		    "loaders since NetBSD 10 load this file before the commands of every entry, some "
		    "older ones ignore the line; in an entry it would be fs FILE behind load");
		return;
	case MODEL_KEY_RNDSEED:
		model_finding(prediction, MODEL_LOADERS_DIFFER, "loader-key-differs", line->key.begin,
		    "the loader of NetBSD 11 loads this file before the commands of every entry, older "
		    "ones ignore the line; in an entry it would be rndseed FILE behind load");
		return;
	case MODEL_KEY_DEV:
		model_finding(prediction, MODEL_LOADERS_DIFFER, "loader-key-differs", line->key.begin,
		    "the loader of NetBSD 11 looks for files on this device, older ones ignore the line; "
		    "a path with its device, such as hd0a:/netbsd, means the same to all");
		return;
	default:
		break;
	}
	if (model_line_key(cfg, line, PCIBACK_LOADER_OLD) == MODEL_KEY_LOAD)
		model_finding(prediction, MODEL_LOADERS_DIFFER, "loader-key-differs", line->key.begin,
		    "loaders before NetBSD 10 take this line for load=, newer ones ignore it; all read "
		    "load= without anything before the '='");
	else
		model_finding(prediction, MODEL_LOADERS_DIFFER, "loader-key-differs", line->key.begin,
		    "loaders before NetBSD 10 take this line for userconf=, newer ones ignore it; all "
		    "read userconf= without anything before the '='");
}

const char *
pciback_loader_name(enum pciback_loader loader)
{
	static const char *const names[] = { "old", "old-fs", "10", "11" };

	return names[loader];
}
