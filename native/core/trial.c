/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/trial.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pciback/text.h>

static const char *const states[] = { "armed", "running", "undone", "confirmed" };

const char *
pciback_trial_state_name(enum pciback_trial_state state)
{
	return states[state];
}

#define GRUB "grub"

bool
pciback_trial_has_grub(const struct pciback_trial *trial)
{
	return strcmp(trial->link, GRUB) == 0;
}

/* One of the names that the editor of boot.cfg gives to a link; nothing else is ever removed. */
static bool
is_link(const char *value)
{
	if (strncmp(value, "/t", 2) != 0)
		return false;
	return value[2] == '\0' || (value[2] >= '0' && value[2] <= '9' && value[3] == '\0');
}

/* A path below the root, of which no part is "..". */
static bool
is_path(const char *value)
{
	size_t length = strlen(value);

	if (value[0] != '/' || length < 2 || length >= PCIBACK_TRIAL_XEN ||
	    strstr(value, "/../") != NULL || (length >= 3 && strcmp(value + length - 3, "/..") == 0))
		return false;
	for (const char *c = value; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

/* The two names that GRUB's environment block has; nothing else is ever written over. */
static bool
is_block(const char *value)
{
	return strcmp(value, "/boot/grub/grubenv") == 0 || strcmp(value, "/boot/grub2/grubenv") == 0;
}

static bool
is_boot(const char *value)
{
	size_t length = strlen(value);

	if (length == 0 || length >= PCIBACK_TRIAL_BOOT)
		return false;
	return strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == length;
}

/* The digits of a number as they would be written. */
static bool
read_number(const char *value, uint32_t min, uint32_t max, uint32_t *ret_number)
{
	if (value[0] == '0' && value[1] != '\0')
		return false;
	return pciback_decimal_parse(value, max, ret_number) == 0 && *ret_number >= min;
}

static bool
read_state(const char *value, struct pciback_trial *trial)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(value, states[i]) != 0)
			continue;
		trial->state = (enum pciback_trial_state)i;
		return true;
	}
	return false;
}

/* The keys, in the order in which they stand. */
static const char *const keys[] = { "schema", "state", "link", "xen", "seconds", "boot", "started",
	"watchdog", "starts" };

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static bool
read_value(size_t key, const char *value, struct pciback_trial *trial)
{
	switch (key) {
	case 0:
		return strcmp(value, PCIBACK_TRIAL_SCHEMA) == 0;
	case 1:
		return read_state(value, trial);
	case 2:
		if (!is_link(value) && strcmp(value, GRUB) != 0)
			return false;
		memcpy(trial->link, value, strlen(value) + 1);
		return true;
	case 3:
		/* The key of the link is read by now. */
		if (pciback_trial_has_grub(trial) ? !is_block(value) : !is_path(value))
			return false;
		memcpy(trial->xen, value, strlen(value) + 1);
		return true;
	case 4:
		return read_number(value, PCIBACK_TRIAL_SECONDS_MIN, PCIBACK_TRIAL_SECONDS_MAX,
		    &trial->seconds);
	case 5:
		if (!is_boot(value))
			return false;
		memcpy(trial->boot, value, strlen(value) + 1);
		return true;
	case 6:
		return read_number(value, 0, UINT32_MAX, &trial->started);
	case 7:
		return read_number(value, 0, PCIBACK_TRIAL_WATCHDOG_MAX, &trial->watchdog);
	default:
		return read_number(value, 0, UINT32_MAX, &trial->starts);
	}
}

int
pciback_trial_parse(const char *bytes, size_t length, struct pciback_trial *ret_trial)
{
	struct pciback_trial trial;
	char text[PCIBACK_TRIAL_SIZE + 1];
	char *line = text;

	if (length != PCIBACK_TRIAL_SIZE || memchr(bytes, '\0', length) != NULL)
		return -EINVAL;
	memset(&trial, 0, sizeof(trial));
	memcpy(text, bytes, length);
	text[length] = '\0';
	for (size_t i = 0; i < N_KEYS; i++) {
		char *end = strchr(line, '\n');
		size_t key_length = strlen(keys[i]);

		if (end == NULL)
			return -EINVAL;
		*end = '\0';
		if (strncmp(line, keys[i], key_length) != 0 || line[key_length] != '\t' ||
		    !read_value(i, line + key_length + 1, &trial))
			return -EINVAL;
		line = end + 1;
	}
	if (strspn(line, "\n") != strlen(line))
		return -EINVAL;
	*ret_trial = trial;
	return 0;
}

void
pciback_trial_format(const struct pciback_trial *trial, char ret_bytes[PCIBACK_TRIAL_SIZE])
{
	char text[PCIBACK_TRIAL_SIZE + 1];
	/* At most 388 bytes: each value has a limit. */
	int n = snprintf(text, sizeof(text), "schema\t%s\nstate\t%s\nlink\t%s\nxen\t%s\nseconds\t%lu\nboot\t%s\n"
	    "started\t%lu\nwatchdog\t%lu\nstarts\t%lu\n", PCIBACK_TRIAL_SCHEMA, states[trial->state], trial->link,
	    trial->xen, (unsigned long)trial->seconds, trial->boot, (unsigned long)trial->started,
	    (unsigned long)trial->watchdog, (unsigned long)trial->starts);

	memset(ret_bytes, '\n', PCIBACK_TRIAL_SIZE);
	if (n > 0 && n <= PCIBACK_TRIAL_SIZE)
		memcpy(ret_bytes, text, (size_t)n);
}
