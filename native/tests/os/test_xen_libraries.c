/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../os/xen_libraries.h"

/* A host whose libraries are as a case wants them. */
static struct host {
	const char *missing;		/* there is no file whose path has this in it */
	const char *broken;		/* the first file that has this in its path can't be loaded */
	bool is_broken_once;
	const char *lacks;		/* no library has this function */
	char tried[1024];		/* paths that were there, in order */
	int n_open;
} host;

static void *
open_double(const char *path, const char **ret_why)
{
	static char libraries[8];

	if (host.missing != NULL && strstr(path, host.missing) != NULL)
		return NULL;
	(void)snprintf(host.tried + strlen(host.tried), sizeof(host.tried) - strlen(host.tried), "%s ",
	    strrchr(path, '/') + 1);
	if (host.broken != NULL && strstr(path, host.broken) != NULL) {
		if (host.is_broken_once)
			host.broken = NULL;
		*ret_why = "wrong ELF class";
		return NULL;
	}
	return &libraries[host.n_open++];
}

static void *
find_double(void *library, const char *name)
{
	if (host.lacks != NULL && strcmp(name, host.lacks) == 0)
		return NULL;
	return library;
}

static void
close_double(void *library)
{
	(void)library;
	host.n_open--;
}

static const struct xen_loader loader = {
	.open = open_double,
	.find = find_double,
	.close = close_double,
};

#define XEN_4_17 (UINT32_C(4) << 16 | 17)

/* Loads all that a host has. */
static int
load(struct xen_libraries *libraries, struct host case_of, char message[XEN_LIBRARIES_MESSAGE])
{
	int r;

	host = case_of;
	message[0] = '\0';
	r = xen_libraries_open(libraries, &loader, message);
	if (r < 0)
		return r;
	r = xen_libraries_open_control(libraries, XEN_4_17, message);
	if (r < 0)
		xen_libraries_close(libraries);
	return r;
}

static void
test_whole(struct harness *harness)
{
	static const struct xen_functions none;
	char message[XEN_LIBRARIES_MESSAGE];
	struct xen_libraries libraries;
	const char *bytes = (const char *)&libraries.call;

	CHECK_NUMBER(load(&libraries, (struct host){ .n_open = 0 }, message), 0);
	CHECK_TEXT(host.tried, "libxenstore.so.4 libxengnttab.so.1 libxenevtchn.so.1 libxencall.so.1 "
	    "libxenctrl.so.4.17 ");
	for (size_t i = 0; i < sizeof(none); i += sizeof(void *))
		CHECK(memcmp(bytes + i, &none, sizeof(void *)) != 0);
	CHECK_NUMBER(host.n_open, XEN_LIBRARIES);
	xen_libraries_close(&libraries);
	CHECK_NUMBER(host.n_open, 0);
	xen_libraries_close(&libraries);
	CHECK_NUMBER(host.n_open, 0);
}

/* Xen before 4.16. */
static void
test_other_names(struct harness *harness)
{
	char message[XEN_LIBRARIES_MESSAGE];
	struct xen_libraries libraries;

	CHECK_NUMBER(load(&libraries, (struct host){ .missing = "libxenstore.so.4" }, message), 0);
	CHECK(strncmp(host.tried, "libxenstore.so.3.0 libxengnttab", 31) == 0);
	xen_libraries_close(&libraries);
	/* That of another processor is passed over. */
	CHECK_NUMBER(load(&libraries, (struct host){ .broken = "libxencall", .is_broken_once = true },
	    message), 0);
	CHECK(strstr(host.tried, "libxencall.so.1 libxencall.so.1 ") != NULL);
	xen_libraries_close(&libraries);
}

/* Each library in turn is missing, and each is damaged. */
static void
test_missing(struct harness *harness)
{
	static const char *const names[] = {
		"libxenstore.so.4", "libxengnttab.so.1", "libxenevtchn.so.1", "libxencall.so.1",
		"libxenctrl.so.4.17",
	};
	char message[XEN_LIBRARIES_MESSAGE], expected[80];
	struct xen_libraries libraries;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* All names that the library might have. */
		struct host without = { .missing = i == 0 ? "libxenstore" : names[i] };

		CHECK_NUMBER(load(&libraries, without, message), -ENOENT);
		(void)snprintf(expected, sizeof(expected), "Xen's library %s is in none of /usr/", names[i]);
		CHECK(strncmp(message, expected, strlen(expected)) == 0);
		CHECK(strstr(message, "/usr/local/lib; install the tools of the Xen that runs") != NULL);
		CHECK_NUMBER(host.n_open, 0);

		CHECK_NUMBER(load(&libraries, (struct host){ .broken = names[i] }, message), -ENOEXEC);
		(void)snprintf(expected, sizeof(expected), "/%s can't be loaded: wrong ELF class", names[i]);
		CHECK(strstr(message, expected) != NULL);
		CHECK_NUMBER(host.n_open, 0);
	}
}

static void
test_lacks_function(struct harness *harness)
{
	static const char *const cases[][2] = {
		{ "xs_open", "libxenstore.so.4" },
		{ "xengnttab_unmap", "libxengnttab.so.1" },
		{ "xenevtchn_notify", "libxenevtchn.so.1" },
		{ "xencall2", "libxencall.so.1" },
		{ "xc_deassign_device", "libxenctrl.so.4.17" },
	};
	char message[XEN_LIBRARIES_MESSAGE], expected[128];
	struct xen_libraries libraries;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_NUMBER(load(&libraries, (struct host){ .lacks = cases[i][0] }, message), -ENOEXEC);
		(void)snprintf(expected, sizeof(expected), "/%s has no %s(); pcibackd works with the "
		    "libraries of Xen 4.14 and later", cases[i][1], cases[i][0]);
		CHECK(strstr(message, expected) != NULL);
		CHECK_NUMBER(host.n_open, 0);
	}
}

/* What the system says of files that are there and not. */
static void
test_system(struct harness *harness)
{
	const char *why = NULL;

	CHECK(xen_system_loader.open("/nonexistent/libxencall.so.1", &why) == NULL);
	CHECK(why == NULL);
	CHECK(xen_system_loader.open("/dev/null", &why) == NULL);
	CHECK(why != NULL);
}

void
test_xen_libraries(struct harness *harness)
{
	test_whole(harness);
	test_other_names(harness);
	test_missing(harness);
	test_lacks_function(harness);
	test_system(harness);
}
