/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_PLATFORM_H
#define PCIBACK_PLATFORM_H

#include <pciback/children.h>
#include <pciback/hardware.h>
#include <pciback/xen.h>

struct pciback_backend;

/*
 * What a backend runs on: a Xen, and devices. Errors are negative errno values, with one sentence in
 * `message`.
 */

#define PCIBACK_PLATFORM_MESSAGE 512

/* A connection to a Xen. `world` is that of `xen`. */
struct pciback_xen_link {
	struct pciback_xen xen;
	int fds[2];			/* to be polled for reading */
	size_t n_fds;
	/* Takes all that has arrived, without waiting, and tells the backend of it. A negative errno
	 * value means that Xen is lost. */
	int (*receive)(void *world);
	/* Sends what waits to be sent, before the process waits. NULL: nothing ever waits. */
	int (*flush)(void *world);
	/* Milliseconds of a clock that never goes back. */
	uint64_t (*clock)(void *world);
	/* Nothing is due any more. NULL: nobody wants to know. */
	void (*at_rest)(void *world);
	void (*close)(void *world);
};

/* Xen through its libraries, which are loaded now: libxenstore, libxengnttab, libxenevtchn, libxencall
 * and libxenctrl. -ENOENT or -ENOEXEC when one is missing or lacks a function. */
int pciback_xen_open(struct pciback_xen_link *ret_link, struct pciback_backend *backend,
    char message[PCIBACK_PLATFORM_MESSAGE]);

/* The machine's own devices: sysfs on Linux, /dev/pciN on NetBSD. -ENOSYS elsewhere. `log` is left
 * for the caller to set. */
int pciback_hardware_open(struct pciback_hardware *ret_hardware,
    char message[PCIBACK_PLATFORM_MESSAGE]);

/* Milliseconds since some time in the past. */
uint64_t pciback_clock(void);

/* Microseconds of a processor that this process has used; always 0 where nobody counts. */
uint64_t pciback_work(void);

/* Waits so long, whatever signals come. `world` is not used: it is a function of struct pciback_hardware. */
void pciback_pause(void *world, unsigned milliseconds);

/*
 * Has this process, and those that it makes, run before others of dom0: a guest waits for an answer with
 * interrupts off, and a kernel lets what runs finish its slice before even the nicest process that wakes. On
 * Linux that takes the real-time class, at its lowest priority, where the process may enter it. The brake: one
 * that computes for PCIBACK_LONGEST_WITHOUT_REST without waiting once is sent SIGXCPU, leaves the class by
 * sched_setscheduler() and goes on with the highest priority below it. Returns 0 or a negative errno value.
 */
#define PCIBACK_LONGEST_WITHOUT_REST	500000	/* microseconds of a processor */
int pciback_raise_priority(void);

/*
 * Gives up what the process no longer needs once everything is open. `has_devices`: of the machine,
 * and goes on using them; `has_children`: and makes processes that have less than it has. Returns what is left, as a sentence for the log, or NULL when nothing
 * could be given up on this system; that is no failure.
 */
const char *pciback_confine(bool has_devices, bool has_children);

/* How a process that serves one guest's page reaches that page, its event channel and its devices. */
struct pciback_child_machine {
	/* In the child, as what it was made of: maps the page, binds the event channel; the file that tells of events. */
	int (*connect)(void *world, const struct pciback_message *start, struct pciback_page **ret_page,
	    int *ret_fd, enum pciback_start_step *ret_step);
	/* In the child, with nothing but that file: whether an event came; sends one; lets them through again. */
	bool (*take_event)(void *world);
	void (*notify)(void *world);
	void (*unmask)(void *world);
	void *world;
	/* In a child and in a proxy, before anything of a guest's is there: overwrites what they have of the parent's
	 * knowledge, as copies of it. NULL: nothing. */
	void (*forget)(void *known);
	void *known;
	/* In the parent: as those of struct pciback_hardware. */
	int (*config_file)(void *world, void *handle);
	/* In a proxy, with nothing but that file, the same. NULL: the child itself gets the file. */
	int (*adopt)(void *world, int file, const struct pciback_address *address, void **ret_handle);
	const struct pciback_operations *operations;
	void *devices;
};

/* What a connection to Xen gives to a child; what is of the hardware is left for the caller to set. */
void pciback_xen_child(const struct pciback_xen_link *link, struct pciback_child_machine *ret_machine);

/* Whether they are what serves on this system if nobody says anything else. */
bool pciback_children_are_default(void);

/* Processes that serve pages, one a guest. Returns 0, -ENOSYS where there are none, or a negative errno value. */
int pciback_children_open(struct pciback_children *ret_children, const struct pciback_child_machine *machine,
    size_t n_guests, char message[PCIBACK_PLATFORM_MESSAGE]);
void pciback_children_close(struct pciback_children *children);

#endif
