/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../model/boot_cfg.h"

static struct pciback_boot_prediction
read_cfg(const char *text)
{
	struct pciback_boot_prediction prediction = { 0 };

	model_read_boot_cfg(&prediction, text, strlen(text), PCIBACK_LOADERS_ALL, PCIBACK_LOADER_11);
	return prediction;
}

static void
check_title(struct harness *harness, const struct pciback_boot_cfg *cfg, size_t entry,
    const char *title)
{
	struct pciback_span span = cfg->entries[entry].title;

	CHECK_NUMBER(pciback_span_length(span), strlen(title));
	CHECK(memcmp(cfg->text + span.begin, title, strlen(title)) == 0);
}

static void
test_numbers(struct harness *harness)
{
	static const struct {
		const char *text;
		int32_t timeout;
	} timeouts[] = { { "", 10 }, { "timeout=5\n", 5 }, { "timeout=\n", -1 }, { "timeout= 5\n", -1 },
		{ "timeout=-5\n", -1 }, { "timeout=7x\n", 7 }, { "timeout=4294967297\n", 1 },
		{ "timeout=2147483648\n", INT32_MIN }, { "timeouts=3\n", 3 }, { "Timeout=3\n", 10 } };

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++)
		CHECK_NUMBER(read_cfg(timeouts[i].text).cfg.timeout, timeouts[i].timeout);
}

void
test_boot_cfg(struct harness *harness)
{
	struct pciback_boot_prediction prediction;
	char key[3];

	test_numbers(harness);

	prediction = read_cfg("menu=A:b:c\nmenux=:dev\nmenu\nmenu=none\nmenu =D :e\nbanner=1\n");
	CHECK_NUMBER(prediction.cfg.n_entries, 3);
	CHECK_NUMBER(prediction.cfg.n_banners, 1);
	check_title(harness, &prediction.cfg, 0, "A");
	CHECK_NUMBER(pciback_span_length(prediction.cfg.entries[0].commands), 3);
	check_title(harness, &prediction.cfg, 1, "dev");
	check_title(harness, &prediction.cfg, 2, "D ");
	CHECK_NUMBER(prediction.cfg.entries[2].line, 5);

	/* A NUL ends the file. */
	prediction = (struct pciback_boot_prediction){ 0 };
	model_read_boot_cfg(&prediction, "menu=A:b\0menu=C:d\nmenu=E:f\n", 28,
	    PCIBACK_LOADERS_ALL, PCIBACK_LOADER_11);
	CHECK_NUMBER(prediction.cfg.n_entries, 1);
	CHECK_TEXT(prediction.findings[0].code, "nul-byte");
	prediction = (struct pciback_boot_prediction){ 0 };
	model_read_boot_cfg(&prediction, "menu=A:b\n\0menu=C:d\n", 19,
	    PCIBACK_LOADERS_ALL, PCIBACK_LOADER_11);
	CHECK_NUMBER(prediction.cfg.n_entries, 1);

	prediction = read_cfg("menu=A:b\nmenu=C:d\ndefault=3\n");
	CHECK_NUMBER(prediction.cfg.default_entry, 1);
	CHECK_TEXT(prediction.findings[0].message, "default= is not the number of an entry, entry 2 is taken; it "
	    "would be a number from 1 to 2 right after the '='");
	CHECK(!prediction.cfg.letters);
	prediction = read_cfg("menu=A:b\nmenu=C:d\ndefault=2\nformat=L\n");
	CHECK_NUMBER(prediction.cfg.default_entry, 1);
	pciback_boot_key(&prediction.cfg, 1, key);
	CHECK_TEXT(key, "B");
	prediction.cfg.letters = false;
	pciback_boot_key(&prediction.cfg, 8, key);
	CHECK_TEXT(key, "9");
	pciback_boot_key(&prediction.cfg, 19, key);
	CHECK_TEXT(key, "20");
}
