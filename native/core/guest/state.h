/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_GUEST_STATE_H
#define PCIBACK_GUEST_STATE_H

/*
 * The backend's data: its guests, their devices, what was granted for each, and who is where in it.
 *
 * Calls within core/guest go one way. Each file includes the headers of those that it calls, and
 * this is their order, from the bottom:
 *
 *	paths, wait	xenstore paths; time to wait
 *	xenbus		the state machine, pure
 *	state		the data; finding guests and devices in it
 *	store		one item of a read or a change of the store
 *	entry, error	what the toolstack names; what is wrong with it
 *	remember	writes down, for the process after this one, what a device is
 *	ledger		permissions of one device
 *	operations	what a device's policy asks of this process
 *	child_answer	what a guest's child asks for
 *	child		what is said to the child that serves a guest's page, and what it says
 *	clean		makes a device as its first owner found it, in steps
 *	take		takes a device from dom0, returns it
 *	lost		notices devices that are gone, or somebody else's
 *	neighbour	what a device shares with those of dom0
 *	slot		gives one device to a guest, takes it back
 *	look, view	reads the store; makes of it what the state machine decides on
 *	publish		writes to the store what the guest shall see
 *	connection	one guest's channel: page, event channel, requests, error reports
 *	devices		one guest's devices as the store names them
 *	step		one step of the state machine
 *	resume		goes on with a connection of the process before
 *	guest		one guest: looks, decides, acts
 *	taken		takes devices before a guest wants them; returns them to dom0
 *	toolstack, job	what a toolstack would write; attach and detach
 *	cleaning	whose device is made clean a step further
 *	adopt		goes on with the devices of the process before
 *	status, backend	all guests
 */

#include <pciback/address.h>
#include <pciback/allow.h>
#include <pciback/channel.h>
#include <pciback/children.h>
#include <pciback/device.h>
#include <pciback/hardware.h>
#include <pciback/limit.h>
#include <pciback/log.h>
#include <pciback/permission.h>
#include <pciback/pristine.h>
#include <pciback/record.h>
#include <pciback/serving.h>
#include <pciback/topology.h>
#include <pciback/wanted.h>
#include <pciback/xen.h>

struct pciback_job;

/* What is to be done next to make a device clean, in this order. */
enum pciback_clean_stage {
	PCIBACK_CLEAN_NONE,		/* nothing */
	PCIBACK_CLEAN_FIRST,		/* read what tells how to wake it */
	PCIBACK_CLEAN_WAKE_TO_SAVE,
	PCIBACK_CLEAN_SAVE,
	PCIBACK_CLEAN_SILENCE,
	PCIBACK_CLEAN_BEGIN_RESET,
	PCIBACK_CLEAN_RESET,		/* look whether it has ended */
	PCIBACK_CLEAN_WAKE,
	PCIBACK_CLEAN_RESTORE,
	PCIBACK_CLEAN_ENABLE,		/* decode, and have its MSI-X table protected */
};

struct pciback_cleaning {
	enum pciback_clean_stage stage;
	unsigned offset;		/* in its configuration space, of SAVE and RESTORE */
	uint64_t due;			/* when that is to be done */
	uint64_t end;			/* when its reset is given up */
};

/*
 * A device that was taken from dom0. A guest has it; or nobody, and it is in quarantine, ready for the
 * next; or it is held back: the guest's no more, but not all of what it had of the device could be taken
 * from it. That is so as long as a PV domain lives: Xen takes the right to map memory, and leaves what is
 * mapped [Xen: XEN_DOMCTL_iomem_permission].
 */
