/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTS_PREPARED_FIXTURE_H
#define PCIBACK_TESTS_PREPARED_FIXTURE_H

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/prepared.h>

/* A directory that stands for / . */
#define PREPARED_ROOT "build/test-prepared"

#define DEVICES PREPARED_ROOT "/sys/bus/pci/devices"

static inline bool
prepared_begin(void)
{
	return system("rm -rf " PREPARED_ROOT) == 0 && mkdir(PREPARED_ROOT, 0700) == 0;
}

/* Makes a file that holds a text. */
static inline bool
prepared_put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	return file != NULL && fputs(text, file) >= 0 && fclose(file) == 0;
}

/* What a file holds; "(none)" without one. */
static inline const char *
prepared_get(const char *path)
{
	static char text[512];
	FILE *file = fopen(path, "r");
	size_t n;

	if (file == NULL)
		return "(none)";
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	return text;
}

#endif
