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

#include <pciback/boot.h>
#include <pciback/os.h>

#include "output.h"
#include "read_bus.h"

static void
json_entries(struct pciback_json *json, const struct pciback_boot_cfg *cfg)
{
	pciback_json_array(json, "entries");
	for (size_t i = 0; i < cfg->n_entries; i++) {
		const struct pciback_boot_entry *entry = &cfg->entries[i];
		char key[3];

		pciback_boot_key(cfg, i, key);
		pciback_json_object(json, NULL);
		pciback_json_unsigned(json, "number", i + 1);
		pciback_json_bytes(json, "title", cfg->text + entry->title.begin,
		    pciback_span_length(entry->title));
		pciback_json_string(json, "kind", pciback_boot_kind_name(entry->kind));
		pciback_json_bool(json, "default", i == cfg->default_entry);
		pciback_json_string(json, "key", key);
		pciback_json_unsigned(json, "line", entry->line);
		pciback_json_object_end(json);
	}
	pciback_json_array_end(json);
}

static void
json_dom0(struct pciback_json *json, const struct pciback_boot_prediction *prediction)
{
	pciback_json_object(json, "dom0");
	if (prediction->has_dom0) {
		pciback_json_bytes(json, "kernel", prediction->kernel, prediction->kernel_length);
		pciback_json_bytes(json, "module_string", prediction->module_string,
		    prediction->module_string_length);
		pciback_json_bytes(json, "command_line", prediction->command_line,
		    prediction->command_line_length);
	} else {
		pciback_json_null(json, "kernel");
		pciback_json_null(json, "module_string");
		pciback_json_null(json, "command_line");
	}
	pciback_json_object_end(json);
}

static void
json_hide(struct pciback_json *json, const struct pciback_boot_prediction *prediction)
{
	pciback_json_object(json, "hide");
	pciback_json_bytes(json, "value", prediction->hide, prediction->hide_length);
	pciback_json_unsigned(json, "length", prediction->hide_length);
	pciback_json_object_end(json);
}

static void
json_claims(struct pciback_json *json, size_t n_claims, const struct pciback_address *claims)
{
	pciback_json_array(json, "claims");
	for (size_t i = 0; i < n_claims; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&claims[i], name);
		pciback_json_string(json, NULL, name);
	}
	pciback_json_array_end(json);
}

/* What each of the possible loaders makes of the file. */
static void
json_readings(struct pciback_json *json, const struct pciback_boot_prediction *prediction)
{
	pciback_json_array(json, "readings");
	for (size_t i = 0; i < prediction->n_readings; i++) {
		const struct pciback_boot_reading *reading = &prediction->readings[i];

		pciback_json_object(json, NULL);
		pciback_json_string(json, "loader", pciback_loader_name(reading->loader));
		json_claims(json, reading->n_claims, reading->claims);
		pciback_json_string(json, "outcome", pciback_boot_outcome_name(reading->outcome));
		pciback_json_object_end(json);
	}
	pciback_json_array_end(json);
}

static void
json_findings(struct pciback_json *json, const struct pciback_boot_prediction *prediction)
{
	pciback_json_array(json, "findings");
	for (size_t i = 0; i < prediction->n_findings; i++) {
		const struct pciback_finding *finding = &prediction->findings[i];

		pciback_json_object(json, NULL);
		pciback_json_string(json, "severity", pciback_severity_name(finding->severity));
		pciback_json_string(json, "code", finding->code);
		pciback_json_unsigned(json, "line", finding->line);
		pciback_json_unsigned(json, "column", finding->column);
		pciback_json_string(json, "message", finding->message);
		pciback_json_object_end(json);
	}
	pciback_json_array_end(json);
}