struct pciback_slot {
	bool is_taken;			/* else the slot is free */
	struct pciback_guest *guest;	/* NULL: no guest has it */
	uint16_t domain;		/* the guest's, or the one that it is held back from; 0: nobody's */
	struct pciback_backend *backend;
	bool is_in_quarantine;		/* unless a guest has it; false where there is no IOMMU */
	bool has_table;			/* Xen knows its MSI-X table */
	bool is_clean;			/* nothing of its last owner is in it */
	bool is_restored;		/* for who has waited for it, and nobody has had it since */
	bool is_refused;		/* it could not be given, and nobody waits for it to be clean again */
	struct pciback_cleaning cleaning;
	bool is_stuck;			/* its last reset was given up, and the system may be at it still */
	bool is_new;			/* taken for those who wait for it to be clean: else it goes back to dom0 */
	uint16_t awaited_by;		/* the domain that wanted it last while it was made clean; 0: none */
	int reset_error;		/* what they wait for: why it can't be had, with a sentence in `problem` */
	char problem[PCIBACK_LOG_LINE];	/* "": nothing to be told */
	unsigned consent;		/* PCIBACK_ALLOW_*: what the owner allows for this device, besides the backend's */
	uint8_t irq;			/* the interrupt of its line as its owner states it, 0: as the hardware has it */
	int lost;			/* 0, or why it is served no more: -ENODEV, -EBUSY as the hardware says */
	bool was_mappable;		/* its domain could map memory of it, now or before */
	bool is_moving;			/* it is given or taken back right now */
	bool is_placed;
	struct pciback_address address;	/* the real one: what identifies it */
	struct pciback_device_settings settings;	/* as the hardware has it, with the hardware's handle */
	struct pciback_pristine pristine;
	uint32_t command;		/* COMMAND as dom0 had it */
	struct pciback_address place;	/* where the guest sees it */
	bool rdm_relaxed;		/* for its guest: as in pciback_entry */
	struct pciback_device device;
	bool is_served;			/* by the guest's child, which calls it `number` */
	uint32_t number;
	struct pciback_device_state state;	/* what the next child goes on with */
	struct pciback_ledger ledger;
	struct pciback_domain_identity identity;	/* of `domain` */
	uint64_t sequence;		/* of what was written about it last; more than 0 outlives the device */
};

/* One device as the toolstack names it. Its number N changes whenever one before it goes away. */
struct pciback_entry {
	struct pciback_address address;
	enum pciback_xenbus state;	/* 1 new, 3 given, 5 to be taken back, 6 failed */
	bool valid;			/* address and state could be read */
	bool permissive;
	bool rdm_relaxed;		/* memory that the device wants reserved may be missing in the guest */
	unsigned allow;			/* PCIBACK_ALLOW_*, for this device alone: an earlier process was told so */
	uint8_t irq;			/* the interrupt that its owner states, 0: none; as `allow` */
	bool vdev_differs;		/* vdev-N is not what it should be */
	bool state_differs;		/* nor is state-N */
	int error;			/* why it could not be given, 0 if it could */
};

/* A report of an error that waits for the guest's answer. */
struct pciback_report {
	bool is_out;
	struct pciback_address address;
	enum pciback_command command;
	uint64_t deadline;
};

/* The process that serves a guest's page, if it is not this one. */
struct pciback_child {
	bool is_running;
	bool is_ready;			/* it has said something */
	bool is_lost;			/* it was ended for what it did, and its guest is not released yet */
	uint64_t retry;			/* when it may say more */
	uint64_t checked, work;		/* when it was looked what it uses of a processor, and how much it was */
	struct pciback_limit limit;	/* of messages */
	uint64_t n_requests, n_refused;	/* as it says */
	bool handles_errors;		/* the same */
	bool has_reported;		/* the answer to a report */
	enum pciback_recovery recovery;
};

