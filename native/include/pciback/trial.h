/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TRIAL_H
#define PCIBACK_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/json.h>

/*
 * A boot that undoes itself, from inside the host that runs it.
 *
 * NetBSD: boot.cfg names a hard link to Xen for the new list, and Xen itself, for the list from
 * before, behind it: with the link the host boots the one, without it the other. Whoever makes a
 * trial writes boot.cfg, then the record, then the link.
 *
 * Linux: GRUB's menu has an entry with the new list, and boots it once if a variable of its
 * environment block says so; it changes that before. Whoever makes a trial writes the menu, then the
 * record, then the variable.
 *
 * The record says what is tried. What is here does the rest: `begin` at each start of the host,
 * `confirm` once.
 *
 * Pure: all that it reads and changes goes through struct pciback_trial_world.
 */

#define PCIBACK_TRIAL_SCHEMA	"xen.pciback/trial-record/1"

/* The record is one sector, so that it is written over in one step and needs no room on a disk
 * that is full: lines "key<TAB>value", then empty lines. */
#define PCIBACK_TRIAL_SIZE	512
#define PCIBACK_TRIAL_LINK	8	/* bytes of its name, with the NUL */
#define PCIBACK_TRIAL_XEN	128
#define PCIBACK_TRIAL_BOOT	64

/* Seconds that a trial may wait to be confirmed. */
#define PCIBACK_TRIAL_SECONDS_MIN	10
#define PCIBACK_TRIAL_SECONDS_MAX	86400

/* Xen has two watchdogs for each domain, and numbers them from 1. */
#define PCIBACK_TRIAL_WATCHDOG_MAX	2

enum pciback_trial_state {
	PCIBACK_TRIAL_ARMED,		/* the next boot is to try the new list */
	PCIBACK_TRIAL_RUNNING,		/* it was tried, by the boot of the record */
	PCIBACK_TRIAL_UNDONE,		/* nobody confirmed, and the host started again */
	PCIBACK_TRIAL_CONFIRMED,
};

struct pciback_trial {
	enum pciback_trial_state state;
	char link[PCIBACK_TRIAL_LINK];	/* /t, or /t0 to /t9; "grub": no link, but the variable */
	char xen[PCIBACK_TRIAL_XEN];	/* what it is a link to; GRUB's environment block */
	uint32_t seconds;		/* to wait for a confirmation */
	char boot[PCIBACK_TRIAL_BOOT];	/* which boot noted this; "-" for none */
	uint32_t started;		/* when the watchdog was set, in seconds since that boot */
	uint32_t watchdog;		/* its number; 0 for none */
	uint32_t starts;		/* how many boots have tried the list */
};

/*
 * Reads a record of any bytes. Returns 0, or -EINVAL: then it is not one, and `ret_trial` as it
 * was. What is accepted is written back the same by pciback_trial_format().
 */
int pciback_trial_parse(const char *bytes, size_t length, struct pciback_trial *ret_trial);

/* Writes a record. */
void pciback_trial_format(const struct pciback_trial *trial, char ret_bytes[PCIBACK_TRIAL_SIZE]);

/* Whether it is GRUB that boots what is tried. */
bool pciback_trial_has_grub(const struct pciback_trial *trial);

const char *pciback_trial_state_name(enum pciback_trial_state state);

/* Which boots have the new list, by what is on the disk and how this boot was started. */
enum pciback_trial_arming {
	PCIBACK_TRIAL_OFF,		/* neither this one nor the next */
	PCIBACK_TRIAL_ON,		/* the next; and whether this one has, only the record can tell */
	PCIBACK_TRIAL_THIS_BOOT,	/* this one has, and GRUB knows not to do it again */
	PCIBACK_TRIAL_NEXT_BOOT,	/* this one has not, and the next will */
};

/* What a trial reads and changes. Errors are negative errno values; what changes a disk is on it
 * when the function returns. */
struct pciback_trial_world {
	void *context;

	/* Up to `size` bytes of the record; -ENOENT without one, -EPERM if others than root may have
	 * written it. */
	int (*read)(void *context, char *bytes, size_t size, size_t *ret_length);
	/* Writes over the record where it lies on the disk. */
	int (*write)(void *context, const char bytes[PCIBACK_TRIAL_SIZE]);

	/* One of enum pciback_trial_arming. */
	int (*arming)(void *context, const struct pciback_trial *trial);
	/* From now on the host starts with the list from before: no link, or the variable changed. Success
	 * if that was so. */
	int (*disarm)(void *context, const struct pciback_trial *trial);
	/* From now on it starts with the new list. Success if it did. */
	int (*keep)(void *context, const struct pciback_trial *trial);

	/* A name of this boot that no other boot has, of letters, digits, '.' and '-'. It does not
	 * change with the clock. */
	int (*identify)(void *context, char ret_boot[PCIBACK_TRIAL_BOOT]);
	/* Seconds since this boot, whatever happens to the time of day. */
	uint32_t (*clock)(void *context);

	/* Xen's watchdog of this domain: 0 makes a new one and its number is returned; else the one of
	 * this number starts anew, or ends if `seconds` is 0, and 0 is returned; -EINVAL if it does
	 * not run. */
	int (*watchdog)(void *context, uint32_t number, uint32_t seconds);

	/* A line for whoever stands at the console. */
	void (*say)(void *context, const char *line);
};

/* What is the case, beyond what the record says. */
enum pciback_trial_finding {
	PCIBACK_TRIAL_NONE,		/* no record */
	PCIBACK_TRIAL_UNREADABLE,
	PCIBACK_TRIAL_WAITS,		/* for the boot that tries the list */
	PCIBACK_TRIAL_RUNS,		/* this boot tries it */
	PCIBACK_TRIAL_IS_UNDONE,
	PCIBACK_TRIAL_IS_CONFIRMED,
};

struct pciback_trial_report {
	enum pciback_trial_finding finding;
	struct pciback_trial trial;	/* if there is a record that can be read */
	enum pciback_trial_arming arming;	/* the same */
	uint32_t remaining;		/* seconds until the watchdog fires, while it runs */
	bool failed;			/* what was asked for was not done */
	char message[256];		/* one sentence, or "" */
};

/* What is the case; changes nothing. */
void pciback_trial_look(const struct pciback_trial_world *world,
    struct pciback_trial_report *ret_report);

/*
 * Whether Xen has the watchdog that undoes a trial: asks it to end one that no domain has, so that nothing starts or
 * ends, whenever the process is killed. Changes nothing, and looks at no record.
 */
void pciback_trial_probe(const struct pciback_trial_world *world,
    struct pciback_trial_report *ret_report);

/*
 * At each start of the host, when / can be written and before there is a network. Whoever kills it
 * anywhere, or cuts the power, leaves a host that boots one of the two lists, and a record by which
 * the next call knows which.
 */
void pciback_trial_begin(const struct pciback_trial_world *world,
    struct pciback_trial_report *ret_report);

/* Ends the watchdog and lets the host go on booting what was tried. */
void pciback_trial_confirm(const struct pciback_trial_world *world,
    struct pciback_trial_report *ret_report);

const char *pciback_trial_finding_name(enum pciback_trial_finding finding);

/* What follows "schema" in the object that a program prints. */
void pciback_trial_json(struct pciback_json *json, const struct pciback_trial_report *report);

#endif
