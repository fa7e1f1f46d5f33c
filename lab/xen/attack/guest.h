/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */

#ifndef LAB_ATTACK_GUEST_H
#define LAB_ATTACK_GUEST_H

/* What the parts of the attack share: the guest, and what was tried. A program of one guest has one of each. */

#include <stdbool.h>
#include <stdint.h>

#include <pciback/pciif.h>

#define PAGE		4096
#define BARS		6

/* What was tried, and what came of it. */
struct count {
	unsigned long cycles, states, requests, answers, late, scribbles, events, garbage, foreign_served;
	unsigned long mapped_open, mapped_closed, refused, foreign_tried, foreign_mapped, closed_tried, table_tried,
	    table_written, ended_closed;
};

struct guest {
	int privcmd, events, scratch;	/* the last: a file of a word */
	uint32_t port, reference;
	struct pciback_page *page;
	char backend[128];		/* its directory in xenstore */
	uint64_t bar[BARS], bar_size[BARS];
	uint64_t table;			/* address; 0: none is known */
	uint8_t *window;		/* a page of addresses to map something at */
	uint64_t seed;
};

extern struct count count;
extern struct guest guest;

/* Milliseconds. */
uint64_t now(void);
void rest(unsigned milliseconds);

/* A number below another one; the same ones each time. */
uint32_t any(uint32_t below);

/* Opens what a frontend needs; ends in saying so for ever where something is not there. */
void frontend_open(void);

/* Writes the frontend's state. */
void say_state(unsigned state);

/* The backend's state, or -1. */
int backend_state(void);

/* Waits until it is one of some; false where it does not come to it in time. */
#define STATE(state)	(1U << (state))
bool wait_for_state(unsigned states);

/* Tells the backend of a page and an event channel. */
void publish(uint32_t reference, uint32_t port);

/* Makes an event. */
void notify(void);

/* One request, as a driver makes it. Returns the answer's error, or 1 when none came in time. */
int request(uint32_t command, uint32_t devfn, int32_t offset, int32_t size, uint32_t *value);

/* Connects as a frontend does, at times as one that says that it answers error reports, as only Linux's does; false where
 * the backend does not follow. */
bool frontend_connect(void);

/* Finds out where the device's memory is, and its MSI-X table. */
void learn(void);

/* Maps what is the device's, the table among it; `is_closed`: the backend has taken everything back. */
void map_own(bool is_closed);

/* Maps frames below 4 GiB where firmware puts devices, and which are not this one's. */
void map_foreign(void);

#endif
