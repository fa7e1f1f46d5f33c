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

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/backend.h>
#include <pciback/host_lock.h>
#include <pciback/platform.h>
#include <pciback/status.h>
#include <pciback/version.h>

#include "control.h"
#include "detach.h"
#include "log.h"
#include "loop.h"
#include "options.h"
#include "world.h"

/* Exit statuses, as pcibackctl's. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_HANDED_OVER = 75,		/* to be started again, at once [sysexits.h: EX_TEMPFAIL] */
};

static const char usage[] =
    "usage: pcibackd [--foreground] [--control PATH] [--topology virtual|real]\n"
    "                [--allow no-iommu,shared-irq,shared-bar-page,no-reset,kept-mappings]\n"
    "                [--guests N] [--devices N] [--children yes|no] [--record PATH|none]\n"
    "                [--log text|json] [--bus DUMP [--xen-socket PATH]]\n"
    "       pcibackd --version\n";

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

/* Whether no other pcibackd serves this host's guests. */
static int
lock_host(void)
{
	long holder = 0;
	int r = pciback_host_lock_take(PCIBACK_HOST_LOCK_PATH, &holder);

	if (r == -EBUSY)
		return fail(EXIT_FAILED, "another pcibackd serves this host's guests: process %ld, which "
		    "has locked " PCIBACK_HOST_LOCK_PATH, holder);
	if (r < 0)
		return fail(EXIT_FAILED, PCIBACK_HOST_LOCK_PATH " can't be locked: %s", strerror(-r));
	return EXIT_OK;
}

/* Without a record pcibackd does all that it does with one, but the next one can't go on with it. */
static void
open_record(const struct options *options, struct pciback_backend *backend, struct pciback_record_store *store)
{
	int r;

	*store = (struct pciback_record_store){ .operations = NULL };
	if (options->record == NULL)
		return;
	r = pciback_record_open(options->record, store);
	if (r < 0)
		(void)fprintf(stderr, "pcibackd: there is no record at %s for the process after this one, which then resets the "
		    "devices that guests have: %s\n", options->record, strerror(-r));
	pciback_backend_keep_record(backend, store);
}

/* `terminal` is what detach_begin() returned, or -1 to stay. */
static int
serve(const struct options *options, struct pciback_backend *backend, struct world *world,
    struct control *control, int terminal)
{
	struct pciback_xen_link *link = &world->link;
	char message[LOOP_MESSAGE];
	struct pciback_counts counts;
	const char *confined;
	int status = EXIT_OK, r;

	log_open(options->format, !options->foreground);
	/* Before the right to do so is given up. Who may not is served all the same. */
	if (world->has_devices)
		(void)pciback_raise_priority();
	confined = pciback_confine(world->has_devices, world->has_devices && world->children.operations != NULL);
	if (confined != NULL)
		log_line(NULL, PCIBACK_LOG_INFO, confined);
	r = pciback_backend_start(backend, link->clock(link->xen.world));
	if (r < 0)
		return fail(EXIT_FAILED, "xenstore can't be watched: %s", strerror(-r));
	if (terminal >= 0) {
		r = detach_end(terminal);
		if (r < 0)
			return fail(EXIT_FAILED, "can't leave the terminal: %s", strerror(-r));
	}
	log_line(NULL, PCIBACK_LOG_INFO, "started");
	r = loop_run(backend, world, control, options->n_guests, message);
	if (r > 0) {
		pciback_backend_hand_over(backend, link->clock(link->xen.world));
		log_line(NULL, PCIBACK_LOG_INFO, "ended; guests keep their devices, and wait for the next process");
		return EXIT_HANDED_OVER;
	}
	if (r < 0) {
		log_line(NULL, PCIBACK_LOG_ERROR, message);
		status = EXIT_FAILED;
	}
	pciback_backend_end(backend, link->clock(link->xen.world));
	pciback_status_counts(backend, &counts);
	log_line(NULL, PCIBACK_LOG_INFO, counts.n_not_revoked == 0 ? "ended, no permission is left" :
	    "ended, and Xen refused to take some permissions back");
	return status;
}

int
main(int argc, char **argv)
{
	char mistake[OPTIONS_MESSAGE], message[PCIBACK_PLATFORM_MESSAGE];
	struct options options;
	struct pciback_backend_settings settings;
	struct pciback_backend *backend;
	struct pciback_record_store record;
	static struct control control;
	struct world world;
	int terminal = -1, status, r;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		(void)fputs(usage, stdout);
		return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("pcibackd %s\n", PCIBACK_VERSION);
		return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
	}
	if (options_read(argc, argv, &options, mistake) < 0)
		return fail(EXIT_USAGE, "%s", mistake);
	if (!options.foreground) {
		terminal = detach_begin();
		if (terminal < 0)
			return fail(EXIT_FAILED, "can't leave the terminal: %s", strerror(-terminal));
	}
	/* A simulated host has no guests that another one could serve. */
	if (options.bus == NULL && lock_host() != EXIT_OK)
		return EXIT_FAILED;
	settings = (struct pciback_backend_settings){
		.topology = options.topology,
		.allow = options.allow,
		.n_guests = options.n_guests,
		.n_devices = options.n_devices,
		.n_jobs = CONTROL_CLIENTS * 2,
	};
	r = pciback_backend_new(&settings, &backend);
	if (r < 0)
		return fail(EXIT_FAILED, "%s", strerror(-r));
	if (world_open(&options, argv, backend, &world, message) < 0) {
		pciback_backend_free(backend);
		return fail(EXIT_FAILED, "%s", message);
	}
	world.hardware.log = log_line;
	pciback_backend_bind(backend, &world.link.xen, &world.hardware);
	pciback_backend_serve_by(backend, &world.children);
	open_record(&options, backend, &record);
	r = loop_catch_signals();
	if (r == 0)
		r = control_open(&control, options.control, backend);
	if (r < 0)
		status = fail(EXIT_FAILED, r == -EADDRINUSE ? "%s: another pcibackd is running" :
		    "the control socket %s can't be made: %s", options.control, strerror(-r));
	else
		status = serve(&options, backend, &world, &control, terminal);
	control_close(&control);
	pciback_record_close(&record);
	world_close(&world);
	pciback_backend_free(backend);
	return status;
}
