/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#endif

#include <pciback/platform.h>

#include <errno.h>
#include <stdio.h>

#if defined(PCIBACK_WITH_XEN)

#include <sys/mman.h>

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xencall.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include <xen/physdev.h>

/* A transaction that somebody else's writes came into is tried again; so often, in all. */
#define ATTEMPTS 10

/*
 * Some ten microseconds on real hardware: about what a guest takes from one answer to its next request. An event costs
 * three system calls and a switch of processes more. Who sends requests one by one can keep the process at this; it
 * serves the others in between all the same.
 */
#define PATIENCE 50000

struct xen {
	struct pciback_backend *backend;
	struct xs_handle *store;
	xengnttab_handle *grants;
	xenevtchn_handle *events;
	xc_interface *control;
	xencall_handle *calls;
};

/* What the libraries return: -1 and errno. */
static int
result(int r)
{
	if (r >= 0)
		return 0;
	return errno > 0 ? -errno : -EIO;
}

/* ---- The store -------------------------------------------------------------------------- */

static void
read_item(struct xen *xen, xs_transaction_t transaction, struct pciback_store_item *item)
{
	unsigned length = 0;
	char *value = xs_read(xen->store, transaction, item->path, &length);

	item->value[0] = '\0';
	item->result = 0;
	if (value == NULL) {
		item->result = errno > 0 ? -errno : -EIO;
	} else if (length >= sizeof(item->value) || memchr(value, '\0', length) != NULL) {
		item->result = -EMSGSIZE;
	} else {
		memcpy(item->value, value, length);
		item->value[length] = '\0';
	}
	free(value);
}

static int
store_read(void *world, struct pciback_store_item *items, size_t n)
{
	struct xen *xen = world;

	if (n == 1) {
		read_item(xen, XBT_NULL, items);
		return 0;
	}
	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		xs_transaction_t transaction = xs_transaction_start(xen->store);

		if (transaction == XBT_NULL)
			return result(-1);
		for (size_t i = 0; i < n; i++)
			read_item(xen, transaction, &items[i]);
		/* Nothing was written; a conflict shows all the same that this is no one moment. */
		if (xs_transaction_end(xen->store, transaction, false))
			return 0;
		if (errno != EAGAIN)
			return result(-1);
	}
	return -EAGAIN;
}

/* "n0,r3": owner with what others may, then who may read. */
static int
make_node(struct xen *xen, xs_transaction_t transaction, const struct pciback_store_item *item)
{
	struct xs_permissions permissions[2] = { { .id = 0, .perms = XS_PERM_NONE } };
	unsigned owner, reader;

	if (sscanf(item->value, "n%u,r%u", &owner, &reader) != 2)
		return -EINVAL;
	permissions[0].id = owner;
	permissions[1] = (struct xs_permissions){ .id = reader, .perms = XS_PERM_READ };
	if (!xs_mkdir(xen->store, transaction, item->path) ||
	    !xs_set_permissions(xen->store, transaction, item->path, permissions, 2))
		return result(-1);
	return 0;
}

static int
change_item(struct xen *xen, xs_transaction_t transaction, const struct pciback_store_item *item)
{
	struct pciback_store_item now = *item;

	switch (item->action) {
	case PCIBACK_STORE_READ:
		return -EINVAL;
	case PCIBACK_STORE_EXPECT:
		read_item(xen, transaction, &now);
		return now.result == 0 && strcmp(now.value, item->value) == 0 ? 0 : -ESTALE;
	case PCIBACK_STORE_EXPECT_NONE:
		read_item(xen, transaction, &now);
		return now.result == -ENOENT ? 0 : -ESTALE;
	case PCIBACK_STORE_WRITE:
		return xs_write(xen->store, transaction, item->path, item->value,
		    (unsigned)strlen(item->value)) ? 0 : result(-1);
	case PCIBACK_STORE_REMOVE:
		return xs_rm(xen->store, transaction, item->path) || errno == ENOENT ? 0 : result(-1);
	case PCIBACK_STORE_MAKE:
		return make_node(xen, transaction, item);
	}
	return -EINVAL;
}

