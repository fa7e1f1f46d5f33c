/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_H
#define PCIBACK_GUEST_H

/*
 * Our end of xenbus: which guest has which devices, and how the two ends come together and part.
 *
 *	store --> look --> pciback_xenbus_next() --> one step --> store, permissions, channel
 *
 * The state machine is a pure function of what the store and the domain show and of what is held
 * (pciback_xenbus_next). A step that fails half-way leaves everything such that the next look
 * decides right. Everything in a frontend's directory is hostile; a malformed key of the backend's
 * directory is an error that names it. Nothing here allocates or keeps state of its own, and like
 * all of the library it returns 0 or a negative errno value.
 *
 * Sources: [xenbus] Xen's public header io/xenbus.h; [libxl] what xl writes and waits for;
 * [Linux], [NetBSD], [Mini-OS] what their frontends and backends do.
 */

#include <pciback/backend.h>

/* ---- xenbus ---------------------------------------------------------------------------- */

/* States of one end [xenbus]. */
enum pciback_xenbus {
	PCIBACK_XENBUS_UNKNOWN = 0,		/* of a frontend: it has no state at all */
	PCIBACK_XENBUS_INITIALISING = 1,
	PCIBACK_XENBUS_INIT_WAIT = 2,
	PCIBACK_XENBUS_INITIALISED = 3,
	PCIBACK_XENBUS_CONNECTED = 4,
	PCIBACK_XENBUS_CLOSING = 5,
	PCIBACK_XENBUS_CLOSED = 6,
	PCIBACK_XENBUS_RECONFIGURING = 7,
	PCIBACK_XENBUS_RECONFIGURED = 8,
};

/* "Connected"; "?" for a number that is no state. */
const char *pciback_xenbus_name(enum pciback_xenbus state);

/* Reads a state as it stands in the store: one digit. Returns 0 or -EINVAL. */
int pciback_xenbus_parse(const char *text, enum pciback_xenbus *ret_state);

/* Reads a decimal number without sign or blanks, at most `max`. Returns 0, -EINVAL or -ERANGE. */
int pciback_decimal_parse(const char *text, uint32_t max, uint32_t *ret_value);

/* How far we are with a guest, which is what our own state should say. */
enum pciback_phase {
	PCIBACK_PHASE_NEW,		/* nothing is held; 1 or 2 */
	PCIBACK_PHASE_READY,		/* devices and permissions are; 3 */
	PCIBACK_PHASE_CONNECTED,	/* and the channel; 4, or 7 once the toolstack wants a change */
	PCIBACK_PHASE_RECONFIGURED,	/* the change is made, the frontend looks; 8 */
	PCIBACK_PHASE_LEAVING,		/* asked to go, the frontend still uses its devices; 5 */
	PCIBACK_PHASE_RELEASED,		/* nothing is held any more; 5 */
	PCIBACK_PHASE_CLOSED,		/* 6 */
};

const char *pciback_phase_name(enum pciback_phase phase);

/* What can be done next. */
enum pciback_step {
	PCIBACK_STEP_NONE,
	PCIBACK_STEP_PREPARE,		/* take the devices, publish them, own state 3 */
	PCIBACK_STEP_CONNECT,		/* open the channel, 4 */
	PCIBACK_STEP_UPDATE,		/* take and release what the store says; the state stays */
	PCIBACK_STEP_RECONFIGURE,	/* the same, then 8 */
	PCIBACK_STEP_SETTLE,		/* 4 again */
	PCIBACK_STEP_ASK,		/* 5, and wait until the frontend let go */
	PCIBACK_STEP_RELEASE,		/* give everything back, 5 */
	PCIBACK_STEP_CLOSE,		/* 6 */
	PCIBACK_STEP_RESTART,		/* give everything back, 2 */
	PCIBACK_STEP_FORGET,		/* give everything back; the store no longer names the guest */
};

enum pciback_life {
	PCIBACK_LIFE_RUNNING,
	PCIBACK_LIFE_STOPPED,		/* it is there, but runs no code any more */
	PCIBACK_LIFE_GONE,
};

