/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#if defined(__linux__)
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#endif

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <pciback/bus.h>
#include <pciback/os.h>
#include <pciback/platform.h>
#include <pciback/version.h>

/* Exit statuses, as pcibackctl's. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

#define CONTROL_PATH	"/var/run/pcibackd.sock"
#define WAIT_STOP	(PCIBACK_WAIT_CLOSE + 1000)	/* milliseconds for all guests together */
#define TURNS_MAX	16	/* of the backend before others have theirs */

static const char usage[] =
    "usage: pcibackd [--foreground] [--control PATH] [--topology virtual|real]\n"
    "                [--allow no-iommu,shared-irq,shared-page] [--guests N] [--devices N]\n"
    "                [--log text|json] [--bus DUMP [--xen-socket PATH]]\n"
    "       pcibackd --version\n";

struct options {
	const char *bus, *xen_socket, *control;
	enum pciback_topology_kind topology;
	unsigned allow;
	size_t n_guests, n_devices;
	enum log_format format;
	bool foreground;
};

static int stop_pipe[2] = { -1, -1 };

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static int
fail(int status, const char *format, ...)
{
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	(void)fprintf(stderr, "pcibackd: %s\n", message);
	if (status == EXIT_USAGE)
		(void)fputs(usage, stderr);
	return status;
}

/* ---- Options ---------------------------------------------------------------------------- */

static int
read_allow(const char *text, unsigned *ret_allow)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {
		{ "no-iommu", PCIBACK_ALLOW_NO_IOMMU },
		{ "shared-irq", PCIBACK_ALLOW_SHARED_IRQ },
		{ "shared-page", PCIBACK_ALLOW_SHARED_PAGE },
	};

	while (*text != '\0') {
		size_t length = strcspn(text, ","), i = 0;

		while (i < 3 && (strlen(names[i].name) != length ||
		    strncmp(names[i].name, text, length) != 0))
			i++;
		if (i == 3)
			return fail(EXIT_USAGE, "--allow %.*s: no-iommu, shared-irq or shared-page would stand "
			    "here", (int)length, text);
		*ret_allow |= names[i].bit;
		text += length;
		if (*text == ',')
			text++;
	}
	return EXIT_OK;
}

static int
read_count(const char *name, const char *text, size_t *ret_value)
{
	uint32_t value;

	if (pciback_decimal_parse(text, 1024, &value) < 0 || value == 0)
		return fail(EXIT_USAGE, "%s %s: a number from 1 to 1024 would stand here", name, text);
	*ret_value = value;
	return EXIT_OK;
}

/* One of two words. */
static int
read_choice(const char *name, const char *text, const char *first, const char *second,
    bool *ret_is_second)
{
	if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
		return fail(EXIT_USAGE, "%s %s: %s or %s would stand here", name, text, first, second);
	*ret_is_second = strcmp(text, second) == 0;
	return EXIT_OK;
}

static int
read_value(struct options *options, const char *name, const char *value)
{
	bool is_second;
	int status = EXIT_OK;

	if (strcmp(name, "--bus") == 0) {
		options->bus = value;
	} else if (strcmp(name, "--xen-socket") == 0) {
		options->xen_socket = value;
	} else if (strcmp(name, "--control") == 0) {
		options->control = value;
	} else if (strcmp(name, "--allow") == 0) {
		status = read_allow(value, &options->allow);
	} else if (strcmp(name, "--guests") == 0) {
		status = read_count(name, value, &options->n_guests);
	} else if (strcmp(name, "--devices") == 0) {
		status = read_count(name, value, &options->n_devices);
	} else if (strcmp(name, "--topology") == 0) {
		status = read_choice(name, value, "virtual", "real", &is_second);
		if (status == EXIT_OK)
			options->topology = is_second ? PCIBACK_TOPOLOGY_REAL : PCIBACK_TOPOLOGY_VIRTUAL;
	} else if (strcmp(name, "--log") == 0) {
		status = read_choice(name, value, "text", "json", &is_second);
		if (status == EXIT_OK)
			options->format = is_second ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	} else {
		status = fail(EXIT_USAGE, "%s: no such option", name);
	}
	return status;
}

static int
read_options(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		char name[32];
		const char *value = strchr(argv[i], '=');
		size_t length = value != NULL ? (size_t)(value - argv[i]) : strlen(argv[i]);
		int status;

		if (strcmp(argv[i], "--foreground") == 0) {
			options->foreground = true;
			continue;
		}
		if (strncmp(argv[i], "--", 2) != 0 || length >= sizeof(name))
			return fail(EXIT_USAGE, "%s: an option would stand here", argv[i]);
		memcpy(name, argv[i], length);
		name[length] = '\0';
		if (value != NULL)
			value++;
		else if (i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0)
			value = argv[++i];
		else
			value = "";
		/* Whether there is such an option comes first. */
		status = read_value(options, name, value);
		if (status != EXIT_OK)
			return status;
		if (*value == '\0')
			return fail(EXIT_USAGE, "%s: a value would follow", name);
	}
	if (options->xen_socket != NULL && options->bus == NULL)
		return fail(EXIT_USAGE, "--xen-socket is for tests and needs --bus DUMP");
	return EXIT_OK;
}

