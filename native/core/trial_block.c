/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/trial_block.h>

#include <errno.h>
#include <string.h>

#define SIGNATURE	"# GRUB Environment Block\n"
#define NAME		"xen_pciback_trial="
#define MARK		"xen-pciback-trial.run"

#define SIGNATURE_LENGTH (sizeof(SIGNATURE) - 1)
#define NAME_LENGTH	(sizeof(NAME) - 1)
#define VALUE_LENGTH	5

static const char values[][VALUE_LENGTH + 1] = { "armed", "tried", "final" };

/* Where the next line begins, at most at `length`: a byte behind a backslash ends none. */
static size_t
next_line(const char *bytes, size_t length, size_t at)
{
	while (at < length && bytes[at] != '\n')
		at += bytes[at] == '\\' && at + 1 < length ? 2 : 1;
	return at < length ? at + 1 : length;
}

/* Finds the one value of the variable. */
static int
find(const char *bytes, size_t length, size_t *ret_at)
{
	size_t n_found = 0, next;

	if (length != PCIBACK_TRIAL_BLOCK_SIZE || memcmp(bytes, SIGNATURE, SIGNATURE_LENGTH) != 0)
		return -EINVAL;
	for (size_t at = SIGNATURE_LENGTH; at < length; at = next) {
		next = next_line(bytes, length, at);
		if (next - at < NAME_LENGTH || memcmp(bytes + at, NAME, NAME_LENGTH) != 0)
			continue;
		if (next - at != NAME_LENGTH + VALUE_LENGTH + 1 || bytes[next - 1] != '\n')
			return -EINVAL;
		n_found++;
		*ret_at = at + NAME_LENGTH;
	}
	/* Of two, nobody knows here which GRUB would write. */
	return n_found == 1 ? 0 : n_found == 0 ? -ENOENT : -EINVAL;
}

int
pciback_trial_block_read(const char *bytes, size_t length, enum pciback_trial_variable *ret_variable)
{
	size_t at = 0;
	int r = find(bytes, length, &at);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (memcmp(bytes + at, values[i], VALUE_LENGTH) != 0)
			continue;
		*ret_variable = (enum pciback_trial_variable)i;
		return 0;
	}
	return -EINVAL;
}

int
pciback_trial_block_write(char *bytes, size_t length, enum pciback_trial_variable variable)
{
	enum pciback_trial_variable before;
	size_t at = 0;
	int r = pciback_trial_block_read(bytes, length, &before);

	if (r == 0)
		r = find(bytes, length, &at);
	if (r == 0)
		memcpy(bytes + at, values[variable], VALUE_LENGTH);
	return r;
}

bool
pciback_trial_is_marked(const char *command_line)
{
	const size_t length = sizeof(MARK) - 1;

	for (const char *word = command_line + strspn(command_line, " \n"); *word != '\0';) {
		size_t n = strcspn(word, " \n");

		if (n == length && memcmp(word, MARK, n) == 0)
			return true;
		word += n;
		word += strspn(word, " \n");
	}
	return false;
}