/* All that a decision depends on. */
struct pciback_view {
	enum pciback_phase phase;
	bool exists;			/* our directory has a state */
	enum pciback_xenbus own;	/* as the store has it: a toolstack may have written it */
	enum pciback_xenbus frontend;
	enum pciback_life life;
	bool online;			/* the toolstack wants the guest to have devices */
	bool knows_all;			/* the frontend is known to survive 6, 7 and 8 [NetBSD] */
	bool moved;			/* the frontend wrote its state since we let go */
	bool restarted;			/* it is at 3 and has been further, or has another page */
	bool blocked;			/* the last try failed and nothing has changed since */
	bool changed;			/* the store names other devices than we hold */
	bool late;			/* what we wait for should have come */
	bool owes;			/* the frontend's 7 belongs to a change that we have given up */
};

/*
 * The state machine. It never leads to 7, which is the toolstack's; to 8 only as the answer to a
 * frontend's own 7; and to 6 only when the frontend is known to survive it or can't see it: a
 * NetBSD guest panics.
 */
enum pciback_step pciback_xenbus_next(const struct pciback_view *view);

/* ---- What touches Xen ------------------------------------------------------------------ */

#define PCIBACK_STORE_PATH	80	/* bytes with its NUL; enough for every path used here */
#define PCIBACK_STORE_VALUE	128	/* the same for values; longer ones are refused */

enum pciback_store_action {
	PCIBACK_STORE_READ,
	PCIBACK_STORE_EXPECT,		/* the value must be this, or nothing is changed */
	PCIBACK_STORE_EXPECT_NONE,	/* there must be no such node */
	PCIBACK_STORE_WRITE,
	PCIBACK_STORE_REMOVE,		/* with everything below; no error if there is none */
	PCIBACK_STORE_MAKE,		/* an empty node, for `value`: "n0,r3", owner and reader */
};

struct pciback_store_item {
	enum pciback_store_action action;
	int result;			/* of a read: 0, -ENOENT, -EMSGSIZE (or NUL bytes), -EACCES */
	char path[PCIBACK_STORE_PATH];
	char value[PCIBACK_STORE_VALUE];
};

/* A watch's token says what it watches: one of these, or a guest's frontend by its number. */
enum {
	PCIBACK_WATCH_BACKENDS = 0,	/* the directory of all backends */
	PCIBACK_WATCH_DOMAINS = 1,	/* a domain came to its end */
	PCIBACK_WATCH_FRONTEND = 2,	/* and up: guest number token - 2 */
};

#define PCIBACK_BACKENDS_PATH	"/local/domain/0/backend/pci"
#define PCIBACK_DOMAINS_PATH	"@releaseDomain"

/*
 * What our end asks of Xen. `world` is the binding's own. Each returns 0 or a negative errno
 * value, and a call that fails has changed nothing. Addresses and frames are 64 bits (XSA-476).
 */
struct pciback_xen_operations {
	/* Reads n values at one moment, in one transaction. An item's own failure is its result. */
	int (*store_read)(void *world, struct pciback_store_item *items, size_t n);
	/* Does all or nothing, in one transaction. -ESTALE when an expectation does not hold. */
	int (*store_change)(void *world, const struct pciback_store_item *items, size_t n);
	/* The children of a node that are decimal numbers up to 32767; *ret_n may be more than
	 * max. -ENOENT. */
	int (*store_list)(void *world, const char *path, uint16_t *ret_numbers, size_t max,
	    size_t *ret_n);
	int (*store_watch)(void *world, const char *path, uint32_t token);
	int (*store_unwatch)(void *world, const char *path, uint32_t token);

	int (*domain_life)(void *world, uint16_t domain, enum pciback_life *ret_life);

	/* Maps a page that the guest granted. */
	int (*page_map)(void *world, uint16_t domain, uint32_t reference,
	    struct pciback_page **ret_page);
	int (*page_unmap)(void *world, struct pciback_page *page);
	/* Binds an event channel of the guest to a local port. A port that fired stays masked until
	 * it is unmasked, so that a storm costs one event (XSA-332). */
	int (*event_bind)(void *world, uint16_t domain, uint32_t remote_port, uint32_t *ret_port);
	int (*event_unbind)(void *world, uint32_t port);
	int (*event_unmask)(void *world, uint32_t port);
	int (*event_notify)(void *world, uint32_t port);

