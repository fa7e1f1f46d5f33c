/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fake_xen.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/taken.h>

#include "../core/guest/cleaning.h"

/* Whether the process was killed before this. */
static bool
is_dead(struct fake_xen *xen)
{
	xen->is_dead = xen->is_dead || xen->is_dying;
	return xen->is_dead;
}

/* Whether this call is one that was to fail. */
static int
fails(struct fake_xen *xen)
{
	xen->n_calls++;
	if (is_dead(xen) || xen->n_calls == xen->kill_at) {
		xen->is_dead = true;
		return -EIO;
	}
	xen->is_dying = xen->n_calls == xen->kill_after;
	if (xen->n_calls != xen->fail_at &&
	    (xen->fail_from == 0 || xen->n_calls < xen->fail_from))
		return 0;
	return xen->fail_with != 0 ? xen->fail_with : -EIO;
}

/* ---- The store -------------------------------------------------------------------------- */

static struct fake_node *
find(const struct fake_xen *xen, const char *path)
{
	for (size_t i = 0; i < xen->n_nodes; i++)
		if (xen->nodes[i].used && strcmp(xen->nodes[i].path, path) == 0)
			return (struct fake_node *)(uintptr_t)&xen->nodes[i];
	return NULL;
}

static bool
is_below(const char *path, const char *parent)
{
	size_t length = strlen(parent);

	return strncmp(path, parent, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static void
fire(struct fake_xen *xen, const char *path, bool removed)
{
	for (size_t i = 0; i < FAKE_WATCHES; i++) {
		const struct fake_watch *watch = &xen->watches[i];

		if (watch->used && (is_below(path, watch->path) ||
		    (removed && is_below(watch->path, path))))
			pciback_backend_watch(xen->backend, path, watch->token);
	}
}

static void
put(struct fake_xen *xen, const char *path, const char *value)
{
	struct fake_node *node = find(xen, path);

	for (size_t i = 0; node == NULL; i++) {
		if (i == FAKE_NODES)
			abort();
		if (!xen->nodes[i].used)
			node = &xen->nodes[i];
		if (i >= xen->n_nodes)
			xen->n_nodes = i + 1;
	}
	node->used = true;
	(void)snprintf(node->path, sizeof(node->path), "%s", path);
	(void)snprintf(node->value, sizeof(node->value), "%s", value);
	fire(xen, path, false);
}

static void
take(struct fake_xen *xen, const char *path)
{
	bool any = false;

	for (size_t i = 0; i < xen->n_nodes; i++) {
		if (xen->nodes[i].used && is_below(xen->nodes[i].path, path)) {
			xen->nodes[i].used = false;
			any = true;
		}
	}
	if (any)
		fire(xen, path, true);
}

static int
store_read(void *world, struct pciback_store_item *items, size_t n)
{
	struct fake_xen *xen = world;
	int r = fails(xen);

	xen->n_reads++;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct fake_node *node = find(xen, items[i].path);

		items[i].value[0] = '\0';
		items[i].result = 0;
		if (node == NULL)
			items[i].result = -ENOENT;
		else if (strlen(node->value) >= PCIBACK_STORE_VALUE)
			items[i].result = -EMSGSIZE;
		else
			memcpy(items[i].value, node->value, strlen(node->value) + 1);
	}
	return r;
}

static int
store_change(void *world, const struct pciback_store_item *items, size_t n)
{
	struct fake_xen *xen = world;
	int r = fails(xen);

	if (r < 0)
		return r;
	if (xen->was_stale) {
		xen->was_stale = false;
		return -ESTALE;
	}
	if (xen->vanishes != NULL)
		take(xen, xen->vanishes);
	xen->vanishes = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct fake_node *node = find(xen, items[i].path);

		if ((items[i].action == PCIBACK_STORE_EXPECT &&
		    (node == NULL || strcmp(node->value, items[i].value) != 0)) ||
		    (items[i].action == PCIBACK_STORE_EXPECT_NONE && node != NULL))
			return -ESTALE;
	}
	for (size_t i = 0; i < n; i++) {
		if (items[i].action == PCIBACK_STORE_WRITE || items[i].action == PCIBACK_STORE_MAKE)
			put(xen, items[i].path,
			    items[i].action == PCIBACK_STORE_WRITE ? items[i].value : "");
		else if (items[i].action == PCIBACK_STORE_REMOVE)
			take(xen, items[i].path);
	}
	return 0;
}

