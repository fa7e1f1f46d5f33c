/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "harness.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pciback/os.h>

void
test_file(struct harness *harness)
{
	char directory[] = "build/test-file-XXXXXX", path[64], pipe_path[64];
	char *bytes = NULL;
	size_t length = 99;
	FILE *file;

	CHECK(mkdtemp(directory) != NULL);
	(void)snprintf(path, sizeof(path), "%s/f", directory);
	file = fopen(path, "w");
	CHECK(file != NULL);
	if (file == NULL)
		return;
	for (size_t i = 0; i < 10000; i++)
		(void)fputc((int)(i % 251), file);
	CHECK_NUMBER(fclose(file), 0);

	CHECK_NUMBER(pciback_read_file("build/no-such-file", 10, &bytes, &length), -ENOENT);
	CHECK_NUMBER(length, 99);
	CHECK_NUMBER(pciback_read_file(directory, 10, &bytes, &length), -EISDIR);
	CHECK(bytes == NULL);
	CHECK_NUMBER(pciback_read_file(path, 20000, &bytes, &length), 0);
	CHECK_NUMBER(length, 10000);
	CHECK(length == 10000 && bytes[9999] == (char)(9999 % 251) && bytes[10000] == '\0');
	free(bytes);
	CHECK_NUMBER(pciback_read_file(path, 7000, &bytes, &length), 0);
	CHECK_NUMBER(length, 7000);
	free(bytes);

	(void)snprintf(pipe_path, sizeof(pipe_path), "%s/pipe", directory);
	CHECK_NUMBER(mkfifo(pipe_path, 0600), 0);
	length = 99;
	CHECK_NUMBER(pciback_read_file(pipe_path, 10, &bytes, &length), -ENODATA);
	CHECK_NUMBER(length, 99);
	CHECK_NUMBER(remove(pipe_path), 0);

	CHECK(pciback_file_exists(directory, "f"));
	CHECK(pciback_file_exists(directory, "/f"));
	CHECK(!pciback_file_exists(directory, "g"));
	CHECK(!pciback_file_exists(directory, "."));
	CHECK_NUMBER(remove(path), 0);
	CHECK_NUMBER(rmdir(directory), 0);
}
