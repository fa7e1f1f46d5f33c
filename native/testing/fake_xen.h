/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTS_FAKE_XEN_H
#define PCIBACK_TESTS_FAKE_XEN_H

#include <pciback/job.h>

#include "../core/guest/backend.h"
#include "../core/guest/paths.h"

/*
 * A Xen and a bus in memory, without a process of their own: a store with watches, domains, pages,
 * event channels, and a count of every permission that can't be taken back twice. Any call can be
 * made to fail.
 */

#define FAKE_NODES	1500
#define FAKE_WATCHES	32
#define FAKE_GRANTS	600
#define FAKE_DEVICES	12
#define FAKE_DOMAINS	16	/* numbers 1 and up */
#define FAKE_LOG	4096	/* bytes */

struct fake_node {
	bool used;
	char path[PCIBACK_STORE_PATH];
	char value[200];	/* what is longer than a value may be, can be stored */
};

struct fake_watch {
	bool used;
	char path[PCIBACK_STORE_PATH];
	uint32_t token;
};

/* One permission, or a page or a port. */
struct fake_grant {
	bool used;
	char what[8];
	uint16_t domain;
	uint64_t first, n;
};

struct fake_device {
	struct pciback_address address;
	bool is_open, is_dom0s;		/* opened; the drivers of dom0 may have it */
	bool is_in_quarantine, has_table;
	unsigned n_released, n_resets;
	int reset_error;		/* of each reset */
	unsigned slow;			/* looks at a reset that find it under way still */
	unsigned stuck;			/* no write changes the byte there; 0 for none */
	int read_error;			/* of each read */
	int lost;			/* what a look at who has it returns */
	uint8_t config[256];
	struct pciback_resource bars[PCIBACK_RESOURCES], rom;
	unsigned unset_bars;		/* as in the settings */
	bool is_routed;			/* the system says that INTERRUPT_LINE is its interrupt */
	bool wants_reserved;		/* memory, which no guest's map has */
};

struct fake_xen {
	struct fake_node nodes[FAKE_NODES];
	size_t n_nodes;			/* that were ever used */
	struct pciback_backend *backend;
	struct fake_watch watches[FAKE_WATCHES];
	struct fake_grant grants[FAKE_GRANTS];
	struct fake_device devices[FAKE_DEVICES];
	enum pciback_life life[FAKE_DOMAINS];
	struct pciback_page page[FAKE_DOMAINS];
	size_t n_grants;		/* held now */
	size_t n_calls;			/* that can fail */
	size_t fail_at;			/* this call fails, 0 for none */
	struct pciback_neighbour neighbour;	/* that dom0 uses; one without BARs and line shares nothing */
	int neighbours_error;		/* of a look for them */
	const char *refuses;		/* of this kind nothing can be had; NULL: all can */
	int cant_open;			/* what opening a device fails with, negative errno; 0: it does not */
	const char *keeps;		/* of this kind nothing is taken from the domain `keeps_of`; NULL: all is */
	uint16_t keeps_of;
	size_t fail_from;		/* and all from this one on */
	int fail_with;			/* negative errno; 0: -EIO */
	size_t n_errors;		/* taken back twice, or without having been given */
	size_t n_reads, n_notified, n_unmasked;
	uint64_t work;			/* microseconds that the process has used, if they are counted */
	unsigned work_each;		/* of them for each answer */
	unsigned n_more;		/* requests that domain 1 sends by itself, each when it is answered */
	char order[FAKE_GRANTS * 2];	/* '+' and '-' with the first letter of what, in order */
	size_t n_order;
	bool no_iommu;
	uint8_t identity[FAKE_DOMAINS];	/* 0: there is no such domain */
	bool has_record;		/* from the next process on */
	uint8_t record[6 * 2 * PCIBACK_RECORD_SIZE];
	size_t n_written;		/* writes of it */
	int write_error;		/* of each */
	bool is_discarded;
	bool is_dead;			/* the process was killed: no call has an effect */
	bool was_killed;		/* the one before: what it may not have given is taken back all the same */
	size_t kill_at;			/* it is, by this call, before it has an effect; 0: it is not */
	size_t kill_after;		/* the same, once it had its effect, of which the process does not hear */
	bool is_dying;
	uint32_t pirq_offset;		/* an interrupt is mapped to the pirq that is so much higher */
	uint32_t next_pirq, next_port;
	uint32_t ports[FAKE_DOMAINS];	/* the last that was bound to each */
	unsigned paused;		/* milliseconds that the process has waited */
	size_t n_lines;
	char line[PCIBACK_LOG_LINE];	/* the last of the log */
	char said[FAKE_LOG];		/* the log's first lines, each with a newline */
	size_t n_said;			/* bytes of it */
	bool was_stale;			/* the next change finds the store changed */
	const char *vanishes;		/* the next change finds this directory removed; NULL for none */
	enum pciback_recovery recovery;
};