static int
store_list(void *world, const char *path, uint16_t *ret_numbers, size_t max, size_t *ret_n)
{
	struct fake_xen *xen = world;
	size_t length = strlen(path), n = 0;
	int r = fails(xen);

	if (r < 0)
		return r;
	for (size_t i = 0; i < xen->n_nodes; i++) {
		const char *name = xen->nodes[i].path;
		uint16_t number;
		bool known = false;

		if (!xen->nodes[i].used || !is_below(name, path) || name[length] == '\0')
			continue;
		number = (uint16_t)strtoul(name + length + 1, NULL, 10);
		for (size_t j = 0; j < n && j < max; j++)
			known = known || ret_numbers[j] == number;
		if (known)
			continue;
		if (n < max)
			ret_numbers[n] = number;
		n++;
	}
	if (n == 0)
		return -ENOENT;
	*ret_n = n;
	return 0;
}

static int
store_watch(void *world, const char *path, uint32_t token)
{
	struct fake_xen *xen = world;
	int r = fails(xen);

	if (r < 0)
		return r;
	for (size_t i = 0; i < FAKE_WATCHES; i++) {
		if (xen->watches[i].used)
			continue;
		xen->watches[i].used = true;
		xen->watches[i].token = token;
		(void)snprintf(xen->watches[i].path, sizeof(xen->watches[i].path), "%s", path);
		/* Every watch fires once when it is set. */
		pciback_backend_watch(xen->backend, path, token);
		return 0;
	}
	return -ENOSPC;
}

static int
store_unwatch(void *world, const char *path, uint32_t token)
{
	struct fake_xen *xen = world;

	for (size_t i = 0; i < FAKE_WATCHES; i++) {
		struct fake_watch *watch = &xen->watches[i];

		if (watch->used && watch->token == token && strcmp(watch->path, path) == 0) {
			watch->used = false;
			return 0;
		}
	}
	xen->n_errors++;
	return -ENOENT;
}

/* ---- Domains and permissions ------------------------------------------------------------ */

static int
domain_life(void *world, uint16_t domain, enum pciback_life *ret_life)
{
	struct fake_xen *xen = world;
	int r = fails(xen);

	if (r < 0)
		return r;
	*ret_life = domain < FAKE_DOMAINS ? xen->life[domain] : PCIBACK_LIFE_GONE;
	return 0;
}

static int
domain_identity(void *world, uint16_t domain, struct pciback_domain_identity *ret_identity)
{
	const struct fake_xen *xen = world;

	if (xen->is_dead || domain >= FAKE_DOMAINS || xen->identity[domain] == 0)
		return -ESRCH;
	memset(ret_identity, 0, sizeof(*ret_identity));
	ret_identity->bytes[0] = xen->identity[domain];
	return 0;
}

static void
note(struct fake_xen *xen, char sign, const char *what)
{
	if (xen->n_order + 3 > sizeof(xen->order))
		return;
	xen->order[xen->n_order++] = sign;
	xen->order[xen->n_order++] = what[0] == 'i' ? what[1] : what[0];
	xen->order[xen->n_order] = '\0';
}

static int
give(struct fake_xen *xen, const char *what, uint16_t domain, uint64_t first, uint64_t n)
{
	int r = fails(xen);

	if (r == 0 && xen->refuses != NULL && strcmp(what, xen->refuses) == 0)
		r = -EPERM;
	if (r < 0)
		return r;
	for (size_t i = 0; i < FAKE_GRANTS; i++) {
		struct fake_grant *grant = &xen->grants[i];

		if (grant->used && strcmp(grant->what, what) == 0 && grant->domain == domain &&
		    grant->first == first)
			xen->n_errors++;
	}
	for (size_t i = 0; i < FAKE_GRANTS; i++) {
		struct fake_grant *grant = &xen->grants[i];

		if (grant->used)
			continue;
		*grant = (struct fake_grant){ .used = true, .domain = domain, .first = first, .n = n };
		(void)snprintf(grant->what, sizeof(grant->what), "%s", what);
		xen->n_grants++;
		note(xen, '+', what);
		return 0;
	}
	abort();
}

static int
take_back(struct fake_xen *xen, const char *what, uint16_t domain, uint64_t first, uint64_t n)
{
	int r = fails(xen);

	if (xen->is_dead)
		return r;
	note(xen, '-', what);
	if (r == 0 && xen->keeps != NULL && strcmp(what, xen->keeps) == 0 && domain == xen->keeps_of)
		r = -EPERM;
	for (size_t i = 0; i < FAKE_GRANTS; i++) {
		struct fake_grant *grant = &xen->grants[i];

		if (!grant->used || strcmp(grant->what, what) != 0 || grant->domain != domain ||
		    grant->first != first || grant->n != n)
			continue;
		/* A page or an event channel is left to its domain's end; of a dead one Xen has all back. */
		if (r < 0 && r != -ESRCH && strcmp(what, "page") != 0 && strcmp(what, "event") != 0)
			return r;
		grant->used = false;
		xen->n_grants--;
		return r;
	}
	if (!xen->was_killed)
		xen->n_errors++;
	return r;
}