	/* Permissions of a guest. `allow` false takes back. */
	int (*ioport)(void *world, uint16_t domain, uint32_t first, uint32_t n, bool allow);
	int (*iomem)(void *world, uint16_t domain, uint64_t first_frame, uint64_t n, bool allow);
	int (*pirq_map)(void *world, uint16_t domain, uint32_t irq, uint32_t *ret_pirq);
	int (*pirq_unmap)(void *world, uint16_t domain, uint32_t pirq);
	int (*irq)(void *world, uint16_t domain, uint32_t pirq, bool allow);
	/*
	 * Lets Xen find the MSI-X table of a device and hide it from the guest, or forget it. Xen does
	 * so only while no guest has the device, and else maps no entry (XSA-87); memory must be decoded.
	 * Only for a device that has MSI-X: Xen 4.17 crashes at any other. May be NULL.
	 */
	int (*msix_table)(void *world, const struct pciback_address *address, bool known);
	/* Puts the device into the guest's part of the IOMMU. -EOPNOTSUPP or -ENOSYS: there is none.
	 * From there it goes into Xen's quarantine, where it reaches no memory (XSA-302). */
	int (*assign)(void *world, uint16_t domain, const struct pciback_address *address);
	int (*deassign)(void *world, uint16_t domain, const struct pciback_address *address);
	/* Maps and programs one MSI (table 0) or one entry of the MSI-X table at that address of
	 * memory. Taken back with pirq_unmap. */
	int (*msi_map)(void *world, uint16_t domain, const struct pciback_address *address,
	    unsigned entry, uint64_t table, uint32_t *ret_pirq);

	/* How a report (pciback_backend_report) ended. May be NULL. */
	void (*recovered)(void *world, uint16_t domain, const struct pciback_address *address,
	    enum pciback_command command, enum pciback_recovery result);
};

struct pciback_xen {
	const struct pciback_xen_operations *operations;
	void *world;
};

/* The machine's devices. */
struct pciback_hardware {
	/* config_read, config_write, device_enable and power_set are used; MSI goes through Xen. */
	const struct pciback_operations *operations;
	void *world;
	/* Takes a device from its driver and tells what it is, with the handle that the operations
	 * get. -ENODEV: there is none; -EBUSY: a driver of this system has it. */
	int (*open)(void *world, const struct pciback_address *address,
	    struct pciback_device_settings *ret_settings);
	/* Gives it back; resets it if it can. */
	void (*release)(void *world, void *handle);
	/* Writes one line of the log. */
	void (*log)(void *world, enum pciback_log_level level, const char *line);
};

/* ---- Permissions ----------------------------------------------------------------------- */

enum pciback_permission_kind {
	PCIBACK_PERMISSION_IOPORT,	/* first, n: ports */
	PCIBACK_PERMISSION_IOMEM,	/* first, n: frames of 4096 bytes */
	PCIBACK_PERMISSION_PIRQ,	/* first: irq; n: the pirq that it is mapped to */
	PCIBACK_PERMISSION_IRQ,		/* first: pirq */
	PCIBACK_PERMISSION_MSIX_TABLE,	/* Xen knows where it is */
	PCIBACK_PERMISSION_DEVICE,	/* the device itself, to the IOMMU */
	PCIBACK_PERMISSION_MSI,		/* first: pirq */
};

struct pciback_permission {
	enum pciback_permission_kind kind;
	bool borrowed;			/* another device of the guest has the same, and gave it */
	uint64_t first, n;
};

/* 6 BARs and the ROM, pirq, irq, the MSI-X table, the device, and every vector. */
#define PCIBACK_PERMISSIONS_MAX (11 + PCIBACK_VECTORS_MAX)

/* What was granted for a device, in that order. It is taken back from the end, each once, also if
 * that fails (XSA-458, XSA-460, XSA-476). */
struct pciback_ledger {
	size_t n;
	struct pciback_permission entries[PCIBACK_PERMISSIONS_MAX];
};

/* ---- Guests ---------------------------------------------------------------------------- */

/* A device in the hands of a guest. */
struct pciback_slot {
	struct pciback_guest *guest;	/* NULL: the slot is free */
	struct pciback_backend *backend;
	void *handle;			/* of the hardware */
	bool is_open, is_placed;
	struct pciback_address address;	/* the real one: what identifies it */
	struct pciback_address place;	/* where the guest sees it */
	struct pciback_device device;
	struct pciback_ledger ledger;
};

