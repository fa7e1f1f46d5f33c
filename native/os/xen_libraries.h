/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_XEN_LIBRARIES_H
#define PCIBACK_OS_XEN_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Xen's libraries, found on the host when the program starts: a program that was built elsewhere
 * works, and after an upgrade of Xen the same one does.
 */

#define XEN_LIBRARIES_MESSAGE 512

/* Their own, and never looked into. */
struct xencall_handle;
struct xenevtchn_handle;
struct xengntdev_handle;
struct xentoollog_logger;
struct xc_interface_core;
struct xs_handle;
/* Declared in xen_abi.h. */
struct xen_domctl_getdomaininfo;
struct xs_permissions;

enum xen_library {
	XEN_LIBRARY_STORE,
	XEN_LIBRARY_GRANTS,
	XEN_LIBRARY_EVENTS,
	XEN_LIBRARY_CALLS,
	XEN_LIBRARY_CONTROL,
	XEN_LIBRARIES,
};

/* Their functions, by their names. */
struct xen_functions {
	struct xs_handle *(*xs_open)(unsigned long flags);
	void (*xs_close)(struct xs_handle *store);
	int (*xs_fileno)(struct xs_handle *store);
	char **(*xs_check_watch)(struct xs_handle *store);
	bool (*xs_watch)(struct xs_handle *store, const char *path, const char *token);
	bool (*xs_unwatch)(struct xs_handle *store, const char *path, const char *token);
	uint32_t (*xs_transaction_start)(struct xs_handle *store);
	bool (*xs_transaction_end)(struct xs_handle *store, uint32_t transaction, bool abort);
	void *(*xs_read)(struct xs_handle *store, uint32_t transaction, const char *path,
	    unsigned *ret_length);
	char **(*xs_directory)(struct xs_handle *store, uint32_t transaction, const char *path,
	    unsigned *ret_n);
	bool (*xs_write)(struct xs_handle *store, uint32_t transaction, const char *path,
	    const void *value, unsigned length);
	bool (*xs_mkdir)(struct xs_handle *store, uint32_t transaction, const char *path);
	bool (*xs_rm)(struct xs_handle *store, uint32_t transaction, const char *path);
	bool (*xs_set_permissions)(struct xs_handle *store, uint32_t transaction, const char *path,
	    struct xs_permissions *permissions, unsigned n);

	struct xengntdev_handle *(*xengnttab_open)(struct xentoollog_logger *logger, unsigned flags);
	int (*xengnttab_close)(struct xengntdev_handle *grants);
	void *(*xengnttab_map_grant_ref)(struct xengntdev_handle *grants, uint32_t domain,
	    uint32_t reference, int protection);
	int (*xengnttab_unmap)(struct xengntdev_handle *grants, void *page, uint32_t n);

	struct xenevtchn_handle *(*xenevtchn_open)(struct xentoollog_logger *logger, unsigned flags);
	int (*xenevtchn_close)(struct xenevtchn_handle *events);
	int (*xenevtchn_fd)(struct xenevtchn_handle *events);
	int (*xenevtchn_pending)(struct xenevtchn_handle *events);
	int (*xenevtchn_bind_interdomain)(struct xenevtchn_handle *events, uint32_t domain,
	    uint32_t remote_port);
	int (*xenevtchn_unbind)(struct xenevtchn_handle *events, uint32_t port);
	int (*xenevtchn_unmask)(struct xenevtchn_handle *events, uint32_t port);
	int (*xenevtchn_notify)(struct xenevtchn_handle *events, uint32_t port);

	struct xencall_handle *(*xencall_open)(struct xentoollog_logger *logger, unsigned flags);
	int (*xencall_close)(struct xencall_handle *calls);
	void *(*xencall_alloc_buffer)(struct xencall_handle *calls, size_t size);
	void (*xencall_free_buffer)(struct xencall_handle *calls, void *buffer);
	int (*xencall2)(struct xencall_handle *calls, unsigned op, uint64_t first, uint64_t second);

	/*
	 * As Xen 4.17 declares them. 4.14 has uint8_t or uint32_t where `allow` is, which is 0 or 1,
	 * and in xc_domain_irq_permission() for the pirq too: see XEN_PIRQ_MAX_OLD.
	 */
	struct xc_interface_core *(*xc_interface_open)(struct xentoollog_logger *logger,
	    struct xentoollog_logger *builder_logger, unsigned flags);
	int (*xc_interface_close)(struct xc_interface_core *control);
	int (*xc_domain_getinfolist)(struct xc_interface_core *control, uint32_t first, unsigned max,
	    struct xen_domctl_getdomaininfo *ret_domains);
	int (*xc_domain_ioport_permission)(struct xc_interface_core *control, uint32_t domain,
	    uint32_t first, uint32_t n, uint32_t allow);
	int (*xc_domain_iomem_permission)(struct xc_interface_core *control, uint32_t domain,
	    unsigned long first, unsigned long n, uint8_t allow);
	int (*xc_domain_irq_permission)(struct xc_interface_core *control, uint32_t domain,
	    uint32_t pirq, bool allow);
	int (*xc_assign_device)(struct xc_interface_core *control, uint32_t domain, uint32_t device,
	    uint32_t flags);
	int (*xc_deassign_device)(struct xc_interface_core *control, uint32_t domain,
	    uint32_t device);
};

/* Before this version of Xen a pirq above 255 would be cut to 8 bits, and another one permitted. */
#define XEN_VERSION_WIDE_PIRQ	(UINT32_C(4) << 16 | 17)
#define XEN_PIRQ_MAX_OLD	255

/* What loads libraries: the system, or a double in tests. */
struct xen_loader {
	/* NULL when it can't be; *ret_why is then NULL if there is no such file, and else says why. */
	void *(*open)(const char *path, const char **ret_why);
	void *(*find)(void *library, const char *name);
	void (*close)(void *library);
};

extern const struct xen_loader xen_system_loader;

struct xen_libraries {
	const struct xen_loader *loader;
	void *handles[XEN_LIBRARIES];	/* NULL: not loaded */
	struct xen_functions call;
};

/*
 * Loads all libraries but libxenctrl: their names and functions stay from release to release. Only
 * directories of the system are looked into, in a fixed order. Returns 0, or -ENOENT or -ENOEXEC with
 * a sentence that names the library, or the function that it lacks; nothing is loaded then.
 */
int xen_libraries_open(struct xen_libraries *libraries, const struct xen_loader *loader,
    char message[XEN_LIBRARIES_MESSAGE]);

/*
 * Loads libxenctrl, of which each release of Xen has its own and only that one can talk to it.
 * `version` is that of the Xen that runs, major << 16 | minor. Returns as above; what was loaded
 * before stays.
 */
int xen_libraries_open_control(struct xen_libraries *libraries, uint32_t version,
    char message[XEN_LIBRARIES_MESSAGE]);

/* Nothing of them may be in use any more. */
void xen_libraries_close(struct xen_libraries *libraries);

#endif