static int
page_map(void *world, uint16_t domain, uint32_t reference, struct pciback_page **ret_page)
{
	struct fake_xen *xen = world;
	int r;

	if (reference != 8u + domain)
		return -EINVAL;
	r = give(xen, "page", domain, reference, 1);
	if (r == 0)
		*ret_page = &xen->page[domain];
	return r;
}

static int
page_unmap(void *world, struct pciback_page *page)
{
	struct fake_xen *xen = world;
	uint16_t domain = (uint16_t)(page - xen->page);

	return take_back(xen, "page", domain, 8u + domain, 1);
}

static int
event_bind(void *world, uint16_t domain, uint32_t remote_port, uint32_t *ret_port)
{
	struct fake_xen *xen = world;
	int r;

	if (remote_port == 0)
		return -EINVAL;
	(void)domain;
	r = give(xen, "event", 0, ++xen->next_port, 1);
	if (r == 0)
		*ret_port = xen->ports[domain % FAKE_DOMAINS] = xen->next_port;
	return r;
}

static int
event_unbind(void *world, uint32_t port)
{
	return take_back(world, "event", 0, port, 1);
}

static int
event_unmask(void *world, uint32_t port)
{
	struct fake_xen *xen = world;

	(void)port;
	xen->n_unmasked++;
	return 0;
}

static int
event_notify(void *world, uint32_t port)
{
	struct fake_xen *xen = world;

	(void)port;
	xen->n_notified++;
	xen->work += xen->work_each;
	if (xen->n_more > 0) {
		xen->n_more--;
		(void)atomic_fetch_or(&xen->page[1].flags, (uint32_t)PCIBACK_FLAG_REQUEST);
	}
	return 0;
}

static int
ioport(void *world, uint16_t domain, uint32_t first, uint32_t n, bool allow)
{
	return allow ? give(world, "ioport", domain, first, n) :
	    take_back(world, "ioport", domain, first, n);
}

static int
iomem(void *world, uint16_t domain, uint64_t first_frame, uint64_t n, bool allow)
{
	return allow ? give(world, "iomem", domain, first_frame, n) :
	    take_back(world, "iomem", domain, first_frame, n);
}

static int
pirq_map(void *world, uint16_t domain, uint32_t irq, uint32_t *ret_pirq)
{
	const struct fake_xen *xen = world;
	uint32_t pirq = irq + xen->pirq_offset;
	int r = give(world, "pirq", domain, pirq, 1);

	if (r == 0)
		*ret_pirq = pirq;
	return r;
}

static int
pirq_unmap(void *world, uint16_t domain, uint32_t pirq)
{
	return take_back(world, pirq >= 1000 ? "msi" : "pirq", domain, pirq, 1);
}

static int
irq(void *world, uint16_t domain, uint32_t pirq, bool allow)
{
	return allow ? give(world, "irq", domain, pirq, 1) :
	    take_back(world, "irq", domain, pirq, 1);
}

static uint64_t
number_of(const struct pciback_address *address)
{
	return (uint64_t)address->domain << 16 | (uint64_t)address->bus << 8 |
	    (uint64_t)address->device << 3 | address->function;
}

static struct fake_device *
find_device(struct fake_xen *xen, const struct pciback_address *address)
{
	for (size_t i = 0; i < FAKE_DEVICES; i++)
		if (pciback_address_compare(&xen->devices[i].address, address) == 0)
			return &xen->devices[i];
	abort();
}

static bool
is_assigned(const struct fake_xen *xen, const struct pciback_address *address)
{
	for (size_t i = 0; i < FAKE_GRANTS; i++)
		if (xen->grants[i].used && strcmp(xen->grants[i].what, "device") == 0 &&
		    xen->grants[i].first == number_of(address))
			return true;
	return false;
}

/* What is known of a device changes, unless this call fails. */
static int
set(struct fake_xen *xen, bool *flag, bool value, const char *what)
{
	int r = fails(xen);

	if (r == 0 && value && xen->refuses != NULL && strcmp(what, xen->refuses) == 0)
		r = -EPERM;
	if (r < 0)
		return r;
	/* Another process may have done it before. */
	if (!*flag && !value)
		xen->n_errors++;
	*flag = value;
	note(xen, value ? '+' : '-', what);
	return 0;
}

