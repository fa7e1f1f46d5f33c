/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciback/backend.h>
#include <pciback/host_lock.h>
#include <pciback/kernel_backend.h>
#include <pciback/kernel_host.h>
#include <pciback/platform.h>
#include <pciback/prepared.h>
#include <pciback/text.h>
#include <pciback/wanted.h>

#include "output.h"

/* The commands that give devices to the backend of NetBSD's kernel. They work by themselves, without a pcibackd. */

#define WAIT_LOCK 30000		/* milliseconds for another one to end */

struct kernel {
	const struct cli_options *options;
	struct pciback_backend *backend;
	struct pciback_xen_link link;
	uint16_t domain;		/* 0 of a command without one */
	size_t n;
	struct pciback_wanted devices[PCIBACK_ENTRIES_MAX];
	struct pciback_address addresses[PCIBACK_ENTRIES_MAX];	/* the same */
};

static const struct pciback_kernel_host host = {
	.holds = pciback_kernel_holds,
	.interrupt = pciback_kernel_interrupt,
	.visit = pciback_kernel_visit,
};

static void
log_line(void *world, enum pciback_log_level level, const char *line)
{
	(void)world;
	(void)level;
	(void)fprintf(stderr, "pcibackctl: %s\n", line);
}

/* ---- What is asked ------------------------------------------------------------------------ */

static int
read_device(struct kernel *kernel, const char *word, unsigned knows)
{
	struct pciback_wanted *device = &kernel->devices[kernel->n];
	char copy[128], message[PCIBACK_WANTED_MESSAGE];

	if (kernel->n == PCIBACK_ENTRIES_MAX)
		return cli_fail(kernel->options, CLI_USAGE, "that many devices are no guest's");
	*device = (struct pciback_wanted){
		.permissive = kernel->options->permissive,
		.rdm_relaxed = kernel->options->rdm_relaxed,
	};
	(void)snprintf(copy, sizeof(copy), "%s", word);
	if (pciback_wanted_read(copy, knows, device, message) < 0)
		return cli_fail(kernel->options, CLI_USAGE, "%s", message);
	kernel->addresses[kernel->n++] = device->address;
	return CLI_OK;
}

/* The words of a command, in which device options are of the kinds that it knows. */
static int
read_words(const struct cli_options *options, unsigned knows, struct kernel *kernel)
{
	uint32_t domain = 0;
	int status = CLI_OK;

	memset(kernel, 0, sizeof(*kernel));
	kernel->options = options;
	if (options->domain != NULL && (pciback_decimal_parse(options->domain, PCIBACK_DOMAIN_MAX, &domain) < 0 ||
	    domain == 0))
		return cli_fail(options, CLI_USAGE, "--domain %.20s: a domain's number would stand here", options->domain);
	kernel->domain = (uint16_t)domain;
	for (size_t i = 0; i < options->n_words && status == CLI_OK; i++)
		status = read_device(kernel, options->words[i], knows);
	return status;
}

/* ---- What it needs ------------------------------------------------------------------------ */

static void
close_kernel(struct kernel *kernel)
{
	if (kernel->link.close != NULL)
		kernel->link.close(kernel->link.xen.world);
	pciback_backend_free(kernel->backend);
}

/* Opens the machine's devices and its Xen; of several that change something, one at a time. */
static int
open_kernel(struct kernel *kernel, bool changes)
{
	const struct pciback_backend_settings settings = {
		.topology = PCIBACK_TOPOLOGY_REAL,
		.allow = kernel->options->allow,
		.n_guests = 1,
		.n_devices = PCIBACK_ENTRIES_MAX,
		.n_jobs = 1,
		.waits_for_resets = true,
	};
	struct pciback_hardware hardware;
	char message[PCIBACK_PLATFORM_MESSAGE];
	int r = pciback_kernel_check(message);

	/* What another one grants may be what this one looks at. */
	if (r == 0 && changes)
		r = pciback_host_lock_wait(PCIBACK_HOST_LOCK_PATH, WAIT_LOCK, message);
	if (r < 0)
		return cli_fail(kernel->options, CLI_FAILED, "%s", message);
	r = pciback_backend_new(&settings, &kernel->backend);
	if (r < 0)
		return cli_fail(kernel->options, CLI_FAILED, "%s", strerror(-r));
	r = pciback_hardware_open(&hardware, message);
	if (r == 0)
		r = pciback_xen_open(&kernel->link, kernel->backend, message);
	if (r < 0)
		return cli_fail(kernel->options, CLI_FAILED, "%s", message);
	hardware.log = log_line;
	pciback_backend_bind(kernel->backend, &kernel->link.xen, &hardware);
	return CLI_OK;
}

