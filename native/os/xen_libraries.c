/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include "xen_libraries.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where a system's packages and Xen's own `make install` put libraries; only root writes there. */
static const char *const directories[] = {
#if defined(__NetBSD__)
	"/usr/pkg/lib",
#else
#if defined(__x86_64__)
	"/usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
	"/usr/lib/aarch64-linux-gnu",
#elif defined(__i386__)
	"/usr/lib/i386-linux-gnu",
#endif
	"/usr/lib64",
	"/usr/lib",
#endif
	"/usr/local/lib",
};

#define N_DIRECTORIES (sizeof(directories) / sizeof(directories[0]))

/* The names that a library's file may have. */
static const char *const files[XEN_LIBRARY_CONTROL][2] = {
	[XEN_LIBRARY_STORE] = { "libxenstore.so.4", "libxenstore.so.3.0" },	/* 4.16 and later, before */
	[XEN_LIBRARY_GRANTS] = { "libxengnttab.so.1" },
	[XEN_LIBRARY_EVENTS] = { "libxenevtchn.so.1" },
	[XEN_LIBRARY_CALLS] = { "libxencall.so.1" },
};

#define FUNCTION(library, name) { XEN_LIBRARY_##library, #name, offsetof(struct xen_functions, name) }

static const struct {
	enum xen_library library;
	const char *name;
	size_t offset;			/* of the pointer to it */
} functions[] = {
	FUNCTION(STORE, xs_open),
	FUNCTION(STORE, xs_close),
	FUNCTION(STORE, xs_fileno),
	FUNCTION(STORE, xs_check_watch),
	FUNCTION(STORE, xs_watch),
	FUNCTION(STORE, xs_unwatch),
	FUNCTION(STORE, xs_transaction_start),
	FUNCTION(STORE, xs_transaction_end),
	FUNCTION(STORE, xs_read),
	FUNCTION(STORE, xs_directory),
	FUNCTION(STORE, xs_write),
	FUNCTION(STORE, xs_mkdir),
	FUNCTION(STORE, xs_rm),
	FUNCTION(STORE, xs_set_permissions),
	FUNCTION(GRANTS, xengnttab_open),
	FUNCTION(GRANTS, xengnttab_close),
	FUNCTION(GRANTS, xengnttab_map_grant_ref),
	FUNCTION(GRANTS, xengnttab_unmap),
	FUNCTION(EVENTS, xenevtchn_open),
	FUNCTION(EVENTS, xenevtchn_close),
	FUNCTION(EVENTS, xenevtchn_fd),
	FUNCTION(EVENTS, xenevtchn_pending),
	FUNCTION(EVENTS, xenevtchn_bind_interdomain),
	FUNCTION(EVENTS, xenevtchn_unbind),
	FUNCTION(EVENTS, xenevtchn_unmask),
	FUNCTION(EVENTS, xenevtchn_notify),
	FUNCTION(CALLS, xencall_open),
	FUNCTION(CALLS, xencall_close),
	FUNCTION(CALLS, xencall_alloc_buffer),
	FUNCTION(CALLS, xencall_free_buffer),
	FUNCTION(CALLS, xencall2),
	FUNCTION(CONTROL, xc_interface_open),
	FUNCTION(CONTROL, xc_interface_close),
	FUNCTION(CONTROL, xc_domain_getinfolist),
	FUNCTION(CONTROL, xc_domain_ioport_permission),
	FUNCTION(CONTROL, xc_domain_iomem_permission),
	FUNCTION(CONTROL, xc_domain_irq_permission),
	FUNCTION(CONTROL, xc_assign_device),
	FUNCTION(CONTROL, xc_deassign_device),
};

_Static_assert(sizeof(functions) / sizeof(functions[0]) * sizeof(void (*)(void)) ==
    sizeof(struct xen_functions), "each function is looked up");
_Static_assert(sizeof(void *) == sizeof(void (*)(void)), "POSIX: dlsym() returns functions, too");

#define PATH_SIZE 64

/* One name of a library in each directory. Returns 0, or a negative errno value: -ENOENT without a
 * sentence when there is no such file. */