/* Devices of one guest. A virtual topology has no room for many more. */
#define PCIBACK_ENTRIES_MAX 64

/* One device as the toolstack names it. Its number N changes whenever one before it goes away. */
struct pciback_entry {
	struct pciback_address address;
	enum pciback_xenbus state;	/* 1 new, 3 taken, 5 to be released, 6 failed */
	bool valid;			/* address and state could be read */
	bool permissive;
	bool vdev_differs;		/* vdev-N is not what it should be */
	bool state_differs;		/* nor is state-N */
	int error;			/* why it could not be taken, 0 if it could */
};

/* A report of an error that waits for the guest's answer. */
struct pciback_report {
	bool is_out;
	struct pciback_address address;
	enum pciback_command command;
	uint64_t deadline;
};

struct pciback_guest {
	struct pciback_backend *backend;
	bool used;
	uint16_t domain;
	enum pciback_phase phase;
	enum pciback_xenbus own, frontend;
	enum pciback_life life;
	bool online, exists;
	bool knows_all, moved, blocked;
	bool went_on;			/* the frontend has been further than 3 since we connected */
	bool owes;			/* it was at 7 when we gave up a change, and has not moved since */
	bool malformed;			/* one of the toolstack's keys of a device */
	bool own_malformed;		/* our state: what is written mends it */
	unsigned n_stale;		/* changes in a row that came too late */
	bool refused;			/* one of those of the whole: no device is taken */
	bool waits_for_device;		/* one that another guest is about to give back */
	bool watched;			/* its frontend */
	bool look_backend, look_frontend, look_life;	/* what may have changed */
	bool event_pending;
	uint32_t reference, remote_port;	/* of the channel, as the frontend published them */
	uint32_t seen_reference, seen_port;
	struct pciback_page *page;	/* NULL: there is no channel */
	uint32_t port;
	bool port_bound;
	uint64_t deadline;		/* 0: we don't wait */
	uint64_t retry;			/* 0: nothing to be tried again */
	uint64_t retry_event;		/* the same for requests past their limit */
	uint64_t remove_at;		/* 0: the store's nodes stay */
	size_t n_roots;			/* published */
	uint32_t roots[PCIBACK_ENTRIES_MAX];	/* domain << 8 | bus */
	size_t n_entries;
	struct pciback_entry entries[PCIBACK_ENTRIES_MAX];
	struct pciback_report report;
	struct pciback_channel channel;
	struct pciback_topology topology;
	struct pciback_log log;
	struct pciback_limit limit;	/* of watch events (XSA-349) */
	struct pciback_limit complaints;	/* lines of the log about its devices */
	char message[PCIBACK_LOG_LINE];	/* the last error of the toolstack's keys, "" if none */
};

/* Watch events of one frontend that are looked at; those in between are one event. */
#define PCIBACK_WATCHES_PER_SECOND	50
#define PCIBACK_WATCHES_BURST		100

/* Lines of the log about one guest's devices that can't be had. All are in the store. */
#define PCIBACK_COMPLAINTS_PER_SECOND	1
#define PCIBACK_COMPLAINTS_BURST	16

/* Milliseconds. The toolstack waits 10 s for a state [libxl]. */
#define PCIBACK_WAIT_CLOSE	5000	/* for a frontend to let go */
#define PCIBACK_WAIT_CHANGE	8000	/* for a frontend to take part in a change */
#define PCIBACK_WAIT_LOOK	60000	/* and to look at the result: its drivers start within that [Linux] */
#define PCIBACK_WAIT_REPORT	5000	/* for the answer to an error report */
#define PCIBACK_WAIT_REMOVE	30000	/* before nodes of a domain that is gone are removed */
#define PCIBACK_WAIT_JOB	20000	/* for an attach or detach as a whole */

/* Refusals that the owner of the machine overrides. */
enum {
	PCIBACK_ALLOW_NO_IOMMU = 1 << 0,	/* the device can write to any memory (XSA-61) */
	PCIBACK_ALLOW_SHARED_IRQ = 1 << 1,	/* with a device of another guest (XSA-461) */
	PCIBACK_ALLOW_SHARED_PAGE = 1 << 2,	/* the same for 4096 bytes of memory */
};