/* As in Xen, it must be a device's that no guest has, and memory must be decoded. */
static int
msix_table(void *world, const struct pciback_address *address, bool known)
{
	struct fake_device *device = find_device(world, address);
	struct fake_xen *xen = world;

	if (is_dead(xen))
		return -EIO;
	if (is_assigned(xen, address) ||
	    (known && ((device->config[4] & 2) == 0 || device->config[0x60] != 0x11)))
		xen->n_errors++;
	return set(xen, &device->has_table, known, "table");
}

/* Only out of quarantine: until then dom0's driver may have programmed it. */
static int
assign(void *world, uint16_t domain, const struct pciback_address *address, bool rdm_relaxed)
{
	struct fake_device *device = find_device(world, address);
	struct fake_xen *xen = world;

	if (is_dead(xen))
		return -EIO;
	if (xen->no_iommu)
		return -EOPNOTSUPP;
	if (is_assigned(xen, address))
		return -EBUSY;
	if (device->wants_reserved && !rdm_relaxed && domain != PCIBACK_DOMAIN_QUARANTINE)
		return -EPERM;
	if (domain == PCIBACK_DOMAIN_QUARANTINE)
		return set(xen, &device->is_in_quarantine, true, "quarantine");
	if (!device->is_in_quarantine || (device->config[0x60] == 0x11 && !device->has_table))
		xen->n_errors++;
	return give(xen, "device", domain, number_of(address), 1);
}

static int
deassign(void *world, uint16_t domain, const struct pciback_address *address)
{
	struct fake_xen *xen = world;

	if (domain == PCIBACK_DOMAIN_QUARANTINE)
		return set(xen, &find_device(xen, address)->is_in_quarantine, false, "quarantine");
	return take_back(world, "device", domain, number_of(address), 1);
}

static int
msi_map(void *world, uint16_t domain, const struct pciback_address *address, unsigned entry,
    uint64_t table, uint32_t *ret_pirq)
{
	struct fake_xen *xen = world;
	uint32_t pirq;
	int r;

	(void)entry;
	if (table != 0 && !find_device(xen, address)->has_table)
		return -ENODATA;
	pirq = 1000 + xen->next_pirq++;
	r = give(xen, "msi", domain, pirq, 1);
	if (r == 0)
		*ret_pirq = pirq;
	return r;
}

static void
recovered(void *world, uint16_t domain, const struct pciback_address *address,
    enum pciback_command command, enum pciback_recovery result)
{
	struct fake_xen *xen = world;

	(void)domain;
	(void)address;
	(void)command;
	xen->recovery = result;
}

const struct pciback_xen_operations fake_xen_operations = {
	.store_read = store_read,
	.store_change = store_change,
	.store_list = store_list,
	.store_watch = store_watch,
	.store_unwatch = store_unwatch,
	.domain_life = domain_life,
	.domain_identity = domain_identity,
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
	.recovered = recovered,
};

/* ---- Devices ---------------------------------------------------------------------------- */

static int
config_read(void *world, void *handle, unsigned offset, unsigned size, uint32_t *ret_value)
{
	const struct fake_device *device = handle;

	(void)world;
	if (device->read_error < 0)
		return device->read_error;
	*ret_value = 0;
	for (unsigned i = 0; i < size; i++)
		*ret_value |= (uint32_t)device->config[offset + i] << 8 * i;
	return 0;
}

static int
config_write(void *world, void *handle, unsigned offset, unsigned size, uint32_t value)
{
	struct fake_device *device = handle;

	if (is_dead(world))
		return -EIO;
	for (unsigned i = 0; i < size; i++)
		if (device->stuck == 0 || offset + i != device->stuck)
			device->config[offset + i] = (uint8_t)(value >> 8 * i);
	return 0;
}

static int
device_enable(void *world, void *handle)
{
	struct fake_device *device = handle;
	int r = fails(world);

	if (r == 0)
		device->config[4] |= 3;
	return r;
}

static const struct pciback_operations device_operations = {
	.config_read = config_read,
	.config_write = config_write,
	.device_enable = device_enable,
};

static int
open_device(void *world, const struct pciback_address *address,
    struct pciback_device_settings *ret_settings)
{
	struct fake_xen *xen = world;
	int r = fails(xen);

