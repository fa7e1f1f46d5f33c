/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "disk.h"

#include <string.h>

#include "command.h"

static bool
all_in(const char *text, size_t *position, size_t end, char first, char last)
{
	size_t begin = *position;

	while (*position < end && text[*position] >= first && text[*position] <= last)
		(*position)++;
	return *position > begin;
}

/* Whether what stands before the ':' of a path names a device: letters, then perhaps a unit and
 * one letter for the partition; or a wedge by its name. */
static bool
is_device(const char *text, struct pciback_span name)
{
	size_t position = name.begin;

	if (pciback_span_length(name) >= 5 && memcmp(text + name.begin, "NAME=", 5) == 0)
		return true;
	if (!all_in(text, &position, name.end, 'a', 'z'))
		return false;
	if (position < name.end && !all_in(text, &position, name.end, '0', '9'))
		return false;
	if (position < name.end && text[position] >= 'a' && text[position] <= 'z')
		position++;
	return position == name.end;
}

/* No file has such a name, but a path at the end of a line of a CRLF file does. */
static bool
ends_with_carriage_return(const char *text, struct pciback_span name)
{
	return name.end > name.begin && text[name.end - 1] == '\r';
}

/* What is said of this file by itself; NULL for nothing. The loader looks below the root whether a
 * path begins there or not. */
static const struct pciback_boot_exception *
find_exception(const struct model_disk *disk, const char *path)
{
	for (size_t i = disk->n_exceptions; i > 0; i--) {
		const struct pciback_boot_exception *exception = &disk->exceptions[i - 1];

		if (strcmp(exception->path + strspn(exception->path, "/"),
		    path + strspn(path, "/")) == 0)
			return exception;
	}
	return NULL;
}

/* Whether a file of this name is on the boot device; without anybody to ask, it is. */
static bool
is_there(const struct model_disk *disk, const char *path)
{
	const struct pciback_boot_exception *exception = find_exception(disk, path);

	if (exception != NULL)
		return exception->exists;
	return disk->files == NULL || disk->files->exists(disk->files->context, path);
}

/* The same for a path in the text, put together with what the loader adds to it. */
static bool
exists(const struct model_disk *disk, const char *prefix, struct pciback_span name, const char *suffix)
{
	char path[2 * PCIBACK_LOADER_PATH + 16];
	size_t length = pciback_span_length(name), n = strlen(prefix);

	if (disk->files == NULL && ends_with_carriage_return(disk->text, name))
		return false;
	if (length >= PCIBACK_LOADER_PATH)
		return disk->files == NULL;
	memcpy(path, prefix, n);
	memcpy(path + n, disk->text + name.begin, length);
	n += length;
	if (*suffix != '\0') {
		/* NAME/NAME.kmod */
		path[n++] = '/';
		memcpy(path + n, disk->text + name.begin, length);
		n += length;
	}
	memcpy(path + n, suffix, strlen(suffix) + 1);
	return is_there(disk, path);
}

bool
model_opens(const struct model_disk *disk, struct pciback_span path)
{
	size_t length = pciback_span_length(path);
	const char *colon = length == 0 ? NULL : memchr(disk->text + path.begin, ':', length);

	if (colon != NULL)
		return !ends_with_carriage_return(disk->text, path) && is_device(disk->text,
		    (struct pciback_span){ path.begin, (size_t)(colon - disk->text) });
	if (length == 0)
		/* No name means the kernel the loader would boot by itself. */
		return is_there(disk, "netbsd");
	return exists(disk, "", path, "");
}

bool
model_module_opens(const struct model_disk *disk, struct pciback_span module)
{
	const char *text = disk->text;
	struct pciback_span path = model_module_path(text, module);
	size_t length = pciback_span_length(path);
	const char *colon = length == 0 ? NULL : memchr(text + path.begin, ':', length);
	bool whole = path.end == module.end;

	if (colon != NULL) {
		size_t after = (size_t)(colon - text) + 1;

		if (after < path.end && text[after] == '/')
			return model_opens(disk, path);
		return whole && model_opens(disk, path);
	}
	if (length != 0 && text[path.begin] == '/') {
		if (!whole && length >= PCIBACK_LOADER_PATH)
			return false;
		return exists(disk, "", path, "");
	}
	if (disk->files != NULL && length != 0 && exists(disk, "/", path, ".kmod"))
		return true;
	return whole && model_opens(disk, module);
}

bool
model_any_kernel(const struct model_disk *disk)
{
	static const char *const names[] = { "netbsd", "netbsd.gz", "onetbsd", "onetbsd.gz",
		"netbsd.old", "netbsd.old.gz" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_there(disk, names[i]))
			return true;
	return false;
}
