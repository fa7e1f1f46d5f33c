/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_OS_CHILD_H
#define PCIBACK_OS_CHILD_H

#include <pciback/platform.h>

#include <sys/types.h>

/*
 * The process that serves one guest's page. It has its socket, its event channel and the files of its devices, and
 * whatever of it is its guest's can do no more than read and write those. Where such a file is more than one device, it
 * has a socket to a proxy instead, which has the files (config_proxy.h).
 */
struct child_setup {
	const struct pciback_child_machine *machine;
	int socket;			/* to the parent */
	int beside;			/* between the child and its proxy; -1: there is none */
	bool is_proxy;
	int root;			/* an empty directory */
	uid_t uid;
	gid_t gid;
	bool has_range;			/* the domain is added to the uid */
};

/* Serves until the parent is gone or has it stop. In a process of its own, which is never left. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void child_serve(const struct child_setup *setup);

/* The same for its proxy: until the parent or the child is gone. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void child_proxy_serve(const struct child_setup *setup);

/* Closes all files of these numbers; `last` may be INT_MAX. */
void child_close_between(int first, int last);

/*
 * Unmaps all memory that the process shares with the one that it was made of: Xen's library writes the arguments of calls
 * into such. Its own page is mapped after that. Returns 0, or a negative errno value: it must not serve.
 */
int child_leave_shared_memory(void);

/* Overwrites what the process has of its parent's knowledge. */
void child_forget(const struct child_setup *setup);

/* Sends a message, and takes one after waiting for it, with the file that comes with it (-1: none; NULL: none is taken).
 * Returns 0, or -EPIPE: whoever was there is gone, or has sent what is no message. */
int child_send(int socket, const uint8_t bytes[PCIBACK_MESSAGE_SIZE]);
int child_receive(int socket, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE], int *ret_file);

/* Microseconds of a processor that a process of this system has used; 0 for none, and for what can't be known. */
uint64_t child_work(pid_t pid);

/*
 * Gives up all but the sockets of the setup and `event_fd` (-1: none): for root everything that being root is, for a child
 * with a proxy every file that it could still get, on Linux all system calls but those that are needed for these files.
 * `domain` may tell its uid from others. Returns 0, or a negative errno value: it must not serve.
 */
int child_confine(const struct child_setup *setup, uint16_t domain, int event_fd);

#endif