/* Its `world` is a struct fake_xen; one that is cleared but for `backend` and the life of its
 * domains will do. */
extern const struct pciback_xen_operations fake_xen_operations;

/* A backend on a fresh Xen: four devices 0000:03:00.0 to 0000:03:03.0, all domains running. */
struct fake {
	struct fake_xen xen;		/* first, and its nodes first in it */
	struct pciback_backend backend;
	struct pciback_guest guests[4];
	uint16_t domains[FAKE_DOMAINS];
	struct pciback_slot slots[6];
	struct pciback_job jobs[2];
	uint64_t now;
};

void fake_init(struct fake *fake);

/* From now on the process counts what it does. */
void fake_count_work(struct fake *fake);

/* A fresh Xen as by fake_init(), whose processes leave a record. */
void fake_init_recorded(struct fake *fake);

/* The process ends without a word, and the next one starts: pages and event channels that it had are given back, and all
 * that a domain had that is gone; its watches are gone. */
void fake_restart(struct fake *fake);

/* Runs until nothing is due at once. */
void fake_run(struct fake *fake);

/* How long a look at a reset that is under way takes, in milliseconds. */
#define FAKE_RESET_LOOK	100

/* Takes devices as pciback_backend_take(), until they are clean or can't be. */
int fake_take(struct fake *fake, const struct pciback_wanted *devices, size_t n, char message[PCIBACK_LOG_LINE]);

/* Lets time pass, then runs. */
void fake_pass(struct fake *fake, unsigned milliseconds);

/* Ends the backend and tells whether everything was taken back, once. */
bool fake_end(struct fake *fake);

/* The store, with its watches. A path that starts with '/' is below "/local/domain/DOMAIN/
 * device/pci/0", any other below the backend's directory of that domain. */
void fake_write(struct fake *fake, uint16_t domain, const char *path, const char *value);
void fake_remove(struct fake *fake, uint16_t domain, const char *path);
const char *fake_read(const struct fake *fake, uint16_t domain, const char *path);

/* Writes any node of the store, as a toolstack does. */
void fake_put(struct fake *fake, const char *path, const char *value);

/* What xl writes for a guest with n devices from number `first` on. */
void fake_create(struct fake *fake, uint16_t domain, unsigned first, unsigned n);

/* The same, and the backend has not looked yet. */
void fake_name(struct fake *fake, uint16_t domain, unsigned first, unsigned n);

/* A frontend publishes its page and goes to 3; with `is_linux` it shows that it is Linux's. */
void fake_frontend(struct fake *fake, uint16_t domain, bool is_linux);

/* Writes one key as fake_write(), and lets the backend act on it. */
void fake_set(struct fake *fake, uint16_t domain, const char *path, const char *value);

/* A fresh Xen, and domain 1 with n devices connected; `is_linux` as above. */
void fake_connect(struct fake *fake, unsigned n, bool is_linux);

/* The domain comes to an end. */
void fake_kill(struct fake *fake, uint16_t domain, enum pciback_life life);

/* Permissions held of one kind ("ioport", "iomem", "pirq", "irq", "device", "msi", "page",
 * "event"), or of all for NULL; by one domain, or all for 0. */
size_t fake_held(const struct fake *fake, const char *what, uint16_t domain);

/* Whether the log has had a line with this in it, since fake_init(). */
bool fake_said(const struct fake *fake, const char *text);

/* Asks the device behind a guest's page; returns the protocol's error. */
int32_t fake_request(struct fake *fake, uint16_t domain, uint32_t command, uint32_t slot,
    int32_t offset, int32_t size, uint32_t value, uint32_t *ret_value);

#endif