static int
store_change(void *world, const struct pciback_store_item *items, size_t n)
{
	struct xen *xen = world;

	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		xs_transaction_t transaction = xs_transaction_start(xen->store);
		int r = 0;

		if (transaction == XBT_NULL)
			return result(-1);
		for (size_t i = 0; i < n && r == 0; i++)
			r = change_item(xen, transaction, &items[i]);
		if (r < 0) {
			(void)xs_transaction_end(xen->store, transaction, true);
			return r;
		}
		if (xs_transaction_end(xen->store, transaction, false))
			return 0;
		if (errno != EAGAIN)
			return result(-1);
	}
	return -EAGAIN;
}

static int
store_list(void *world, const char *path, uint16_t *ret_numbers, size_t max, size_t *ret_n)
{
	struct xen *xen = world;
	unsigned n = 0;
	char **names = xs_directory(xen->store, XBT_NULL, path, &n);

	*ret_n = 0;
	if (names == NULL)
		return result(-1);
	for (unsigned i = 0; i < n; i++) {
		uint32_t number;

		if (pciback_decimal_parse(names[i], INT16_MAX, &number) < 0)
			continue;
		if (*ret_n < max)
			ret_numbers[*ret_n] = (uint16_t)number;
		(*ret_n)++;
	}
	free(names);
	return 0;
}

static int
store_watch(void *world, const char *path, uint32_t token)
{
	struct xen *xen = world;
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", (unsigned)token);
	return xs_watch(xen->store, path, text) ? 0 : result(-1);
}

static int
store_unwatch(void *world, const char *path, uint32_t token)
{
	struct xen *xen = world;
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", (unsigned)token);
	return xs_unwatch(xen->store, path, text) ? 0 : result(-1);
}

/* ---- Domains, pages, events ------------------------------------------------------------- */

static int
domain_life(void *world, uint16_t domain, enum pciback_life *ret_life)
{
	struct xen *xen = world;
	xc_domaininfo_t info;
	int n = xc_domain_getinfolist(xen->control, domain, 1, &info);

	if (n < 0)
		return result(n);
	if (n == 0 || info.domain != domain)
		*ret_life = PCIBACK_LIFE_GONE;
	else if ((info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown)) != 0)
		*ret_life = PCIBACK_LIFE_STOPPED;
	else
		*ret_life = PCIBACK_LIFE_RUNNING;
	return 0;
}

static int
page_map(void *world, uint16_t domain, uint32_t reference, struct pciback_page **ret_page)
{
	struct xen *xen = world;
	void *address = xengnttab_map_grant_ref(xen->grants, domain, reference,
	    PROT_READ | PROT_WRITE);

	if (address == NULL)
		return result(-1);
	*ret_page = address;
	return 0;
}

static int
page_unmap(void *world, struct pciback_page *page)
{
	struct xen *xen = world;

	return result(xengnttab_unmap(xen->grants, page, 1));
}

static int
event_bind(void *world, uint16_t domain, uint32_t remote_port, uint32_t *ret_port)
{
	struct xen *xen = world;
	int port = (int)xenevtchn_bind_interdomain(xen->events, domain, remote_port);

	if (port < 0)
		return result(-1);
	*ret_port = (uint32_t)port;
	return 0;
}

static int
event_unbind(void *world, uint32_t port)
{
	struct xen *xen = world;

	return result(xenevtchn_unbind(xen->events, port));
}

static int
event_unmask(void *world, uint32_t port)
{
	struct xen *xen = world;

	return result(xenevtchn_unmask(xen->events, port));
}

static int
event_notify(void *world, uint32_t port)
{
	struct xen *xen = world;

	return result(xenevtchn_notify(xen->events, port));
}

/* ---- Permissions ------------------------------------------------------------------------ */

static int
ioport(void *world, uint16_t domain, uint32_t first, uint32_t n, bool allow)
{
	struct xen *xen = world;

	return result(xc_domain_ioport_permission(xen->control, domain, first, n, allow));
}