struct pciback_guest {
	struct pciback_backend *backend;
	bool used;
	uint16_t domain;
	enum pciback_phase phase;
	enum pciback_xenbus own, frontend;
	enum pciback_life life;
	bool online, exists;
	bool handles_all_states, frontend_wrote, blocked;	/* as in pciback_view */
	bool was_ready;			/* and the log has a line of it that it could not cause again */
	bool passed_initialised;	/* the frontend has been further than 3 since it was connected */
	bool stale_reconfiguring;	/* it was at 7 when a change was given up, and has not written since */
	bool malformed;			/* one of the toolstack's keys of a device */
	bool own_malformed;		/* the backend's state: the next one that is written is good */
	unsigned n_stale;		/* changes in a row that came too late */
	bool refused;			/* one of the keys of the whole is malformed: no device is given */
	bool waits_for_device;		/* one that is about to be taken back from another guest */
	bool watched;			/* its frontend */
	bool look_backend, look_frontend, look_life;	/* what may have changed */
	uint32_t reference, remote_port;	/* of the channel, as the frontend published them */
	uint32_t seen_reference, seen_port;
	bool is_open;			/* there is a channel */
	struct pciback_child child;
	struct pciback_page *page;	/* NULL: there is no channel, or it is the child's */
	uint32_t port;
	bool port_bound;
	uint64_t deadline;		/* of what is waited for; 0: nothing is */
	uint64_t retry;			/* 0: nothing to be tried again */
	uint64_t remove_at;		/* 0: the store's nodes stay */
	struct pciback_recorded_channel recorded;	/* what the record says of the channel */
	bool is_adopted;		/* its devices are those of the process before; its connection waits to be gone on with */
	unsigned n_tries;		/* to do so */
	size_t n_roots;			/* published */
	uint32_t roots[PCIBACK_ENTRIES_MAX];	/* domain << 8 | bus */
	size_t n_entries;
	struct pciback_entry entries[PCIBACK_ENTRIES_MAX];
	struct pciback_report report;
	struct pciback_channel channel;
	struct pciback_topology topology;
	struct pciback_log log;
	struct pciback_limit limit;	/* of watch events (XSA-349) */
	struct pciback_serving serving;	/* of its page, by this process */
	struct pciback_limit error_limit;	/* lines of the log about its devices */
	char message[PCIBACK_LOG_LINE];	/* the last error of the toolstack's keys, "" if none */
};

/* Watch events of one frontend that are looked at; those in between are one event. */
#define PCIBACK_WATCHES_PER_SECOND	50
#define PCIBACK_WATCHES_BURST		100

/* Lines of the log about one guest's devices that can't be had. All are in the store. */
#define PCIBACK_ERRORS_PER_SECOND	1
#define PCIBACK_ERRORS_BURST		16

/* Messages of one child. One that asks for more is heard later. */
#define PCIBACK_MESSAGES_PER_SECOND	200
#define PCIBACK_MESSAGES_BURST		400

/* Milliseconds, as PCIBACK_WAIT_CLOSE. */
#define PCIBACK_WAIT_CHILD	2000	/* for a child to answer; other guests' children go on meanwhile */
#define PCIBACK_WAIT_MESSAGES	10	/* for one that says too much */
#define PCIBACK_WAIT_USE	4000	/* between two looks at what it uses of a processor */
#define PCIBACK_WAIT_CHANGE	8000	/* for a frontend to take part in a change */
#define PCIBACK_WAIT_LOOK	60000	/* and to look at the result: its drivers start within that [Linux] */
#define PCIBACK_WAIT_REPORT	5000	/* for the answer to an error report */
#define PCIBACK_WAIT_REMOVE	30000	/* before nodes of a domain that is gone are removed */
#define PCIBACK_WAIT_HELD_BACK	1000	/* between two tries to take what Xen has refused to take back */
#define PCIBACK_WAIT_CHECK	2000	/* between two looks whether devices are still ours */
#define PCIBACK_WAIT_ADOPT	100	/* for who serves the page of a process before this one to let go of it */
#define PCIBACK_WAIT_JOB	20000	/* for an attach or detach as a whole */
#define PCIBACK_WAIT_RESET	65000	/* for a reset: Linux looks for a device for a minute */
#define PCIBACK_WAIT_LAST_RESETS 5000	/* for all resets, at the end */

