/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTS_SERVER_FIXTURE_H
#define PCIBACK_TESTS_SERVER_FIXTURE_H

#include <pciback/server.h>

#include "fixture.h"

/* A server with the card of struct fixture, which a parent has handed out; the parent is the test. */
struct served {
	struct fixture fixture;		/* first */
	struct pciback_server server;
	struct pciback_server_operations operations;
	struct pciback_message answer;	/* to whatever is asked; of type 0: there is no parent any more */
	struct pciback_message before;	/* what comes before it; of type 0: nothing */
	struct pciback_message said[64];	/* by the server, the last ones */
	size_t n_said, n_adopted, n_unmasked;
	int start_error, send_error;
	uint64_t work;
};

/* One that has started; with the card if `is_given`. */
void served_init(struct served *served, bool is_given);

/* Tells the server something. */
void served_tell(struct served *served, const struct pciback_message *message);

/* A GIVE of the card with a number, as what it is by now. */
struct pciback_message served_give(struct served *served, uint32_t number);

/* Puts a request into the page and lets it be served; its error. */
int32_t served_request(struct served *served, uint32_t command, int32_t offset, int32_t size, uint32_t value);

/* The last that the server said, of type 0 if it said nothing. */
const struct pciback_message *served_said(const struct served *served);

#endif