	if (r == 0)
		r = xen->cant_open;
	if (r < 0)
		return r;
	for (size_t i = 0; i < FAKE_DEVICES; i++) {
		struct fake_device *device = &xen->devices[i];

		if (device->config[0] == 0 || pciback_address_compare(&device->address, address) != 0)
			continue;
		if (device->is_open)
			xen->n_errors++;
		device->is_open = true;
		device->is_dom0s = false;
		*ret_settings = (struct pciback_device_settings){
			.address = *address,
			.handle = device,
			.vendor = 0x8086,
			.device = 0x10d3,
			.config_size = 256,
			.unset_bars = device->unset_bars,
			.interrupt_line = device->config[0x3c],
			.line_source = device->config[0x3d] == 0 ? PCIBACK_LINE_NONE :
			    device->is_routed ? PCIBACK_LINE_SYSTEM : PCIBACK_LINE_FIRMWARE,
		};
		memcpy(ret_settings->bars, device->bars, sizeof(device->bars));
		ret_settings->rom = device->rom;
		return 0;
	}
	return -ENODEV;
}

static int
identify(void *world, const struct pciback_address *address, struct pciback_found *ret_found)
{
	const struct fake_xen *xen = world;

	for (size_t i = 0; i < FAKE_DEVICES; i++) {
		const struct fake_device *device = &xen->devices[i];

		if (device->config[0] == 0 || pciback_address_compare(&device->address, address) != 0)
			continue;
		if (device->read_error < 0)
			return device->read_error;
		*ret_found = (struct pciback_found){
			.identity = {
				.vendor = 0x8086,
				.device = 0x10d3,
				.subsystem_vendor = 0x8086,
				.subsystem = 0xa01f,
			},
		};
		if (xen->cant_open == -EBUSY)
			(void)snprintf(ret_found->driver, sizeof(ret_found->driver), "wm2");
		return 0;
	}
	return -ENODEV;
}

static void
release_device(void *world, void *handle, bool to_dom0)
{
	struct fake_xen *xen = world;
	struct fake_device *device = handle;

	if (is_dead(xen))
		return;
	if (!device->is_open || (device->config[4] & 4) != 0)
		xen->n_errors++;
	device->is_open = false;
	device->is_dom0s = to_dom0;
	device->n_released++;
}

static int
visit_neighbours(void *world, int (*visit)(void *context, const struct pciback_neighbour *neighbour),
    void *context)
{
	const struct fake_xen *xen = world;

	return xen->neighbours_error < 0 ? xen->neighbours_error : visit(context, &xen->neighbour);
}

static int
check_device(void *world, void *handle)
{
	const struct fake_device *device = handle;

	(void)world;
	return device->lost;
}

/* BARs are lost, and the device neither decodes nor masters. */
static int
reset_device(void *world, void *handle)
{
	struct fake_device *device = handle;
	int r = fails(world);

	if (r == 0)
		r = device->reset_error;
	if (r < 0)
		return r;
	if (device->slow > 0) {
		device->slow--;
		return FAKE_RESET_LOOK;
	}
	device->n_resets++;
	device->config[4] = 0;
	memset(device->config + 0x10, 0, 0x18);
	return 0;
}

static void
pass(void *world, unsigned milliseconds)
{
	struct fake_xen *xen = world;

	xen->paused += milliseconds;
}

static void
log_line(void *world, enum pciback_log_level level, const char *line)
{
	struct fake_xen *xen = world;

	(void)level;
	xen->n_lines++;
	(void)snprintf(xen->line, sizeof(xen->line), "%s", line);
	if (xen->n_said + strlen(line) + 2 <= sizeof(xen->said))
		xen->n_said += (size_t)snprintf(xen->said + xen->n_said, sizeof(xen->said) - xen->n_said,
		    "%s\n", line);
	if (getenv("PCIBACK_TEST_LOG") != NULL)
		(void)printf("%s\n", line);
}

/* An Ethernet controller with memory above 4 GiB, ports, MSI at 0x50 and MSI-X at 0x60. */
static void
make_device(struct fake_device *device, unsigned number)
{
	device->address = (struct pciback_address){ .bus = 3, .device = (uint8_t)number };
	memset(device->config, 0, sizeof(device->config));
	device->config[0] = 0x86;
	device->config[1] = 0x80;
	device->config[4] = 0x03;
	device->config[6] = 0x10;
	device->config[0x0b] = 2;
	device->config[0x34] = 0x50;
	device->config[0x3c] = (uint8_t)(16 + number);
	device->config[0x3d] = 1;
	device->config[0x50] = 0x05;
	device->config[0x51] = 0x60;
	device->config[0x52] = 0x80;
	device->config[0x60] = 0x11;
	device->config[0x62] = 0x03;
	device->bars[0] = (struct pciback_resource){
		.kind = PCIBACK_RESOURCE_MEM64,
		.address = UINT64_C(0x380000000000) + number * UINT64_C(0x20000),
		.size = 0x20000,
	};
	device->bars[2] = (struct pciback_resource){
		.kind = PCIBACK_RESOURCE_IO,
		.address = 0xc000 + number * 0x40u,
		.size = 0x40,
	};
	device->config[0x10] = 0x04;
	device->config[0x12] = (uint8_t)(number * 2);
	device->config[0x15] = 0x38;
	device->config[0x18] = (uint8_t)(number * 0x40 | 1);
	device->config[0x19] = (uint8_t)(0xc0 + (number >> 2));
}

