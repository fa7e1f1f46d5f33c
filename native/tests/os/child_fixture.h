/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_TESTS_CHILD_FIXTURE_H
#define PCIBACK_TESTS_CHILD_FIXTURE_H

#include <pciback/platform.h>

/*
 * A machine whose guest is the test: a page that both have, a socket that tells of events, and a device that is a file.
 */
struct child_fixture {
	int memory;			/* the file that the page is of */
	struct pciback_page *page;
	int events[2];			/* the test's end, and the child's */
	int config;			/* of a card, as in fixture.h */
	struct pciback_device_settings settings;
	struct pciback_child_machine machine;
};

/* Whether valgrind runs this: its own system calls are those of the process, and a filter would refuse them. */
bool child_fixture_is_watched(void);

/* The device is reached through a proxy from now on: its file is not for the child. */
void child_fixture_use_proxy(struct child_fixture *fixture);

/* Returns whether there is one: not where processes can't serve pages, nor for who watches them. */
bool child_fixture_init(struct child_fixture *fixture);
void child_fixture_free(struct child_fixture *fixture);

/* A START, and a GIVE of the card. */
struct pciback_message child_fixture_start(void);
struct pciback_message child_fixture_give(const struct child_fixture *fixture);

/* Puts a request into the page; waits for its answer, some seconds at most: its error, or 99 without one. Both. */
void child_fixture_put(struct child_fixture *fixture, uint32_t command, int32_t offset, int32_t size, uint32_t value);
int32_t child_fixture_wait(struct child_fixture *fixture);
int32_t child_fixture_request(struct child_fixture *fixture, uint32_t command, int32_t offset, int32_t size,
    uint32_t value);

#endif
