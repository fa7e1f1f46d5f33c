/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * usage: watch PEER CONFIG
 *
 * The guest beside a hostile one, in the lab: ten times a second it pings an address behind its card and reads 4 bytes of
 * the card's configuration space, which its PCI backend answers. Every 2 seconds it says what the slowest of them took, in
 * milliseconds, and by how much it was itself woken late: JSON after "watched-guest ". What is lost counts as the time that
 * was waited for it.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAUSE		0.1
#define PING_WAIT	5.0	/* seconds */
#define SAY		2.0

static double
now(void)
{
	struct timespec clock;

	(void)clock_gettime(CLOCK_MONOTONIC, &clock);
	return (double)clock.tv_sec + (double)clock.tv_nsec / 1e9;
}

static unsigned short
checksum(const unsigned char *bytes, size_t n)
{
	unsigned long sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (unsigned long)(bytes[i] | bytes[i + 1] << 8);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (unsigned short)~sum;
}

/* Seconds until the answer; more than PING_WAIT where none came. */
static double
ping(int fd, const struct sockaddr_in *peer, unsigned short number)
{
	struct icmphdr echo;
	unsigned char answer[512];
	double begin = now();

	memset(&echo, 0, sizeof(echo));
	echo.type = ICMP_ECHO;
	echo.un.echo.id = 0x7a7a;
	echo.un.echo.sequence = number;
	echo.checksum = checksum((const unsigned char *)&echo, sizeof(echo));
	(void)sendto(fd, &echo, sizeof(echo), 0, (const struct sockaddr *)peer, sizeof(*peer));
	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		double left = begin + PING_WAIT - now();
		struct icmphdr head;
		size_t offset;
		ssize_t n;

		if (left <= 0 || poll(&wait, 1, (int)(left * 1000) + 1) <= 0)
			return PING_WAIT + 0.001;
		n = recv(fd, answer, sizeof(answer), 0);
		offset = n > 0 ? (size_t)(answer[0] & 0xf) * 4 : 0;
		if (n < 20 || (size_t)n < offset + sizeof(head))
			continue;
		memcpy(&head, answer + offset, sizeof(head));
		if (head.type == ICMP_ECHOREPLY && head.un.echo.id == echo.un.echo.id && head.un.echo.sequence == number)
			return now() - begin;
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	double slowest_ping = 0, slowest_read = 0, latest = 0, said = now();
	unsigned long n_pings = 0, n_reads = 0, n_wrong = 0;
	unsigned short number = 0;
	unsigned vendor = 0;
	int network, config;

	network = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	config = argc == 3 ? open(argv[2], O_RDONLY) : -1;
	if (network < 0 || config < 0 || inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1) {
		printf("watched-guest {\"failed\":\"%s\"}\n", strerror(errno));
		return 1;
	}
	for (;;) {
		struct timespec pause = { .tv_nsec = (long)(PAUSE * 1e9) };
		unsigned word = 0;
		double begin = now(), took;

		(void)nanosleep(&pause, NULL);
		took = now() - begin - PAUSE;
		latest = took > latest ? took : latest;
		took = ping(network, &peer, ++number);
		n_pings += took <= PING_WAIT;
		slowest_ping = took > slowest_ping ? took : slowest_ping;
		begin = now();
		n_wrong += pread(config, &word, sizeof(word), 0) != (ssize_t)sizeof(word) || word == 0 || word == ~0U ||
		    (vendor != 0 && word != vendor);
		vendor = word;
		took = now() - begin;
		n_reads++;
		slowest_read = took > slowest_read ? took : slowest_read;
		if (now() - said < SAY)
			continue;
		printf("watched-guest {\"uptime\":%.1f,\"pings\":%lu,\"reads\":%lu,\"wrong\":%lu,\"ping_ms\":%.0f,\"read_ms\":%.0f,"
		    "\"late_ms\":%.0f}\n", now(), n_pings, n_reads, n_wrong, slowest_ping * 1e3, slowest_read * 1e3, latest * 1e3);
		(void)fflush(stdout);
		slowest_ping = slowest_read = latest = 0;
		said = now();
	}
}