/* ---- What is answered --------------------------------------------------------------------- */

/* A device's address, and of `files`, if they are given, its interrupt. */
static void
json_device(struct pciback_json *json, const char *name, const struct pciback_kernel_files *files)
{
	pciback_json_object(json, NULL);
	pciback_json_string(json, "address", name);
	if (files != NULL && files->irq[0] != '\0')
		pciback_json_unsigned(json, "irq", strtoul(files->irq, NULL, 10));
	else if (files != NULL)
		pciback_json_null(json, "irq");
	pciback_json_object_end(json);
}

/* The devices, a line or an object each: what they are now, and of `files`, if they are given, the interrupts. */
static int
print_devices(const struct kernel *kernel, const char *schema, const char *done,
    const struct pciback_kernel_files *files)
{
	struct pciback_json json;

	for (size_t i = 0; i < kernel->n && !kernel->options->json; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&kernel->addresses[i], name);
		(void)printf("%s is %s", name, done);
		if (kernel->domain != 0)
			(void)printf(" domain %u", (unsigned)kernel->domain);
		if (files != NULL && files[i].irq[0] != '\0')
			(void)printf(", interrupt %.*s", (int)strcspn(files[i].irq, "\n"), files[i].irq);
		(void)printf("\n");
	}
	if (!kernel->options->json)
		return cli_flush();
	cli_json_begin(&json, schema);
	if (kernel->domain != 0)
		pciback_json_unsigned(&json, "domain", kernel->domain);
	pciback_json_array(&json, "devices");
	for (size_t i = 0; i < kernel->n; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&kernel->addresses[i], name);
		json_device(&json, name, files != NULL ? &files[i] : NULL);
	}
	pciback_json_array_end(&json);
	return cli_json_end(&json);
}

/* ---- The commands ------------------------------------------------------------------------- */

struct listing {
	const struct cli_options *options;
	struct pciback_json json;
	size_t n;
};

static void
list_guest(void *context, const struct pciback_kernel_guest *guest)
{
	static const char *const lives[] = {
		[PCIBACK_LIFE_RUNNING] = "running",
		[PCIBACK_LIFE_STOPPED] = "stopped",
		[PCIBACK_LIFE_GONE] = "gone",
	};
	struct listing *listing = context;
	struct pciback_json *json = &listing->json;

	listing->n++;
	if (!listing->options->json) {
		(void)printf("domain %u  %s  backend %d %s\n", (unsigned)guest->domain, lives[guest->life], (int)guest->state,
		    pciback_xenbus_name(guest->state));
	} else {
		pciback_json_object(json, NULL);
		pciback_json_unsigned(json, "domain", guest->domain);
		pciback_json_string(json, "life", lives[guest->life]);
		pciback_json_unsigned(json, "state", guest->state);
		pciback_json_array(json, "devices");
	}
	for (size_t i = 0; i < guest->n; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&guest->addresses[i], name);
		if (listing->options->json)
			json_device(json, name, NULL);
		else
			(void)printf("  %s\n", name);
	}
	if (listing->options->json) {
		pciback_json_array_end(json);
		pciback_json_object_end(json);
	}
}

int
cli_kernel_status(const struct cli_options *options)
{
	struct listing listing = { .options = options };
	struct kernel kernel;
	char message[PCIBACK_LOG_LINE] = "";
	int status = read_words(options, 0, &kernel);

	if (status == CLI_OK)
		status = open_kernel(&kernel, false);
	if (status != CLI_OK) {
		close_kernel(&kernel);
		return status;
	}
	if (options->json) {
		cli_json_begin(&listing.json, "xen.pciback/kernel-status/1");
		pciback_json_array(&listing.json, "guests");
	}
	/* What could not be read ends the list, and is said on stderr alone: the object has begun. */
	if (pciback_kernel_guests(kernel.backend, list_guest, &listing, message) < 0) {
		(void)fprintf(stderr, "pcibackctl: %s\n", message);
		status = CLI_FAILED;
	}
	close_kernel(&kernel);
	if (options->json) {
		pciback_json_array_end(&listing.json);
		return cli_json_end(&listing.json) != CLI_OK ? CLI_FAILED : status;
	}
	if (listing.n == 0 && status == CLI_OK)
		(void)printf("no guest has devices of the kernel's backend\n");
	return cli_flush() != CLI_OK ? CLI_FAILED : status;
}

