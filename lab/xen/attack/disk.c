/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * usage: disk DEVICE
 *
 * Beside watch in the same guest: ten times a second it writes a block of a disk, past every cache, and reads one of those
 * that it has written. Every 2 seconds it says what the slowest of them took, in milliseconds, and by how much it was itself
 * woken late: JSON after "watched-disk ". "wrong" counts what was not written, not read, or read as something else.
 *
 * Blocks are written in a row, and after the last the first again: lab/xen/written.py knows what they hold.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAUSE		0.1
#define SAY		2.0
#define OPEN_WAIT	120.0		/* seconds: the driver has to make it first */
#define BLOCK		4096
#define BLOCKS		256
#define BEGIN		(1 << 20)	/* what is before is not ours */
#define WORDS		(BLOCK / sizeof(uint64_t))

static _Alignas(BLOCK) uint64_t block[WORDS];

static double
now(void)
{
	struct timespec clock;

	(void)clock_gettime(CLOCK_MONOTONIC, &clock);
	return (double)clock.tv_sec + (double)clock.tv_nsec / 1e9;
}

static void
rest(void)
{
	struct timespec pause = { .tv_nsec = (long)(PAUSE * 1e9) };

	(void)nanosleep(&pause, NULL);
}

/* A word of the block that is written as the nth. */
static uint64_t
word(uint64_t nth, size_t i)
{
	return i == 0 ? nth : nth * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static off_t
place(uint64_t nth)
{
	return BEGIN + (off_t)(nth % BLOCKS) * BLOCK;
}

static bool
write_block(int fd, uint64_t nth)
{
	for (size_t i = 0; i < WORDS; i++)
		block[i] = word(nth, i);
	return pwrite(fd, block, sizeof(block), place(nth)) == (ssize_t)sizeof(block);
}

static bool
read_block(int fd, uint64_t nth)
{
	memset(block, 0, sizeof(block));
	if (pread(fd, block, sizeof(block), place(nth)) != (ssize_t)sizeof(block))
		return false;
	for (size_t i = 0; i < WORDS; i++) {
		if (block[i] != word(nth, i))
			return false;
	}
	return true;
}

/* One of the blocks that are there once the nth is written, the young and the old alike. */
static uint64_t
earlier(uint64_t nth)
{
	uint64_t n = nth < BLOCKS ? nth : BLOCKS;

	return nth - (nth * UINT64_C(2654435761) >> 16) % n;
}

int
main(int argc, char **argv)
{
	double slowest_write = 0, slowest_read = 0, latest = 0, said = now();
	uint64_t n_writes = 0, n_reads = 0, n_wrong = 0;
	int disk = -1;

	while (argc == 2 && (disk = open(argv[1], O_RDWR | O_DIRECT | O_DSYNC)) < 0 && errno == ENOENT &&
	    now() - said < OPEN_WAIT)
		rest();
	if (disk < 0) {
		printf("watched-disk {\"failed\":\"%s\"}\n", strerror(errno));
		return 1;
	}
	for (;;) {
		double begin = now(), took;

		rest();
		took = now() - begin - PAUSE;
		latest = took > latest ? took : latest;
		begin = now();
		n_wrong += !write_block(disk, ++n_writes);
		took = now() - begin;
		slowest_write = took > slowest_write ? took : slowest_write;
		begin = now();
		n_wrong += !read_block(disk, earlier(n_writes));
		took = now() - begin;
		n_reads++;
		slowest_read = took > slowest_read ? took : slowest_read;
		if (now() - said < SAY)
			continue;
		printf("watched-disk {\"uptime\":%.1f,\"writes\":%lu,\"reads\":%lu,\"wrong\":%lu,\"write_ms\":%.0f,"
		    "\"read_ms\":%.0f,\"late_ms\":%.0f}\n", now(), (unsigned long)n_writes, (unsigned long)n_reads,
		    (unsigned long)n_wrong, slowest_write * 1e3, slowest_read * 1e3, latest * 1e3);
		(void)fflush(stdout);
		slowest_write = slowest_read = latest = 0;
		said = now();
	}
}
