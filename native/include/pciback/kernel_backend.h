/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_KERNEL_BACKEND_H
#define PCIBACK_KERNEL_BACKEND_H

/*
 * Gives devices to guests of the backend in NetBSD's kernel, pciback(4). It serves what the store says, but no more: it
 * neither permits a guest its devices' ports, memory and interrupts, nor assigns them to the IOMMU, nor resets them.
 *
 * What it takes is a backend of our own (pciback_backend_new, pciback_backend_bind) that is never started. Functions
 * return 0 or a negative errno value, and then one sentence in `message`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/hardware.h>
#include <pciback/log.h>
#include <pciback/topology.h>
#include <pciback/wanted.h>
#include <pciback/xenbus.h>

struct pciback_backend;

/* What the kernel says of devices. `world` is the caller's own. */
struct pciback_kernel_host {
	/* Whether its backend keeps the device for guests. */
	bool (*holds)(void *world, const struct pciback_address *address);
	/* The global system interrupt of the device's line. -ENOENT: it said none. */
	int (*interrupt)(void *world, const struct pciback_address *address, uint32_t *ret_gsi);
	/* Calls `visit` for each device that its backend keeps, its line PCIBACK_NEIGHBOUR_UNTOLD if the kernel says none of one that
	 * has one, until that returns something else than 0, which is then
	 * returned; or a negative errno value when they can't be found. */
	int (*visit)(void *world, int (*visit)(void *context, const struct pciback_neighbour *held), void *context);
	void *world;
};

/* Milliseconds that the kernel's backend gets to look at nodes, and to let go of a domain that is gone. */
#define PCIBACK_KERNEL_WAIT_LOOK 5000
#define PCIBACK_KERNEL_WAIT 15000

/*
 * Gives devices, at most PCIBACK_ENTRIES_MAX, to a domain that has none, all of them or none. Each has to be the one that is
 * wanted, by its numbers; with what its word allows, and the backend's settings, it is taken, reset and
 * restored, assigned, permitted; its INTERRUPT_LINE becomes the interrupt that the guest asks for, which is the one that the
 * kernel has said in this boot, or where that is not told any more, the one that is wanted; then one change of
 * the store has the nodes of all of them, because the kernel's backend reads how many there are once. It returns when
 * that backend is ready for the frontend. If the kernel does not even begin, everything is taken back; if it stops half-way
 * (-EIO), nothing is: it has the domain in its list. A permissive one
 * is refused: nothing keeps a guest of this backend from any register.
 */
int pciback_kernel_attach(struct pciback_backend *backend, const struct pciback_kernel_host *host, uint16_t domain,
    const struct pciback_wanted *devices, size_t n, char message[PCIBACK_LOG_LINE]);

/*
 * Takes all devices from a domain with which the kernel's backend is through: one that is gone, or whose frontend has
 * closed. Its nodes go last. Nothing is done to one that has not connected: the kernel would panic.
 * ret_addresses, of PCIBACK_ENTRIES_MAX, and *ret_n say which devices it had.
 */
int pciback_kernel_detach(struct pciback_backend *backend, const struct pciback_kernel_host *host, uint16_t domain,
    struct pciback_address *ret_addresses, size_t *ret_n, char message[PCIBACK_LOG_LINE]);

/* Seven lines of three numbers, and a NUL. */
#define PCIBACK_KERNEL_RESOURCE (7 * 57 + 1)

/* What libxl reads of a device in files of Linux. */
struct pciback_kernel_files {
	char resource[PCIBACK_KERNEL_RESOURCE];
	char irq[8];			/* a number and a newline; "" if the device has no interrupt */
};

/*
 * Makes devices that no guest has ready for an xl that gives them itself: taken, reset and restored, in quarantine,
 * their interrupts, found as pciback_kernel_attach() does, dom0's to give away and in INTERRUPT_LINE. All of them or none. `ret_files` has a place for each.
 */
int pciback_kernel_prepare(struct pciback_backend *backend, const struct pciback_kernel_host *host,
    const struct pciback_wanted *devices, size_t n, struct pciback_kernel_files *ret_files,
    char message[PCIBACK_LOG_LINE]);

/* Whether no guest has any of the devices: -EBUSY with a sentence. */
int pciback_kernel_check_unused(struct pciback_backend *backend, const struct pciback_address *addresses, size_t n,
    char message[PCIBACK_LOG_LINE]);

/* A domain that the store names for the kernel's backend. */
struct pciback_kernel_guest {
	uint16_t domain;
	enum pciback_life life;
	enum pciback_xenbus state;	/* of the backend; UNKNOWN: none that can be read */
	size_t n;
	struct pciback_address addresses[PCIBACK_ENTRIES_MAX];
};

/* Calls `visit` for each of them. */
int pciback_kernel_guests(struct pciback_backend *backend, void (*visit)(void *context,
    const struct pciback_kernel_guest *guest), void *context, char message[PCIBACK_LOG_LINE]);

#endif
