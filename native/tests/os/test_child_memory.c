/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _DEFAULT_SOURCE
#endif

#include "harness.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../os/child.h"
#include "child_fixture.h"

#if defined(__linux__)

/* Whether nothing is at an address any more. */
static bool
is_gone(void *address)
{
	return msync(address, 1, MS_ASYNC) < 0 && errno == ENOMEM;
}

/* What is there is not taken for gone; that what is gone is, valgrind would call an error. */
static void
test_is_there(struct harness *harness)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(page != MAP_FAILED && !is_gone(page));
	(void)munmap(page, 4096);
}

/* What a process shares with its parent is gone for it, and there for the parent; what is its own stays. */
static void
test_left(struct harness *harness)
{
	int protection = PROT_READ | PROT_WRITE, status = -1;
	char path[] = "/tmp/test-memory.XXXXXX";
	char *anonymous, *of_file, *own;
	int file = mkstemp(path);
	pid_t child;

	CHECK(file >= 0 && unlink(path) == 0 && ftruncate(file, 4096) == 0);
	anonymous = mmap(NULL, 3 * 4096, protection, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	of_file = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
	own = mmap(NULL, 4096, protection, MAP_PRIVATE, file, 0);
	CHECK(anonymous != MAP_FAILED && of_file != MAP_FAILED && own != MAP_FAILED);
	anonymous[0] = own[0] = 7;
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		int wrong = child_leave_shared_memory() != 0;

		wrong |= (!is_gone(anonymous) || !is_gone(anonymous + 2 * 4096)) << 1;
		wrong |= !is_gone(of_file) << 2;
		wrong |= (is_gone(own) || own[0] != 7) << 3;
		_exit(wrong);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	CHECK_NUMBER(WEXITSTATUS(status), 0);
	CHECK_NUMBER(anonymous[0], 7);
	(void)munmap(anonymous, 3 * 4096);
	(void)munmap(of_file, 4096);
	(void)munmap(own, 4096);
	(void)close(file);
}

#endif

void
test_os_child_memory(struct harness *harness)
{
#if defined(__linux__)
	test_is_there(harness);
	/* Valgrind needs memory that it shares. */
	if (!child_fixture_is_watched())
		test_left(harness);
#else
	CHECK_NUMBER(child_leave_shared_memory(), 0);
#endif
}