/* ---- The whole -------------------------------------------------------------------------- */

static int
read_record(void *world, uint64_t offset, void *ret_bytes, size_t n)
{
	const struct fake_xen *xen = world;

	if (offset + n > sizeof(xen->record))
		abort();
	memcpy(ret_bytes, xen->record + offset, n);
	return 0;
}

static int
write_record(void *world, uint64_t offset, const void *bytes, size_t n)
{
	struct fake_xen *xen = world;

	if (is_dead(xen))
		return -EIO;
	if (xen->is_discarded)
		xen->n_errors++;
	if (xen->write_error < 0)
		return xen->write_error;
	memcpy(xen->record + offset, bytes, n);
	xen->n_written++;
	return 0;
}

static void
discard_record(void *world)
{
	struct fake_xen *xen = world;

	if (is_dead(xen))
		return;
	memset(xen->record, 0, sizeof(xen->record));
	xen->is_discarded = true;
}

static const struct pciback_record_operations record_operations = {
	.read = read_record,
	.write = write_record,
	.discard = discard_record,
};

/* A process, on what is there. */
static void
start(struct fake *fake)
{
	fake->xen.backend = &fake->backend;
	fake->backend.xen = (struct pciback_xen){ .operations = &fake_xen_operations, .world = &fake->xen };
	fake->backend.hardware = (struct pciback_hardware){
		.operations = &device_operations,
		.world = &fake->xen,
		.identify = identify,
		.open = open_device,
		.check = check_device,
		.visit_neighbours = visit_neighbours,
		.release = release_device,
		.reset = reset_device,
		.pause = pass,
		.log = log_line,
	};
	fake->backend.topology = PCIBACK_TOPOLOGY_VIRTUAL;
	fake->backend.guests = fake->guests;
	fake->backend.n_guests = sizeof(fake->guests) / sizeof(fake->guests[0]);
	fake->backend.domains = fake->domains;
	fake->backend.max_domains = sizeof(fake->domains) / sizeof(fake->domains[0]);
	fake->backend.slots = fake->slots;
	fake->backend.n_slots = sizeof(fake->slots) / sizeof(fake->slots[0]);
	fake->backend.jobs = fake->jobs;
	fake->backend.n_jobs = sizeof(fake->jobs) / sizeof(fake->jobs[0]);
	if (fake->xen.has_record)
		pciback_backend_keep_record(&fake->backend, &(struct pciback_record_store){
		    .operations = &record_operations, .world = &fake->xen });
	pciback_backend_init(&fake->backend);
	(void)pciback_backend_start(&fake->backend, fake->now);
	fake_run(fake);
}

static void
make_fresh(struct fake *fake)
{
	size_t n_nodes = fake->xen.n_nodes;

	/* Most of it is nodes that no test ever had. */
	memset(fake->xen.nodes, 0, n_nodes * sizeof(fake->xen.nodes[0]));
	memset((char *)fake + sizeof(fake->xen.nodes), 0, sizeof(*fake) - sizeof(fake->xen.nodes));
	fake->xen.pirq_offset = 100;
	fake->xen.recovery = 0;
	for (unsigned i = 0; i < 4; i++)
		make_device(&fake->xen.devices[i], i);
	for (unsigned i = 0; i < FAKE_DEVICES; i++)
		fake->xen.devices[i].is_dom0s = true;
	fake->now = 1000;
}

void
fake_init(struct fake *fake)
{
	make_fresh(fake);
	start(fake);
}

void
fake_init_recorded(struct fake *fake)
{
	make_fresh(fake);
	fake->xen.has_record = true;
	for (unsigned i = 1; i < FAKE_DOMAINS; i++)
		fake->xen.identity[i] = (uint8_t)(0x40 + i);
	/* So that a permission that was only announced is one. */
	fake->xen.pirq_offset = 0;
	start(fake);
}