static int
print_json(const struct pciback_boot_prediction *prediction)
{
	const struct pciback_boot_cfg *cfg = &prediction->cfg;
	struct pciback_json json;

	cli_json_begin(&json, "xen.pciback/boot/1");
	if (prediction->entry != 0) {
		struct pciback_span title = cfg->entries[prediction->entry - 1].title;

		pciback_json_unsigned(&json, "entry", prediction->entry);
		pciback_json_bytes(&json, "title", cfg->text + title.begin,
		    pciback_span_length(title));
	} else {
		pciback_json_null(&json, "entry");
		pciback_json_null(&json, "title");
	}
	pciback_json_number(&json, "timeout", cfg->timeout);
	json_entries(&json, cfg);
	json_dom0(&json, prediction);
	json_hide(&json, prediction);
	json_claims(&json, prediction->n_claims, prediction->claims);
	pciback_json_string(&json, "outcome", pciback_boot_outcome_name(prediction->outcome));
	json_readings(&json, prediction);
	json_findings(&json, prediction);
	return cli_json_end(&json);
}

static const char *
outcome_sentence(enum pciback_boot_outcome outcome)
{
	switch (outcome) {
	case PCIBACK_BOOT_REGISTERED:
		return "the backend comes up and guests can get the claimed devices";
	case PCIBACK_BOOT_NOT_REGISTERED:
		return "dom0 loses the claimed devices, but the backend never comes up and no guest "
		    "gets any";
	case PCIBACK_BOOT_EMPTY:
		return "dom0 boots with every device its own; there is no backend";
	case PCIBACK_BOOT_KERNEL_FAULT:
		return "the dom0 kernel stops at boot and a person must go to the console";
	case PCIBACK_BOOT_UNDEFINED:
		return "what happens depends on memory behind a buffer, or on which loader the host has";
	case PCIBACK_BOOT_LOADER_FAILURE:
		return "no dom0 comes up and a person must go to the console";
	case PCIBACK_BOOT_NOT_XEN:
		break;
	}
	return "Xen is not started";
}

static void
print_menu(const struct pciback_boot_prediction *prediction)
{
	const struct pciback_boot_cfg *cfg = &prediction->cfg;

	(void)printf("menu\n");
	for (size_t i = 0; i < cfg->n_entries; i++) {
		char key[3];

		pciback_boot_key(cfg, i, key);
		(void)printf("  %2s. ", key);
		cli_print_bytes(cfg->text + cfg->entries[i].title.begin,
		    pciback_span_length(cfg->entries[i].title));
		(void)printf("  [%s%s%s]\n", pciback_boot_kind_name(cfg->entries[i].kind),
		    i == cfg->default_entry ? ", default" : "",
		    i + 1 == prediction->entry ? ", looked at here" : "");
	}
	if (cfg->n_entries == 0)
		(void)printf("  (no entry)\n");
	else if (cfg->timeout < 0)
		(void)printf("  waits for a person\n");
	else
		(void)printf("  the default is taken after %ld seconds\n", (long)cfg->timeout);
}

/* One buffer on the way: how much of it is used, and what does not fit. */
static void
print_gauge(const char *name, size_t used, size_t limit)
{
	const size_t width = 40;
	size_t filled = used >= limit ? width : used * width / limit;

	(void)printf("  %-26s [", name);
	for (size_t i = 0; i < width; i++)
		(void)putchar(i < filled ? '#' : '.');
	(void)printf("]%s %zu of %zu\n", used > limit ? "####" : "", used, limit);
}

static void
print_list(const struct pciback_boot_prediction *prediction)
{
	const struct pciback_hide_list *list = &prediction->list;

	for (size_t i = 0; i < list->n_entries; i++) {
		static const char *const words[] = { "claimed", "matches no function", "skipped",
			"faults the kernel" };
		const struct pciback_hide_entry *entry = &list->entries[i];

		(void)printf("    ");
		cli_print_bytes(prediction->hide + entry->offset, entry->length);
		(void)printf("  %s\n", words[entry->kind]);
	}
	if (list->stop < prediction->hide_length) {
		(void)printf("    ");
		cli_print_bytes(prediction->hide + list->stop,
		    prediction->hide_length - list->stop);
		(void)printf("  not read\n");
	}
}

