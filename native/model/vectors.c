/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/vectors.h>

#include <string.h>

#define R	PCIBACK_HIDE_REGISTERED
#define N	PCIBACK_HIDE_NOT_REGISTERED
#define F	PCIBACK_HIDE_KERNEL_FAULT
#define U	PCIBACK_HIDE_UNDEFINED

const struct pciback_list_vector pciback_list_vectors[] = {
	{ "", PCIBACK_HIDE_EMPTY, "" },
	{ "(00:1a.0)(00:1a.1)", R, "0000:00:1a.0 0000:00:1a.1" },
	{ "(0000:00:1a.0)", R, "0000:00:1a.0" },
	{ "(00:1A.0)", R, "0000:00:1a.0" },
	{ "(00:1a.0),(00:1b.0)", N, "0000:00:1a.0" },
	{ "00:1a.0", N, "" },
	{ "(00:1a.0", N, "" },
	{ "\"(00:1a.0)\"", N, "" },
	{ "(00:1a.0))", N, "0000:00:1a.0" },
	{ "()", F, "" },
	{ "(1a.0)", F, "" },
	{ "(0001:00:1a.0)", R, "" },
	{ "(0000:1a.0)", R, "" },
	{ "(000:00:1a.0)", R, "" },
	{ "(0000zz:00:1a.0)", R, "0000:00:1a.0" },
	{ "(00000:00:1a.0)", R, "0000:00:1a.0" },
	{ "(:.)", R, "0000:00:00.0" },
	{ "(00:1a.)", R, "0000:00:1a.0" },
	{ "(0x0:0x1a.0x0)", R, "0000:00:1a.0" },
	{ "(+0:1a.0)", R, "0000:00:1a.0" },
	{ "(\t00:1a.0)", R, "0000:00:1a.0" },
	{ "(0x:1.0)", R, "" },
	{ "(00:1a.*)", R, "" },
	{ "((00:1a.0)", R, "" },
	{ "(-1:0.0)", R, "" },
	{ "(00:3f.9)", R, "" },
	{ "(100:1f.0)", R, "" },
	{ "(100000000:1f.0)", R, "0000:00:1f.0" },
	{ "(10000000000000000:1f.0)", R, "" },
	{ "(0000:00:1a.0)(00:1g.0)(00:1b.0)", R, "0000:00:1a.0 0000:00:1b.0" },
	{ "(00:1a.0)(00:1a.0)", R, "0000:00:1a.0" },
	{ "(00:01.0)(00:02.0)(00:03.0)(00:04.0)(00:05.0)(00:06.0)(00:07.0)", R,
	    "0000:00:01.0 0000:00:02.0 0000:00:03.0 0000:00:04.0 0000:00:05.0 0000:00:06.0 "
	    "0000:00:07.0" },
	{ "(00:01.0)(00:02.0)(00:03.0)(00:04.0)(00:05.0)(00:06.0)(00:07.0)(00:08.0)", U,
	    "0000:00:01.0 0000:00:02.0 0000:00:03.0 0000:00:04.0 0000:00:05.0 0000:00:06.0 "
	    "0000:00:07.0" },
};

const size_t pciback_n_list_vectors =
    sizeof(pciback_list_vectors) / sizeof(pciback_list_vectors[0]);

#define XEN ";multiboot /xen.gz dom0_mem=256M com1=115200,8n1 console=com1\n"