void
fake_restart(struct fake *fake)
{
	struct fake_xen *xen = &fake->xen;
	const unsigned allow = fake->backend.allow;

	for (size_t i = 0; i < FAKE_GRANTS; i++) {
		struct fake_grant *grant = &xen->grants[i];
		bool is_gone = grant->domain != 0 && xen->life[grant->domain] == PCIBACK_LIFE_GONE;

		if (!grant->used ||
		    (!is_gone && strcmp(grant->what, "page") != 0 && strcmp(grant->what, "event") != 0))
			continue;
		grant->used = false;
		xen->n_grants--;
	}
	memset(xen->watches, 0, sizeof(xen->watches));
	for (size_t i = 0; i < FAKE_DEVICES; i++)
		xen->devices[i].is_open = false;
	xen->was_killed = true;
	xen->is_dead = xen->is_dying = false;
	xen->kill_at = xen->kill_after = 0;
	memset((char *)fake + sizeof(fake->xen), 0, offsetof(struct fake, now) - sizeof(fake->xen));
	fake->backend.allow = allow;
	start(fake);
}

static uint64_t
work(void *world)
{
	struct fake_xen *xen = world;

	return xen->work;
}

void
fake_count_work(struct fake *fake)
{
	fake->backend.xen.work = work;
}

void
fake_run(struct fake *fake)
{
	/* More turns than that, and it runs in a circle. */
	for (unsigned i = 0; i < 600; i++)
		if (pciback_backend_run(&fake->backend, fake->now) != 0 || is_dead(&fake->xen))
			return;
	(void)printf("the backend does not come to rest\n");
	fake->xen.n_errors++;
}

int
fake_take(struct fake *fake, const struct pciback_wanted *devices, size_t n, char message[PCIBACK_LOG_LINE])
{
	int r;

	while ((r = pciback_backend_take(&fake->backend, devices, n, message)) == -EINPROGRESS)
		(void)pciback_cleaning_run(&fake->backend);
	return r;
}

void
fake_pass(struct fake *fake, unsigned milliseconds)
{
	fake->now += milliseconds;
	fake_run(fake);
}

bool
fake_said(const struct fake *fake, const char *text)
{
	return strstr(fake->xen.said, text) != NULL;
}

bool
fake_end(struct fake *fake)
{
	bool is_clean;

	pciback_backend_end(&fake->backend, fake->now);
	for (size_t i = 0; i < FAKE_DEVICES; i++) {
		if (!fake->xen.devices[i].is_open)
			continue;
		(void)printf("a device is left\n");
		return false;
	}
	for (size_t i = 0; i < FAKE_WATCHES; i++) {
		if (!fake->xen.watches[i].used || fake->xen.fail_from != 0)
			continue;
		(void)printf("a watch is left: %s\n", fake->xen.watches[i].path);
		return false;
	}
	/* What it says could not be taken back is all that may be left. */
	is_clean = fake->xen.n_grants == fake->backend.n_not_revoked && fake->xen.n_errors == 0;
	if (!is_clean)
		(void)printf("%zu permissions are left, %zu mistakes: %s\n", fake->xen.n_grants,
		    fake->xen.n_errors, fake->xen.order);
	return is_clean;
}

void
fake_put(struct fake *fake, const char *path, const char *value)
{
	put(&fake->xen, path, value);
}

static void
resolve(char whole[PCIBACK_STORE_PATH], uint16_t domain, const char *path)
{
	if (path[0] == '/')
		(void)snprintf(whole, PCIBACK_STORE_PATH, "/local/domain/%u/device/pci/0%s",
		    (unsigned)domain, path[1] == '\0' ? "" : path);
	else
		(void)snprintf(whole, PCIBACK_STORE_PATH, PCIBACK_BACKENDS_PATH "/%u/0%s%s",
		    (unsigned)domain, path[0] == '\0' ? "" : "/", path);
}

void
fake_write(struct fake *fake, uint16_t domain, const char *path, const char *value)
{
	char whole[PCIBACK_STORE_PATH];

	resolve(whole, domain, path);
	put(&fake->xen, whole, value);
}

void
fake_remove(struct fake *fake, uint16_t domain, const char *path)
{
	char whole[PCIBACK_STORE_PATH];

	resolve(whole, domain, path);
	take(&fake->xen, whole);
}

const char *
fake_read(const struct fake *fake, uint16_t domain, const char *path)
{
	char whole[PCIBACK_STORE_PATH];
	const struct fake_node *node;

	resolve(whole, domain, path);
	node = find(&fake->xen, whole);
	return node == NULL ? "(none)" : node->value;
}