/* Enough for one guest: seven keys of each device, and what is said of it as a whole. */
#define PCIBACK_STORE_ITEMS (PCIBACK_ENTRIES_MAX * 7 + 64)

/* Everything. The arrays are cleared to zero before they are first used. */
struct pciback_backend {
	struct pciback_xen xen;
	struct pciback_hardware hardware;
	struct pciback_children children;
	struct pciback_record_store record_store;
	struct pciback_record record;	/* the one that is read or written */
	uint8_t record_bytes[PCIBACK_RECORD_SIZE];
	enum pciback_topology_kind topology;
	unsigned allow;			/* PCIBACK_ALLOW_* */
	struct pciback_guest *guests;
	size_t n_guests;
	struct pciback_slot *slots;
	size_t n_slots;
	struct pciback_job *jobs;
	size_t n_jobs;
	uint16_t *domains;		/* found in one look at the directory of all backends */
	size_t max_domains;

	struct pciback_operations operations;	/* the devices' view of this process */
	struct pciback_host host;
	bool look_backends, look_domains, stopping;
	bool waits_for_resets;		/* there is nobody to be served meanwhile */
	bool is_full;			/* a guest found no place in the table */
	uint64_t now;
	size_t n_taken;			/* slots that are not free */
	size_t next_cleaned;		/* the slot whose turn it is to be made clean a step further */
	bool has_stepped;		/* the last run has made a device clean a step further, or given or taken one */
	uint64_t check_at;		/* when it is looked whether they are still ours */
	uint64_t retry_held_back;	/* when devices that are held back are tried again */
	uint64_t counted_work;		/* of this process, up to which somebody was charged */
	uint64_t n_granted, n_revoked, n_not_revoked;	/* permissions */
	struct pciback_store_item items[PCIBACK_STORE_ITEMS];
};

/* The guest of a domain, or NULL. */
struct pciback_guest *pciback_backend_find(struct pciback_backend *backend, uint16_t domain);

/* The slot of the device at a real address that a guest has, or NULL. */
struct pciback_slot *pciback_backend_slot(struct pciback_backend *backend,
    const struct pciback_address *address);

/* The slot of the device at a real address that was taken from dom0, whoever has it, or NULL. */
struct pciback_slot *pciback_backend_taken(struct pciback_backend *backend,
    const struct pciback_address *address);

/* What the owner allows for a device: PCIBACK_ALLOW_*. */
static inline unsigned
pciback_slot_allow(const struct pciback_slot *slot)
{
	return slot->backend->allow | slot->consent;
}

/* The interrupt of a device's line, for the next guest: what its owner states, or what the hardware has. */
static inline uint8_t
pciback_slot_line(const struct pciback_slot *slot)
{
	return slot->irq != 0 ? slot->irq : slot->settings.interrupt_line;
}

/* Whether no guest has the device, and nobody gets it, but for its domain if that has nothing to give
 * back any more. */
bool pciback_slot_is_held_back(const struct pciback_slot *slot);

/* Whether a device is being made clean: nobody else asks it anything meanwhile. */
static inline bool
pciback_slot_is_cleaned(const struct pciback_slot *slot)
{
	return slot->cleaning.stage != PCIBACK_CLEAN_NONE;
}

/* Whether one of these devices is. */
bool pciback_backend_is_any_cleaned(struct pciback_backend *backend, const struct pciback_wanted *devices, size_t n);

/* Whether a device is being made clean that the domain may have afterwards; NULL is none. */
bool pciback_slot_is_coming(const struct pciback_slot *slot, uint16_t domain);

/* Whether the guest has no devices and no channel, by its phase. */
bool pciback_guest_is_idle(const struct pciback_guest *guest);

/* Writes one line of the log that no guest can cause: "domain N: ...", or without it if `domain` is
 * 0. Arguments as printf(3); bytes that are not printable become '?'. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
void pciback_backend_log(const struct pciback_backend *backend, enum pciback_log_level level,
    uint16_t domain, const char *format, ...);

#endif