/* Each was booted on NetBSD 7.99.10 under Xen 4.17. */
const struct pciback_boot_vector pciback_boot_vectors[] = {
	{ "exactly 79 characters", "menu=Xen:load /n x pciback.hide="
	    "(0:04.0)(0:05.0)(00:06.0)(00:07.0)(00:08.0)(00:09.0)(00:0a.0)" XEN,
	    PCIBACK_BOOT_REGISTERED, "0000:00:04.0 0000:00:05.0 0000:00:06.0 0000:00:07.0 "
	    "0000:00:08.0 0000:00:09.0 0000:00:0a.0" },
	{ "80 characters", "menu=Xen:load /n x pciback.hide="
	    "(0:04.0)(00:05.0)(00:06.0)(00:07.0)(00:08.0)(00:09.0)(00:0a.0)" XEN,
	    PCIBACK_BOOT_NOT_REGISTERED, "0000:00:04.0 0000:00:05.0 0000:00:06.0 0000:00:07.0 "
	    "0000:00:08.0 0000:00:09.0" },
	{ "no list", "menu=Xen:load /n -v" XEN, PCIBACK_BOOT_EMPTY, "" },
	{ "an entry without a colon", "menu=Xen:load /n -v pciback.hide="
	    "(00:04.0)(junk)(00:05.0)" XEN, PCIBACK_BOOT_KERNEL_FAULT, "0000:00:04.0" },
	{ "a missing parenthesis", "menu=Xen:load /n -v pciback.hide=(00:04.0)(00:05.0" XEN,
	    PCIBACK_BOOT_NOT_REGISTERED, "0000:00:04.0" },
	{ "two lists", "menu=Xen:load /n -v pciback.hide=(00:04.0) pciback.hide=(00:05.0)" XEN,
	    PCIBACK_BOOT_REGISTERED, "0000:00:05.0" },
	{ "behind the double dash", "menu=Xen:load /n;multiboot /xen.gz com1=115200 console=com1 "
	    "-- -v pciback.hide=(00:04.0)\n", PCIBACK_BOOT_REGISTERED, "0000:00:04.0" },
	{ "a load= line", "load=/n -v pciback.hide=(00:04.0)(00:05.0)\nmenu=Xen:multiboot /xen.gz "
	    "dom0_mem=256M com1=115200,8n1 console=com1\n", PCIBACK_BOOT_REGISTERED,
	    "0000:00:04.0 0000:00:05.0" },
	{ "two loads", "menu=Xen:load /n -v pciback.hide=(00:04.0);load /n "
	    "pciback.hide=(00:05.0)" XEN, PCIBACK_BOOT_REGISTERED, "0000:00:04.0" },
	{ "a blank before the command", "menu=Xen 4.17: load /n;dev\n",
	    PCIBACK_BOOT_LOADER_FAILURE, "" },
	{ "a command that boots nothing", "menu=One:dev\n", PCIBACK_BOOT_NOT_XEN, "" },
};

const size_t pciback_n_boot_vectors =
    sizeof(pciback_boot_vectors) / sizeof(pciback_boot_vectors[0]);

static void
add_claim(struct pciback_vector_run *run, const struct pciback_address *address)
{
	size_t length = strlen(run->claims);

	if (length != 0)
		run->claims[length++] = ' ';
	pciback_address_format(address, run->claims + length);
}

void
pciback_run_list_vector(const struct pciback_list_vector *vector,
    struct pciback_vector_run *ret_run)
{
	struct pciback_hide_list list;

	pciback_hide_list_parse(vector->value, strlen(vector->value), &list);
	*ret_run = (struct pciback_vector_run){ .outcome = pciback_hide_result_name(list.result) };
	for (size_t i = 0; i < list.n_entries; i++) {
		struct pciback_address address;
		char name[PCIBACK_ADDRESS_SIZE];

		if (list.entries[i].kind != PCIBACK_HIDE_CLAIM)
			continue;
		address = pciback_hide_entry_address(&list.entries[i]);
		pciback_address_format(&address, name);
		if (strstr(ret_run->claims, name) == NULL)
			add_claim(ret_run, &address);
	}
}

void
pciback_run_boot_vector(const struct pciback_boot_vector *vector,
    struct pciback_vector_run *ret_run)
{
	struct pciback_boot_request request = {
		.text = vector->boot_cfg,
		.length = strlen(vector->boot_cfg),
	};
	struct pciback_boot_prediction prediction;

	*ret_run = (struct pciback_vector_run){ .outcome = "no such entry" };
	if (pciback_boot_predict(&request, &prediction) < 0)
		return;
	ret_run->outcome = pciback_boot_outcome_name(prediction.outcome);
	for (size_t i = 0; i < prediction.n_claims; i++)
		add_claim(ret_run, &prediction.claims[i]);
}