static int
iomem(void *world, uint16_t domain, uint64_t first_frame, uint64_t n, bool allow)
{
	struct xen *xen = world;

	/* The library's numbers are shorter on a 32-bit dom0. */
	if (first_frame > ULONG_MAX || n > ULONG_MAX)
		return -ERANGE;
	return result(xc_domain_iomem_permission(xen->control, domain, (unsigned long)first_frame,
	    (unsigned long)n, allow));
}

static int
pirq_map(void *world, uint16_t domain, uint32_t irq, uint32_t *ret_pirq)
{
	struct xen *xen = world;
	int pirq = (int)irq;
	int r = xc_physdev_map_pirq(xen->control, domain, (int)irq, &pirq);

	if (r < 0)
		return result(r);
	*ret_pirq = (uint32_t)pirq;
	return 0;
}

static int
pirq_unmap(void *world, uint16_t domain, uint32_t pirq)
{
	struct xen *xen = world;
	int r = result(xc_physdev_unmap_pirq(xen->control, domain, (int)pirq));

	/* It is mapped no more: `xl destroy` takes back what it believes to be its own, too. */
	return r == -EINVAL ? 0 : r;
}

static int
irq(void *world, uint16_t domain, uint32_t pirq, bool allow)
{
	struct xen *xen = world;

	return result(xc_domain_irq_permission(xen->control, domain, pirq, allow));
}

static uint32_t
number_of(const struct pciback_address *address)
{
	return (uint32_t)address->domain << 16 | (uint32_t)address->bus << 8 |
	    (uint32_t)address->device << 3 | address->function;
}

/* No library has a function for it. */
static int
msix_table(void *world, const struct pciback_address *address, bool known)
{
	struct xen *xen = world;
	struct physdev_pci_device *device = xencall_alloc_buffer(xen->calls, sizeof(*device));
	int r;

	if (device == NULL)
		return -ENOMEM;
	*device = (struct physdev_pci_device){
		.seg = address->domain,
		.bus = address->bus,
		.devfn = (uint8_t)(address->device << 3 | address->function),
	};
	r = result(xencall2(xen->calls, __HYPERVISOR_physdev_op,
	    known ? PHYSDEVOP_prepare_msix : PHYSDEVOP_release_msix, (uintptr_t)device));
	xencall_free_buffer(xen->calls, device);
	/* Of an earlier process that was killed it is known still. */
	return known && r == -EBUSY ? 0 : r;
}

static int
deassign(void *world, uint16_t domain, const struct pciback_address *address)
{
	struct xen *xen = world;
	int r = result(xc_deassign_device(xen->control, domain, number_of(address)));

	/* It is the guest's no more; as above. */
	return r == -ENODEV ? 0 : r;
}

static int
assign(void *world, uint16_t domain, const struct pciback_address *address)
{
	struct xen *xen = world;
	int r = result(xc_assign_device(xen->control, domain, number_of(address),
	    XEN_DOMCTL_DEV_RDM_RELAXED));

	/* Of an earlier process that was killed the guest may have it still. */
	if (r == -EBUSY && deassign(world, domain, address) == 0)
		r = result(xc_assign_device(xen->control, domain, number_of(address),
		    XEN_DOMCTL_DEV_RDM_RELAXED));
	return r;
}

static int
msi_map(void *world, uint16_t domain, const struct pciback_address *address, unsigned entry,
    uint64_t table, uint32_t *ret_pirq)
{
	struct xen *xen = world;
	int pirq = -1, r;

	/* The call has no room for a domain. */
	if (address->domain != 0)
		return -ENOTSUP;
	r = xc_physdev_map_pirq_msi(xen->control, domain, -1, &pirq,
	    address->device << 3 | address->function, address->bus, (int)entry, table);
	if (r < 0)
		return result(r);
	*ret_pirq = (uint32_t)pirq;
	return 0;
}