static void
print_dom0(const struct pciback_boot_prediction *prediction)
{
	if (!prediction->has_dom0)
		return;
	(void)printf("dom0\n  kernel        ");
	cli_print_bytes(prediction->kernel, prediction->kernel_length);
	(void)printf("\n  from load     ");
	cli_print_bytes(prediction->module_string, prediction->module_string_length);
	(void)printf("\n  command line  ");
	cli_print_bytes(prediction->command_line, prediction->command_line_length);
	(void)printf("\n  list          ");
	if (prediction->has_hide)
		cli_print_bytes(prediction->hide, prediction->hide_length);
	else
		(void)printf("(none)");
	(void)printf("\n");
	print_list(prediction);
	(void)printf("room\n");
	print_gauge("load: path and arguments", prediction->module_length,
	    PCIBACK_LOADER_MODULE - 1);
	print_gauge("dom0's command line", prediction->xen_command_line_length,
	    PCIBACK_KERNEL_CMDLINE - 1);
	print_gauge("the list", prediction->hide_length, PCIBACK_HIDE_BUFFER - 1);
}

static void
print_claims(const char *word, size_t n_claims, const struct pciback_address *claims)
{
	(void)printf("%s", word);
	for (size_t i = 0; i < n_claims; i++) {
		char name[PCIBACK_ADDRESS_SIZE];

		pciback_address_format(&claims[i], name);
		(void)printf(" %s", name);
	}
	(void)printf("%s\n", n_claims == 0 ? " none" : "");
}

static int
print_text(const struct pciback_boot_prediction *prediction, const char *file)
{
	print_menu(prediction);
	print_dom0(prediction);
	(void)printf("outcome  %s: %s\n", pciback_boot_outcome_name(prediction->outcome),
	    outcome_sentence(prediction->outcome));
	print_claims("claims  ", prediction->n_claims, prediction->claims);
	for (size_t i = 0; prediction->readings_differ && i < prediction->n_readings; i++) {
		const struct pciback_boot_reading *reading = &prediction->readings[i];

		(void)printf("loader %s: %s, ", pciback_loader_name(reading->loader),
		    pciback_boot_outcome_name(reading->outcome));
		print_claims("claims", reading->n_claims, reading->claims);
	}
	for (size_t i = 0; i < prediction->n_findings; i++) {
		const struct pciback_finding *finding = &prediction->findings[i];

		(void)printf("%s  %s:%zu:%zu: %s [%s]\n", pciback_severity_name(finding->severity),
		    file, finding->line, finding->column, finding->message, finding->code);
	}
	if (prediction->n_not_kept > 0)
		(void)printf("and %zu more findings\n", prediction->n_not_kept);
	return cli_flush();
}

static bool
exists_below(const void *context, const char *path)
{
	return pciback_file_exists(context, path);
}

/* The file is read; what it leads to is printed. */
static int
predict(const struct cli_options *options, const char *text, size_t length,
    const struct pciback_bus *bus)
{
	struct pciback_boot_files files = { exists_below, options->root };
	struct pciback_boot_request request = {
		.text = text,
		.length = length,
		.entry = options->entry,
		.bus = bus,
		.files = options->root != NULL ? &files : NULL,
		.loaders = options->loaders,
		.exceptions = options->exceptions,
		.n_exceptions = options->n_exceptions,
	};
	struct pciback_boot_prediction prediction;
	int status;

	if (pciback_boot_predict(&request, &prediction) < 0)
		return cli_fail(options, CLI_USAGE, "%s has no menu entry %zu", options->config,
		    options->entry);
	status = options->json ? print_json(&prediction) :
	    print_text(&prediction, options->config);
	if (status != CLI_OK)
		return status;
	return prediction.n_errors > 0 ? CLI_FINDINGS : CLI_OK;
}

int
cli_boot(const struct cli_options *options)
{
	struct pciback_bus bus;
	char *text;
	size_t length;
	int status = CLI_OK, r;

	pciback_bus_init(&bus);
	if (options->bus != NULL)
		status = cli_read_bus(options, options->bus, &bus);
	if (status != CLI_OK)
		return status;
	r = pciback_read_file(options->config, PCIBACK_BOOT_CFG_MAX + 1, &text, &length);
	if (r < 0) {
		status = cli_fail(options, CLI_FAILED, "%s can't be read: %s", options->config,
		    strerror(-r));
	} else {
		status = predict(options, text, length, options->bus != NULL ? &bus : NULL);
		free(text);
	}
	pciback_bus_free(&bus);
	return status;
}