int
cli_kernel_attach(const struct cli_options *options)
{
	struct kernel kernel;
	char message[PCIBACK_LOG_LINE] = "";
	int status = read_words(options, PCIBACK_WANTED_KNOWS_POLICY | PCIBACK_WANTED_KNOWS_IDENTITY, &kernel);

	if (status != CLI_OK)
		return status;
	status = open_kernel(&kernel, true);
	if (status == CLI_OK && pciback_kernel_attach(kernel.backend, &host, kernel.domain, kernel.devices, kernel.n,
	    message) < 0)
		status = cli_fail(options, CLI_FAILED, "%s", message);
	close_kernel(&kernel);
	return status != CLI_OK ? status : print_devices(&kernel, "xen.pciback/attach/1", "attached to", NULL);
}

int
cli_kernel_detach(const struct cli_options *options)
{
	struct kernel kernel;
	char message[PCIBACK_LOG_LINE] = "";
	int status;

	if (options->n_words > 0 || options->force)
		return cli_fail(options, CLI_USAGE, "detach --backend kernel takes back all devices of a guest that has closed: "
		    "neither addresses nor --force would stand here");
	status = read_words(options, 0, &kernel);
	if (status != CLI_OK)
		return status;
	status = open_kernel(&kernel, true);
	if (status == CLI_OK && pciback_kernel_detach(kernel.backend, &host, kernel.domain, kernel.addresses, &kernel.n,
	    message) < 0)
		status = cli_fail(options, CLI_FAILED, "%s", message);
	close_kernel(&kernel);
	return status != CLI_OK ? status : print_devices(&kernel, "xen.pciback/detach/1", "detached from", NULL);
}

static int
write_files(const struct kernel *kernel, const char *root, const struct pciback_kernel_files *files)
{
	struct pciback_prepared prepared[PCIBACK_ENTRIES_MAX];
	char message[PCIBACK_PLATFORM_MESSAGE] = "";

	for (size_t i = 0; i < kernel->n; i++)
		prepared[i] = (struct pciback_prepared){
			.address = kernel->addresses[i],
			.resource = files[i].resource,
			.irq = files[i].irq,
		};
	return pciback_prepared_write(root, prepared, kernel->n, message) == 0 ? CLI_OK :
	    cli_fail(kernel->options, CLI_FAILED, "%s", message);
}

int
cli_prepare(const struct cli_options *options)
{
	const char *root = options->root != NULL ? options->root : "/";
	struct pciback_kernel_files files[PCIBACK_ENTRIES_MAX];
	struct kernel kernel;
	char message[PCIBACK_LOG_LINE] = "", path_message[PCIBACK_PLATFORM_MESSAGE] = "";
	int status = read_words(options, PCIBACK_WANTED_KNOWS_IDENTITY, &kernel);

	if (status != CLI_OK)
		return status;
	status = open_kernel(&kernel, true);
	/* Before anything is done to a device. */
	if (status == CLI_OK && pciback_prepared_check(root, path_message) < 0)
		status = cli_fail(options, CLI_FAILED, "%s", path_message);
	if (status == CLI_OK && pciback_kernel_prepare(kernel.backend, &host, kernel.devices, kernel.n, files,
	    message) < 0)
		status = cli_fail(options, CLI_FAILED, "%s", message);
	if (status == CLI_OK)
		status = write_files(&kernel, root, files);
	close_kernel(&kernel);
	return status != CLI_OK ? status : print_devices(&kernel, "xen.pciback/prepare/1", "prepared for xl", files);
}

int
cli_unprepare(const struct cli_options *options)
{
	const char *root = options->root != NULL ? options->root : "/";
	struct kernel kernel;
	char message[PCIBACK_LOG_LINE] = "", path_message[PCIBACK_PLATFORM_MESSAGE] = "";
	int status = read_words(options, 0, &kernel);

	if (status != CLI_OK)
		return status;
	/* xl reads the files when it takes devices back, too. Where the kernel's backend is not at work, no guest has one. */
	if (pciback_kernel_check(path_message) == 0) {
		status = open_kernel(&kernel, true);
		if (status == CLI_OK && pciback_kernel_check_unused(kernel.backend, kernel.addresses, kernel.n, message) < 0)
			status = cli_fail(options, CLI_FAILED, "%s", message);
	}
	if (status == CLI_OK && pciback_prepared_remove(root, kernel.addresses, kernel.n, path_message) < 0)
		status = cli_fail(options, CLI_FAILED, "%s", path_message);
	close_kernel(&kernel);
	return status != CLI_OK ? status : print_devices(&kernel, "xen.pciback/unprepare/1", "prepared no more", NULL);
}