static int
open_file(struct xen_libraries *libraries, enum xen_library library, const char *file,
    char path[PATH_SIZE], char message[XEN_LIBRARIES_MESSAGE])
{
	int r = -ENOENT;

	for (size_t i = 0; i < N_DIRECTORIES; i++) {
		const char *why = NULL;

		(void)snprintf(path, PATH_SIZE, "%s/%s", directories[i], file);
		libraries->handles[library] = libraries->loader->open(path, &why);
		if (libraries->handles[library] != NULL)
			return 0;
		/* One for other processors may come before ours. */
		if (why != NULL && r == -ENOENT) {
			(void)snprintf(message, XEN_LIBRARIES_MESSAGE, "%s can't be loaded: %s", path, why);
			r = -ENOEXEC;
		}
	}
	return r;
}

static int
find_functions(struct xen_libraries *libraries, enum xen_library library, const char *path,
    char message[XEN_LIBRARIES_MESSAGE])
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *function;

		if (functions[i].library != library)
			continue;
		function = libraries->loader->find(libraries->handles[library], functions[i].name);
		if (function == NULL) {
			(void)snprintf(message, XEN_LIBRARIES_MESSAGE, "%s has no %s(); pcibackd works with the "
			    "libraries of Xen 4.14 and later", path, functions[i].name);
			libraries->loader->close(libraries->handles[library]);
			libraries->handles[library] = NULL;
			return -ENOEXEC;
		}
		memcpy((char *)&libraries->call + functions[i].offset, &function, sizeof(function));
	}
	return 0;
}

static void
say_missing(const char *what, char message[XEN_LIBRARIES_MESSAGE])
{
	int n = snprintf(message, XEN_LIBRARIES_MESSAGE, "Xen's library %s is in none of", what);

	for (size_t i = 0; i < N_DIRECTORIES; i++)
		n += snprintf(message + n, XEN_LIBRARIES_MESSAGE - (size_t)n, "%s %s", i > 0 ? "," : "",
		    directories[i]);
	(void)snprintf(message + n, XEN_LIBRARIES_MESSAGE - (size_t)n,
	    "; install the tools of the Xen that runs");
}

int
xen_libraries_open(struct xen_libraries *libraries, const struct xen_loader *loader,
    char message[XEN_LIBRARIES_MESSAGE])
{
	char path[PATH_SIZE];
	int r = 0;

	*libraries = (struct xen_libraries){ .loader = loader };
	for (enum xen_library i = 0; i < XEN_LIBRARY_CONTROL && r == 0; i++) {
		r = open_file(libraries, i, files[i][0], path, message);
		if (r == -ENOENT && files[i][1] != NULL)
			r = open_file(libraries, i, files[i][1], path, message);
		if (r == -ENOENT)
			say_missing(files[i][0], message);
		if (r == 0)
			r = find_functions(libraries, i, path, message);
	}
	if (r < 0)
		xen_libraries_close(libraries);
	return r;
}

int
xen_libraries_open_control(struct xen_libraries *libraries, uint32_t version,
    char message[XEN_LIBRARIES_MESSAGE])
{
	char file[32], path[PATH_SIZE];
	int r;

	(void)snprintf(file, sizeof(file), "libxenctrl.so.%u.%u", (unsigned)(version >> 16 & 0xffff),
	    (unsigned)(version & 0xffff));
	r = open_file(libraries, XEN_LIBRARY_CONTROL, file, path, message);
	if (r == -ENOENT)
		say_missing(file, message);
	return r < 0 ? r : find_functions(libraries, XEN_LIBRARY_CONTROL, path, message);
}

void
xen_libraries_close(struct xen_libraries *libraries)
{
	for (size_t i = 0; i < XEN_LIBRARIES; i++)
		if (libraries->handles[i] != NULL)
			libraries->loader->close(libraries->handles[i]);
	memset(libraries->handles, 0, sizeof(libraries->handles));
}

/* ---- The system's ------------------------------------------------------------------------- */

static void *
system_open(const char *path, const char **ret_why)
{
	void *library;

	if (access(path, F_OK) < 0)
		return NULL;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		*ret_why = dlerror();
	return library;
}

static void *
system_find(void *library, const char *name)
{
	return dlsym(library, name);
}

static void
system_close(void *library)
{
	(void)dlclose(library);
}

const struct xen_loader xen_system_loader = {
	.open = system_open,
	.find = system_find,
	.close = system_close,
};
