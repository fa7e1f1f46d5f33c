/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <string.h>

#include "../../model/boot_cfg.h"
#include "../../model/unread_list.h"

/* The sentence of the last finding. */
static const char *message;

/* The one finding about a list of a file's first entry; "" without any, "several" with more. */
static const char *
why(const char *boot_cfg)
{
	static struct pciback_boot_prediction prediction;
	struct model_command_line line;
	struct model_loader loader;
	static const struct pciback_boot_exception missing = { "/t", false };
	const char *last = NULL;
	size_t taken = PCIBACK_NO_OFFSET;

	prediction = (struct pciback_boot_prediction){ .entry = 1 };
	model_read_boot_cfg(&prediction, boot_cfg, strlen(boot_cfg), PCIBACK_LOADERS_ALL,
	    PCIBACK_LOADER_11);
	model_run_loader(&prediction, &(struct pciback_boot_request){ .exceptions = &missing, .n_exceptions = 1 },
	    &loader);
	model_xen_command_line(&prediction, &loader, &line);
	prediction.n_findings = 0;
	/* The last list of the line is taken. */
	line.bytes[line.length] = '\0';
	for (const char *word = line.bytes; (word = strstr(word, " " MODEL_HIDE_OPTION)) != NULL; word++)
		last = word + 1;
	if (last == NULL && strncmp(line.bytes, MODEL_HIDE_OPTION, MODEL_HIDE_OPTION_LENGTH) == 0)
		last = line.bytes;
	if (last != NULL)
		taken = line.offsets[last - line.bytes];
	model_explain_unread_lists(&prediction, &loader, &line, line.length, taken);
	if (prediction.n_findings > 1)
		return "several";
	message = prediction.findings[0].message;
	return prediction.n_findings == 0 ? "" : prediction.findings[0].code;
}

void
test_unread_list(struct harness *harness)
{
#define LIST "pciback.hide=(00:04.0)"
	CHECK_TEXT(why("menu=A:load /n;multiboot /x\n"), "");
	CHECK_TEXT(why("menu=A:load /n " LIST ";multiboot /x\n"), "");
	CHECK_TEXT(why("menu=A:load /n " LIST " " LIST ";multiboot /x\n"), "list-overridden");
	CHECK_TEXT(why("menu=A:load /n " LIST ";multiboot /x a -- " LIST "\n"), "list-overridden");
	CHECK_TEXT(message, "a later list in the same entry wins, so this one is not read");
	CHECK_TEXT(why("menu=A:load /n x=" LIST ";multiboot /x\n"), "list-inside-word");
	CHECK_TEXT(why("menu=A:load /n\t" LIST ";multiboot /x\n"), "list-after-tab");
	CHECK_TEXT(why("menu=A:load /n;load /m " LIST ";multiboot /x\n"), "list-on-other-module");
	CHECK_TEXT(why("load=/n\nload=/m " LIST "\nmenu=A:multiboot /x\n"), "list-on-other-module");
	CHECK_TEXT(why("menu=A:load /n;multiboot /x " LIST "\n"), "list-on-xen-side");
	CHECK_TEXT(why("menu=A:load /n;multiboot /x -- " LIST "\n"), "list-on-xen-side");
	CHECK_TEXT(why("menu=A:load /n;multiboot /x a -- " LIST "\n"), "");
	CHECK_TEXT(why("menu=A:load /n " LIST ";load /m " LIST ";multiboot /x " LIST "\n"), "several");
	CHECK_TEXT(why("loader=/m " LIST "\nmenu=A:load /n;multiboot /x\n"), "list-on-ignored-line");
	CHECK_TEXT(why("load =/m " LIST "\nmenu=A:load /n;multiboot /x\n"), "list-on-ignored-line");
	CHECK_TEXT(why("other=/m " LIST "\nmenu=A:load /n;multiboot /x\n"), "");
	CHECK_TEXT(why("menu=A:load /n;multiboot /t a -- " LIST ";multiboot /x\n"), "list-on-failed-xen");
	CHECK_TEXT(why("load=/n\nmenu=A:multiboot /t " LIST "; multiboot /x\n"), "list-on-failed-xen");
	CHECK_TEXT(why("menu=A:load /n;multiboot /t a; load multiboot " LIST ";multiboot /x\n"), "list-on-other-module");
	/* What is cut off. */
	CHECK_TEXT(why("menu=A:load /n xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx "
	    LIST ";multiboot /x\n"), "list-not-read");
#undef LIST
}
