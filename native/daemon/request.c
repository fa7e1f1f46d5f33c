/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <pciback/text.h>
#include <pciback/xen.h>

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
refuse(char message[REQUEST_MESSAGE], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, REQUEST_MESSAGE, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* The next word of a line, which is cut there; NULL at its end. */
static char *
next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " ");

	if (*word == '\0')
		return NULL;
	*rest = word + strcspn(word, " ");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return word;
}

/* One more device, which is as `common` unless it says something else. */
static int
add_device(struct pciback_job *job, char *word, unsigned knows, const struct pciback_wanted *common,
    char message[REQUEST_MESSAGE])
{
	struct pciback_wanted device = *common;

	if (job->n == PCIBACK_ENTRIES_MAX)
		return refuse(message, "no guest has more than %d devices", PCIBACK_ENTRIES_MAX);
	if (pciback_wanted_read(word, knows, &device, message) < 0)
		return -EINVAL;
	for (size_t i = 0; i < job->n; i++)
		if (pciback_address_compare(&job->devices[i].address, &device.address) == 0)
			return refuse(message, "%.40s is named twice", word);
	job->devices[job->n++] = device;
	return 0;
}

/* The place of a flag of a change, such as "force"; NULL for any other word. */
static bool *
find_flag(struct pciback_job *job, struct pciback_wanted *common, const char *word)
{
	if (job->kind == PCIBACK_JOB_DETACH)
		return strcmp(word, "force") == 0 ? &job->force : NULL;
	if (strcmp(word, "permissive") == 0)
		return &common->permissive;
	return strcmp(word, "rdm-relaxed") == 0 ? &common->rdm_relaxed : NULL;
}

/* What follows "attach json" or "detach json". */
static int
read_change(enum pciback_job_kind kind, char *rest, struct pciback_job *ret_job,
    char message[REQUEST_MESSAGE])
{
	struct pciback_job job = { .kind = kind };
	struct pciback_wanted common = { .has_id = false };
	unsigned knows = kind == PCIBACK_JOB_ATTACH ? PCIBACK_WANTED_KNOWS_POLICY : 0;
	char *word = next_word(&rest);
	uint32_t domain;

	if (word == NULL || pciback_decimal_parse(word, PCIBACK_DOMAIN_MAX, &domain) < 0 || domain == 0)
		return refuse(message, "a domain's number from 1 to 32751 would follow --domain");
	job.domain = (uint16_t)domain;
	while ((word = next_word(&rest)) != NULL) {
		bool *flag = job.n == 0 ? find_flag(&job, &common, word) : NULL;

		if (flag != NULL && !*flag)
			*flag = true;
		else if (add_device(&job, word, knows, &common, message) < 0)
			return -EINVAL;
	}
	if (job.n == 0)
		return refuse(message, "addresses of devices would follow");
	*ret_job = job;
	return 0;
}

/* What follows "check json", "take json" or "return json". */
static int
read_devices(enum pciback_job_kind kind, char *rest, struct request *ret_request,
    char message[REQUEST_MESSAGE])
{
	const struct pciback_wanted common = { .has_id = false };
	struct request request = {
		.kind = kind == PCIBACK_JOB_NONE ? REQUEST_CHECK : REQUEST_CHANGE,
		.job = { .kind = kind },
	};
	unsigned knows = kind == PCIBACK_JOB_RETURN ? 0 : PCIBACK_WANTED_KNOWS_IDENTITY;
	char *word;

	while ((word = next_word(&rest)) != NULL)
		if (add_device(&request.job, word, knows, &common, message) < 0)
			return -EINVAL;
	if (request.job.n == 0)
		return refuse(message, "addresses of devices would follow");
	*ret_request = request;
	return 0;
}

int
request_read(char *line, struct request *ret_request, bool *ret_json,
    char message[REQUEST_MESSAGE])
{
	char *rest = line;
	const char *verb = next_word(&rest), *form = next_word(&rest);
	enum pciback_job_kind kind;
	struct pciback_job job;
	int r;

	*ret_json = form != NULL && strcmp(form, "json") == 0;
	if (verb == NULL || form == NULL || (!*ret_json && strcmp(form, "text") != 0))
		return refuse(message, "no such request");
	if (strcmp(verb, "status") == 0) {
		ret_request->kind = REQUEST_STATUS;
		return 0;
	}
	if (strcmp(verb, "check") == 0)
		return read_devices(PCIBACK_JOB_NONE, rest, ret_request, message);
	if (strcmp(verb, "take") == 0)
		return read_devices(PCIBACK_JOB_TAKE, rest, ret_request, message);
	if (strcmp(verb, "return") == 0)
		return read_devices(PCIBACK_JOB_RETURN, rest, ret_request, message);
	if (strcmp(verb, "attach") == 0)
		kind = PCIBACK_JOB_ATTACH;
	else if (strcmp(verb, "detach") == 0)
		kind = PCIBACK_JOB_DETACH;
	else
		return refuse(message, "no such request");
	r = read_change(kind, rest, &job, message);
	if (r == 0)
		*ret_request = (struct request){ .kind = REQUEST_CHANGE, .job = job };
	return r;
}
