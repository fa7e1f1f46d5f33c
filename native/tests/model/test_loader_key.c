/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../model/loader_key.h"

/* What the loaders take a key for, from the oldest to the newest. */
static void
test_keys(struct harness *harness)
{
	static const struct {
		const char *line;
		enum model_key keys[PCIBACK_N_LOADERS];
	} cases[] = {
#define SAME(key)	{ key, key, key, key }
		{ "menu=a:b", SAME(MODEL_KEY_MENU) },
		{ "menux=a:b", SAME(MODEL_KEY_MENU) },
		{ "banner =x", SAME(MODEL_KEY_BANNER) },
		{ "timeouts=1", SAME(MODEL_KEY_TIMEOUT) },
		{ "default =1", SAME(MODEL_KEY_DEFAULT) },
		{ "formatted=n", SAME(MODEL_KEY_FORMAT) },
		{ "consdevs=pc", SAME(MODEL_KEY_OTHER) },
		{ "rootx=wd0a", SAME(MODEL_KEY_OTHER) },
		{ "clear =1", SAME(MODEL_KEY_OTHER) },
		{ "load=/n", SAME(MODEL_KEY_LOAD) },
		{ "userconf=x", SAME(MODEL_KEY_USERCONF) },
		{ " load=/n", SAME(MODEL_KEY_UNKNOWN) },
		{ "Load=/n", SAME(MODEL_KEY_UNKNOWN) },
		{ "loa=/n", SAME(MODEL_KEY_UNKNOWN) },
		{ "fsx=/n", SAME(MODEL_KEY_UNKNOWN) },
		{ "rndseed =/n", SAME(MODEL_KEY_UNKNOWN) },
		{ "devx=hd0a:", SAME(MODEL_KEY_UNKNOWN) },
		{ "splash=/n", SAME(MODEL_KEY_UNKNOWN) },
#undef SAME
		{ "loader=/n", { MODEL_KEY_LOAD, MODEL_KEY_LOAD, MODEL_KEY_UNKNOWN, MODEL_KEY_UNKNOWN } },
		{ "load =/n", { MODEL_KEY_LOAD, MODEL_KEY_LOAD, MODEL_KEY_UNKNOWN, MODEL_KEY_UNKNOWN } },
		{ "userconf =x", { MODEL_KEY_USERCONF, MODEL_KEY_USERCONF, MODEL_KEY_UNKNOWN,
		    MODEL_KEY_UNKNOWN } },
		{ "fs=/n", { MODEL_KEY_UNKNOWN, MODEL_KEY_FS, MODEL_KEY_FS, MODEL_KEY_FS } },
		{ "rndseed=/n", { MODEL_KEY_UNKNOWN, MODEL_KEY_UNKNOWN, MODEL_KEY_UNKNOWN,
		    MODEL_KEY_RNDSEED } },
		{ "dev=hd0a:", { MODEL_KEY_UNKNOWN, MODEL_KEY_UNKNOWN, MODEL_KEY_UNKNOWN,
		    MODEL_KEY_DEV } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pciback_boot_prediction prediction = { .cfg = { .text = cases[i].line,
			.length = strlen(cases[i].line) } };
		bool differs = cases[i].keys[0] != cases[i].keys[1] ||
		    cases[i].keys[1] != cases[i].keys[2] || cases[i].keys[2] != cases[i].keys[3];
		struct model_line line;

		CHECK(model_next_line(&prediction.cfg, 0, 1, &line));
		for (int loader = 0; loader < PCIBACK_N_LOADERS; loader++) {
			CHECK_NUMBER(model_line_key(&prediction.cfg, &line, (enum pciback_loader)loader),
			    cases[i].keys[loader]);
			CHECK(!model_key_differs(&prediction.cfg, &line, PCIBACK_LOADER_BIT(loader)));
		}
		CHECK_NUMBER(model_key_differs(&prediction.cfg, &line, PCIBACK_LOADERS_ALL), differs);
		if (!differs)
			continue;
		model_explain_key(&prediction, &line);
		CHECK_NUMBER(prediction.n_findings, 1);
		CHECK_TEXT(prediction.findings[0].code, "loader-key-differs");
	}
}

void
test_loader_key(struct harness *harness)
{
	test_keys(harness);
	CHECK_TEXT(pciback_loader_name(PCIBACK_LOADER_OLD), "old");
	CHECK_TEXT(pciback_loader_name(PCIBACK_LOADER_11), "11");
}