static const struct pciback_xen_operations operations = {
	.store_read = store_read,
	.store_change = store_change,
	.store_list = store_list,
	.store_watch = store_watch,
	.store_unwatch = store_unwatch,
	.domain_life = domain_life,
	.page_map = page_map,
	.page_unmap = page_unmap,
	.event_bind = event_bind,
	.event_unbind = event_unbind,
	.event_unmask = event_unmask,
	.event_notify = event_notify,
	.ioport = ioport,
	.iomem = iomem,
	.pirq_map = pirq_map,
	.pirq_unmap = pirq_unmap,
	.irq = irq,
	.assign = assign,
	.deassign = deassign,
	.msix_table = msix_table,
	.msi_map = msi_map,
};

/* ---- The connection --------------------------------------------------------------------- */

static int
receive(void *world)
{
	struct xen *xen = world;
	char **event;
	int port;

	while ((event = xs_check_watch(xen->store)) != NULL) {
		uint32_t token;

		if (pciback_decimal_parse(event[XS_WATCH_TOKEN], UINT32_MAX, &token) == 0)
			pciback_backend_watch(xen->backend, event[XS_WATCH_PATH], token);
		free(event);
	}
	if (errno != EAGAIN)
		return result(-1);
	/* One at a time: poll() tells of the others, and a guest waits for the answer to this one. */
	port = (int)xenevtchn_pending(xen->events);
	if (port >= 0)
		pciback_backend_event(xen->backend, (uint32_t)port);
	else if (errno != EAGAIN && errno != EINTR)
		return result(-1);
	return 0;
}

static uint64_t
real_clock(void *world)
{
	(void)world;
	return pciback_clock();
}

static void
close_link(void *world)
{
	struct xen *xen = world;

	if (xen->store != NULL)
		xs_close(xen->store);
	if (xen->grants != NULL)
		(void)xengnttab_close(xen->grants);
	if (xen->events != NULL)
		(void)xenevtchn_close(xen->events);
	if (xen->control != NULL)
		(void)xc_interface_close(xen->control);
	if (xen->calls != NULL)
		(void)xencall_close(xen->calls);
	free(xen);
}

/* Two backends for the same guests would take each other's devices. */
static bool
has_kernel_backend(char message[PCIBACK_PLATFORM_MESSAGE])
{
	static const char *const signs[] = { "/sys/bus/xen-backend/drivers/pciback", "/kern/xen/pci" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (access(signs[i], F_OK) < 0)
			continue;
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
		    "the kernel's own backend is at work (%s): unload it, or boot without a hide list",
		    signs[i]);
		return true;
	}
	return false;
}

int
pciback_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	struct xen *xen;
	const char *what = NULL;
	int error;

	if (has_kernel_backend(message))
		return -EBUSY;
	xen = calloc(1, sizeof(*xen));
	if (xen == NULL) {
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	xen->backend = backend;
	errno = 0;
	if ((xen->store = xs_open(0)) == NULL)
		what = "xenstore";
	else if ((xen->control = xc_interface_open(NULL, NULL, 0)) == NULL ||
	    (xen->calls = xencall_open(NULL, 0)) == NULL)
		what = "the hypervisor";
	else if ((xen->events = xenevtchn_open(NULL, 0)) == NULL)
		what = "event channels";
	else if ((xen->grants = xengnttab_open(NULL, 0)) == NULL)
		what = "the grant table";
	else if (fcntl(xenevtchn_fd(xen->events), F_SETFL, O_NONBLOCK) < 0)
		what = "event channels";
	if (what != NULL) {
		error = errno > 0 ? errno : EIO;
		(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
		    "%s can't be opened (%s); is this dom0, and are you root?", what, strerror(error));
		close_link(xen);
		return -error;
	}
	backend->patience = PATIENCE;
	*ret_link = (struct pciback_xen_link){
		.xen = { .operations = &operations, .world = xen },
		.fds = { xs_fileno(xen->store), xenevtchn_fd(xen->events) },
		.n_fds = 2,
		.receive = receive,
		.clock = real_clock,
		.close = close_link,
	};
	return 0;
}

#else

int
pciback_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE])
{
	(void)ret_link;
	(void)backend;
	(void)snprintf(message, PCIBACK_PLATFORM_MESSAGE,
	    "this pcibackd was built without Xen's libraries; only --bus with --xen-socket works");
	return -ENOSYS;
}

#endif