void
fake_name(struct fake *fake, uint16_t domain, unsigned first, unsigned n)
{
	char key[PCIBACK_STORE_PATH], value[PCIBACK_STORE_VALUE];

	(void)snprintf(value, sizeof(value), "/local/domain/%u/device/pci/0", (unsigned)domain);
	fake_write(fake, domain, "frontend", value);
	(void)snprintf(value, sizeof(value), "%u", (unsigned)domain);
	fake_write(fake, domain, "frontend-id", value);
	fake_write(fake, domain, "online", "1");
	fake_write(fake, domain, "domain", "guest");
	fake_write(fake, domain, "/state", "1");
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(value, sizeof(value), "0000:03:%02x.0", first + i);
		(void)snprintf(key, sizeof(key), "key-%u", i);
		fake_write(fake, domain, key, value);
		(void)snprintf(key, sizeof(key), "dev-%u", i);
		fake_write(fake, domain, key, value);
		(void)snprintf(key, sizeof(key), "opts-%u", i);
		fake_write(fake, domain, key,
		    "msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict");
		(void)snprintf(key, sizeof(key), "state-%u", i);
		fake_write(fake, domain, key, "1");
	}
	(void)snprintf(value, sizeof(value), "%u", n);
	fake_write(fake, domain, "num_devs", value);
	fake_write(fake, domain, "state", "1");
}

void
fake_create(struct fake *fake, uint16_t domain, unsigned first, unsigned n)
{
	fake_name(fake, domain, first, n);
	fake_run(fake);
}

void
fake_frontend(struct fake *fake, uint16_t domain, bool is_linux)
{
	char value[PCIBACK_STORE_VALUE];

	memset(&fake->xen.page[domain], 0, sizeof(fake->xen.page[domain]));
	if (is_linux)
		atomic_store(&fake->xen.page[domain].flags, PCIBACK_FLAG_AER_HANDLER);
	(void)snprintf(value, sizeof(value), "%u", 8u + domain);
	fake_write(fake, domain, "/pci-op-ref", value);
	fake_write(fake, domain, "/event-channel", "11");
	fake_write(fake, domain, "/magic", PCIBACK_MAGIC);
	fake_write(fake, domain, "/state", "3");
	fake_run(fake);
}

void
fake_set(struct fake *fake, uint16_t domain, const char *path, const char *value)
{
	fake_write(fake, domain, path, value);
	fake_run(fake);
}

void
fake_connect(struct fake *fake, unsigned n, bool is_linux)
{
	fake_init(fake);
	fake_create(fake, 1, 0, n);
	fake_frontend(fake, 1, is_linux);
	fake_set(fake, 1, "/state", "4");
}

void
fake_kill(struct fake *fake, uint16_t domain, enum pciback_life life)
{
	fake->xen.life[domain] = life;
	fire(&fake->xen, PCIBACK_DOMAINS_PATH, false);
	fake_run(fake);
}

size_t
fake_held(const struct fake *fake, const char *what, uint16_t domain)
{
	size_t n = 0;

	for (size_t i = 0; i < FAKE_GRANTS; i++) {
		const struct fake_grant *grant = &fake->xen.grants[i];

		n += grant->used && (what == NULL || strcmp(grant->what, what) == 0) &&
		    (domain == 0 || grant->domain == domain);
	}
	return n;
}

int32_t
fake_request(struct fake *fake, uint16_t domain, uint32_t command, uint32_t slot, int32_t offset,
    int32_t size, uint32_t value, uint32_t *ret_value)
{
	struct pciback_page *page = &fake->xen.page[domain];
	const struct pciback_guest *guest = pciback_backend_find(&fake->backend, domain);

	atomic_store(&page->request.command, command);
	atomic_store(&page->request.error, 77);
	atomic_store(&page->request.domain, 0);
	atomic_store(&page->request.bus, 0);
	atomic_store(&page->request.devfn, slot << 3);
	atomic_store(&page->request.offset, offset);
	atomic_store(&page->request.size, size);
	atomic_store(&page->request.value, value);
	atomic_fetch_or(&page->flags, (uint32_t)PCIBACK_FLAG_REQUEST);
	if (guest != NULL && guest->is_open)
		pciback_backend_event(&fake->backend, fake->xen.ports[domain]);
	fake_run(fake);
	if (ret_value != NULL)
		*ret_value = atomic_load(&page->request.value);
	if ((atomic_load(&page->flags) & PCIBACK_FLAG_REQUEST) != 0)
		return 99;
	return atomic_load(&page->request.error);
}