/* A change that somebody asked for by hand. */
enum pciback_job_kind {
	PCIBACK_JOB_NONE,
	PCIBACK_JOB_ATTACH,
	PCIBACK_JOB_DETACH,
};

enum pciback_job_stage {
	PCIBACK_JOB_START,
	PCIBACK_JOB_WAIT,		/* for the devices to be taken or let go */
	PCIBACK_JOB_WAIT_CLOSED,	/* for all of the guest's to be let go */
	PCIBACK_JOB_CLEAN,		/* the store's entries go */
	PCIBACK_JOB_DONE,
};

/*
 * What a toolstack would write to attach or detach devices, step by step. Fill in the first
 * group; when stage is DONE, error is 0 or a negative errno and message says why in one sentence.
 */
struct pciback_job {
	enum pciback_job_kind kind;
	uint16_t domain;
	bool permissive;		/* attach: writes to registers that nobody knows */
	bool force;			/* detach: also from a frontend that can't take part */
	size_t n;
	struct pciback_address addresses[PCIBACK_ENTRIES_MAX];

	enum pciback_job_stage stage;
	bool started;
	bool abandoned;			/* nobody waits for its end */
	uint64_t deadline;
	int error;
	char message[PCIBACK_LOG_LINE];
};

/* Enough for one guest: seven keys of each device, and what is said of it as a whole. */
#define PCIBACK_STORE_ITEMS (PCIBACK_ENTRIES_MAX * 7 + 64)

/* Everything. The arrays are the caller's, cleared to zero. */
struct pciback_backend {
	struct pciback_xen xen;
	struct pciback_hardware hardware;
	enum pciback_topology_kind topology;
	unsigned allow;			/* PCIBACK_ALLOW_* */
	unsigned patience;		/* looks for a guest's next request before its event is waited for */
	struct pciback_guest *guests;
	size_t n_guests;
	struct pciback_slot *slots;
	size_t n_slots;
	struct pciback_job *jobs;
	size_t n_jobs;

	struct pciback_operations operations;	/* the devices' view of this process */
	struct pciback_host host;
	bool look_backends, look_domains, stopping;
	bool is_full;			/* a guest found no place in the table */
	uint64_t now;
	uint64_t n_granted, n_taken_back, n_not_taken_back;
	struct pciback_store_item items[PCIBACK_STORE_ITEMS];
};

/* Prepares a backend whose first group of members is filled in; the rest is cleared. */
void pciback_backend_init(struct pciback_backend *backend);

/* Sets the watches and looks for guests that are there already. `now` in milliseconds, here and
 * below. */
int pciback_backend_start(struct pciback_backend *backend, uint64_t now);

/* A watch fired. Only remembers it; any number of them is one (XSA-349). */
void pciback_backend_watch(struct pciback_backend *backend, const char *path, uint32_t token);

/* An event channel fired. Only remembers it. */
void pciback_backend_event(struct pciback_backend *backend, uint32_t port);

/*
 * Does what is due. Returns the milliseconds until something is due again if nothing happens
 * before, or -1 for ever.
 */
int pciback_backend_run(struct pciback_backend *backend, uint64_t now);

/* Asks every guest to let go; pciback_backend_run() goes on until pciback_backend_idle(). */
void pciback_backend_stop(struct pciback_backend *backend, uint64_t now);
bool pciback_backend_idle(const struct pciback_backend *backend);

/* Gives everything back at once, whatever the guests do. */
void pciback_backend_end(struct pciback_backend *backend, uint64_t now);

/* The guest of a domain, or NULL. */
struct pciback_guest *pciback_backend_find(struct pciback_backend *backend, uint16_t domain);

/* The slot of a device, or NULL. */
struct pciback_slot *pciback_backend_slot(struct pciback_backend *backend,
    const struct pciback_address *address);

/*
 * Tells the guest that has a device of an error, without waiting: other guests go on. The answer,
 * or PCIBACK_RECOVERY_DISCONNECT when none comes in time, goes to `recovered`.
 * Returns 0, -ENOENT (no guest has it), -EBUSY (one report at a time a guest), or what
 * pciback_aer_send() returns.
 */
int pciback_backend_report(struct pciback_backend *backend, const struct pciback_address *address,
    enum pciback_command command, int32_t state, uint64_t now);

#endif