/* ---- Start and end ---------------------------------------------------------------------- */

static void
on_signal(int signal_number)
{
	int error = errno;
	char byte = 1;

	(void)signal_number;
	/* Full means that it was said already. */
	if (write(stop_pipe[1], &byte, 1) < 0)
		errno = error;
	errno = error;
}

static int
catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

	if (pipe(stop_pipe) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		(void)fcntl(stop_pipe[i], F_SETFL, O_NONBLOCK);
		(void)fcntl(stop_pipe[i], F_SETFD, FD_CLOEXEC);
	}
	if (sigaction(SIGTERM, &stop, NULL) < 0 || sigaction(SIGINT, &stop, NULL) < 0 ||
	    sigaction(SIGPIPE, &ignore, NULL) < 0)
		return -errno;
	return 0;
}

static uint64_t
clock_now(const struct pciback_xen_link *link)
{
	struct timespec clock;
	uint64_t now;

	(void)clock_gettime(CLOCK_MONOTONIC, &clock);
	now = (uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_nsec / 1000000;
	return link->time != NULL ? link->time(link->xen.world, now) : now;
}

/* Reads a dump into devices that behave. */
static int
open_bus(const struct options *options, struct pciback_hardware *hardware)
{
	char message[PCIBACK_PLATFORM_MESSAGE] = "";
	struct pciback_dump_error error = { .line = 0 };
	struct pciback_bus bus;
	char *text;
	size_t length;
	int r;

	if (options->bus == NULL) {
		r = pciback_hardware_open(hardware, message);
		return r < 0 ? fail(EXIT_FAILED, "%s", message) : EXIT_OK;
	}
	r = pciback_read_file(options->bus, PCIBACK_DUMP_MAX + 1, &text, &length);
	if (r < 0)
		return fail(EXIT_FAILED, "%s can't be read: %s", options->bus, strerror(-r));
	pciback_bus_init(&bus);
	r = pciback_bus_read_dump(&bus, text, length, &error);
	free(text);
	if (r == -ENOMEM)
		return fail(EXIT_FAILED, "%s: %s", options->bus, strerror(ENOMEM));
	if (r < 0 && error.line != 0)
		return fail(EXIT_FAILED, "%s, line %zu: %s", options->bus, error.line, error.message);
	if (r < 0)
		return fail(EXIT_FAILED, "%s: %s", options->bus, error.message);
	r = pciback_hardware_open_simulated(hardware, &bus, message);
	pciback_bus_free(&bus);
	return r < 0 ? fail(EXIT_FAILED, "%s", message) : EXIT_OK;
}

/* The Xen that goes with the devices. */
static int
open_xen(const struct options *options, struct pciback_xen_link *link,
    struct pciback_backend *backend)
{
	char message[PCIBACK_PLATFORM_MESSAGE] = "";
	int r = 0;

	if (options->xen_socket != NULL)
		r = pciback_xen_open_simulated(link, backend, options->xen_socket, message);
	else if (options->bus != NULL)
		pciback_xen_open_empty(link);
	else
		r = pciback_xen_open(link, backend, message);
	return r < 0 ? fail(EXIT_FAILED, "%s", message) : EXIT_OK;
}

/* Everything that is ever needed is allocated here. */
static int
allocate(const struct options *options, struct pciback_backend *backend)
{
	backend->topology = options->topology;
	backend->allow = options->allow;
	backend->n_guests = options->n_guests;
	backend->n_slots = options->n_devices;
	backend->n_jobs = CONTROL_CLIENTS * 2;
	backend->guests = calloc(backend->n_guests, sizeof(*backend->guests));
	backend->slots = calloc(backend->n_slots, sizeof(*backend->slots));
	backend->jobs = calloc(backend->n_jobs, sizeof(*backend->jobs));
	if (backend->guests == NULL || backend->slots == NULL || backend->jobs == NULL)
		return fail(EXIT_FAILED, "%s", strerror(ENOMEM));
	return EXIT_OK;
}

/* Leaves the terminal; the parent's status says whether all went well. */
static int
detach_process(void)
{
	pid_t child = fork();
	int null;

	if (child < 0)
		return -errno;
	if (child > 0)
		_exit(EXIT_OK);
	(void)setsid();
	if (chdir("/") < 0)
		return -errno;
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		return -errno;
	for (int fd = 0; fd <= 2; fd++)
		(void)dup2(null, fd);
	if (null > 2)
		(void)close(null);
	return 0;
}

/* ---- The loop --------------------------------------------------------------------------- */

struct loop {
	struct pciback_backend *backend;
	struct pciback_xen_link *link;
	struct control *control;
	bool is_stopping;
	uint64_t stop_at;
};

/* Lets the backend do all that is due; returns for how long there is nothing more. */
static int
turn(struct loop *loop)
{
	int wait = 0;

	for (unsigned i = 0; i < TURNS_MAX && wait == 0; i++)
		wait = pciback_backend_run(loop->backend, clock_now(loop->link));
	(void)control_answer(loop->control);
	if (wait != 0 && loop->link->at_rest != NULL)
		loop->link->at_rest(loop->link->xen.world);
	return wait;
}

/* A first signal asks the guests to let go, a second does not wait for them. */
static void
take_signal(struct loop *loop)
{
	char bytes[16];
	uint64_t now = clock_now(loop->link);

	if (read(stop_pipe[0], bytes, sizeof(bytes)) <= 0)
		return;
	if (loop->is_stopping) {
		loop->stop_at = now;
		return;
	}
	log_line(NULL, PCIBACK_LOG_INFO, "stopping");
	loop->is_stopping = true;
	loop->stop_at = now + WAIT_STOP;
	pciback_backend_stop(loop->backend, now);
}

static int
sooner(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static int
run(struct loop *loop)
{
	struct pollfd fds[3 + 1 + CONTROL_CLIENTS];

	for (;;) {
		uint64_t now;
		size_t n = 0, n_control;
		int wait = turn(loop), r;

		now = clock_now(loop->link);
		if (loop->is_stopping) {
			if (pciback_backend_idle(loop->backend) || now >= loop->stop_at)
				return EXIT_OK;
			wait = sooner(wait, (int)(loop->stop_at - now));
		}
		wait = sooner(wait, control_wait(loop->control, now));
		if (loop->link->flush != NULL && loop->link->flush(loop->link->xen.world) < 0)
			return fail(EXIT_FAILED, "Xen is lost");
		fds[n++] = (struct pollfd){ .fd = stop_pipe[0], .events = POLLIN };
		for (size_t i = 0; i < loop->link->n_fds; i++)
			fds[n++] = (struct pollfd){ .fd = loop->link->fds[i], .events = POLLIN };
		n_control = control_poll(loop->control, &fds[n]);
		if (poll(fds, (nfds_t)(n + n_control), wait) < 0 && errno != EINTR)
			return fail(EXIT_FAILED, "poll: %s", strerror(errno));
		if (fds[0].revents != 0)
			take_signal(loop);
		r = 0;
		for (size_t i = 1; i < n && r == 0; i++)
			if (fds[i].revents != 0)
				r = loop->link->receive(loop->link->xen.world);
		if (r < 0)
			return fail(EXIT_FAILED, "Xen is lost: %s", strerror(-r));
		control_run(loop->control, &fds[n], n_control, clock_now(loop->link));
	}
}

static int
serve(const struct options *options, struct pciback_backend *backend,
    struct pciback_xen_link *link, struct control *control)
{
	struct loop loop = { .backend = backend, .link = link, .control = control };
	const char *confined;
	int status, r;

	if (!options->foreground) {
		r = detach_process();
		if (r < 0)
			return fail(EXIT_FAILED, "can't leave the terminal: %s", strerror(-r));
	}
	log_open(options->format, !options->foreground);
	confined = pciback_confine(options->bus != NULL);
	if (confined != NULL)
		log_line(NULL, PCIBACK_LOG_INFO, confined);
	pciback_backend_init(backend);
	r = pciback_backend_start(backend, clock_now(link));
	if (r < 0)
		return fail(EXIT_FAILED, "xenstore can't be watched: %s", strerror(-r));
	log_line(NULL, PCIBACK_LOG_INFO, "started");
	status = run(&loop);
	pciback_backend_end(backend, clock_now(link));
	log_line(NULL, PCIBACK_LOG_INFO,
	    backend->n_not_taken_back == 0 ? "ended, no permission is left" :
	    "ended, and Xen refused to take some permissions back");
	return status;
}

int
main(int argc, char **argv)
{
	struct options options = { .control = CONTROL_PATH, .n_guests = 64, .n_devices = 64 };
	static struct pciback_backend backend;
	static struct control control;
	struct pciback_xen_link link;
	int status, r;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)fputs(usage, stdout);
		return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("pcibackd %s\n", PCIBACK_VERSION);
		return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
	}
	status = read_options(argc, argv, &options);
	if (status == EXIT_OK)
		status = allocate(&options, &backend);
	if (status == EXIT_OK)
		status = open_bus(&options, &backend.hardware);
	if (status != EXIT_OK)
		return status;
	backend.hardware.log = log_line;
	status = open_xen(&options, &link, &backend);
	if (status != EXIT_OK)
		return status;
	backend.xen = link.xen;
	r = catch_signals();
	if (r == 0)
		r = control_open(&control, options.control, &backend);
	if (r < 0)
		status = fail(EXIT_FAILED, r == -EADDRINUSE ? "%s: another pcibackd is running" :
		    "the control socket %s can't be made: %s", options.control, strerror(-r));
	else
		status = serve(&options, &backend, &link, &control);
	control_close(&control);
	link.close(link.xen.world);
	pciback_hardware_close(&backend.hardware);
	free(backend.guests);
	free(backend.slots);
	free(backend.jobs);
	return status;
}
