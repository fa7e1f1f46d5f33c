/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "clean.h"

#include <errno.h>
#include <string.h>

#include <pciback/registers.h>
#include <pciback/reset.h>

#include "error.h"

int
pciback_clean_command(const struct pciback_slot *slot, uint32_t clear, uint32_t set)
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	uint32_t command = 0;
	int r = hardware->operations->config_read(hardware->world, slot->settings.handle, REG_COMMAND, 2,
	    &command);

	return r < 0 ? r : hardware->operations->config_write(hardware->world, slot->settings.handle,
	    REG_COMMAND, 2, (command & ~clear) | set);
}

int
pciback_clean_silence(const struct pciback_slot *slot)
{
	return pciback_clean_command(slot, COMMAND_DECODE | COMMAND_MASTER, COMMAND_INTX_DISABLE);
}

int
pciback_clean_protect_table(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_xen *xen = &slot->backend->xen;
	int r;

	if (pciback_find_capability(slot->pristine.config, CAPABILITY_MSIX, MSIX_LENGTH) == 0)
		return 0;
	r = xen->operations->msix_table(xen->world, &slot->address, true);
	slot->has_table = r == 0;
	if (r < 0)
		pciback_error_explain(message, &slot->address,
		    "has an MSI-X table that Xen can't protect from the guest: %s", strerror(-r));
	return r;
}

/* ---- One stage ---------------------------------------------------------------------------- */

static int
go_on_to(struct pciback_slot *slot, enum pciback_clean_stage stage)
{
	slot->cleaning.stage = stage;
	slot->cleaning.offset = 0;
	slot->cleaning.due = slot->backend->now;
	return 1;
}

static int
wake(const struct pciback_slot *slot)
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;

	return pciback_wake(hardware->operations, hardware->world, slot->settings.handle, slot->pristine.config,
	    hardware->pause);
}

/* As it is in D0. What it has asleep tells how to wake it, and is saved anew then. */
static int
save(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	struct pciback_cleaning *cleaning = &slot->cleaning;
	int r;

	if (cleaning->stage == PCIBACK_CLEAN_WAKE_TO_SAVE) {
		r = wake(slot);
		if (r >= 0)
			cleaning->stage = PCIBACK_CLEAN_SAVE;
		if (r > 0)
			cleaning->offset = 0;
		else if (r == 0 && slot->pristine.size != 0)
			return go_on_to(slot, PCIBACK_CLEAN_SILENCE);
	} else {
		r = pciback_pristine_save(&slot->pristine, hardware->operations, hardware->world, &slot->settings,
		    &cleaning->offset);
		if (r >= 0 && cleaning->stage == PCIBACK_CLEAN_FIRST)
			cleaning->stage = PCIBACK_CLEAN_WAKE_TO_SAVE;
		else if (r == 0)
			return go_on_to(slot, PCIBACK_CLEAN_SILENCE);
	}
	if (r < 0)
		pciback_error_explain(message, &slot->address, "does not answer: %s", strerror(-r));
	return r < 0 ? r : 1;
}

/* What is to be told of a reset that has ended with an error. */
static int
explain_reset(const struct pciback_slot *slot, int error, char message[PCIBACK_LOG_LINE])
{
	if (error == -ENOTSUP)
		pciback_error_explain(message, &slot->address, "can't be reset, so that its next owner would "
		    "find what the last one left in it (allow no-reset if you trust them)");
	else if (error == -ETIMEDOUT)
		pciback_error_explain(message, &slot->address, "did not end its reset within %d seconds",
		    PCIBACK_WAIT_RESET / 1000);
	else
		pciback_error_explain(message, &slot->address, "could not be reset: %s", strerror(-error));
	return error;
}

/* Begins a reset, or looks at one. Returns as the hardware's `reset`; 0 too where the owner allows that there is none. */
static int
ask_for_reset(const struct pciback_slot *slot)
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	int r = hardware->reset(hardware->world, slot->settings.handle);

	return r == -ENOTSUP && (pciback_slot_allow(slot) & PCIBACK_ALLOW_NO_RESET) != 0 ? 0 : r;
}

static int
reset(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_backend *backend = slot->backend;
	struct pciback_cleaning *cleaning = &slot->cleaning;
	int r = ask_for_reset(slot);

	if (cleaning->stage == PCIBACK_CLEAN_BEGIN_RESET)
		cleaning->end = backend->now + PCIBACK_WAIT_RESET;
	slot->is_stuck = r > 0 && backend->now >= cleaning->end;
	if (slot->is_stuck)
		return explain_reset(slot, -ETIMEDOUT, message);
	if (r > 0) {
		cleaning->stage = PCIBACK_CLEAN_RESET;
		cleaning->due = backend->now + (unsigned)r;
		return 1;
	}
	return r < 0 ? explain_reset(slot, r, message) : go_on_to(slot, PCIBACK_CLEAN_WAKE);
}

static int
restore(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	void *handle = slot->settings.handle;
	int r;

	/* A guest that had it and lives on may have its memory mapped; on some machines an access that no
	 * device answers is an error that ends the host (XSA-120). */
	if (slot->cleaning.stage == PCIBACK_CLEAN_ENABLE)
		r = hardware->operations->device_enable(hardware->world, handle);
	else
		r = pciback_pristine_restore(&slot->pristine, hardware->operations, hardware->world, handle,
		    &slot->cleaning.offset);
	if (r < 0) {
		pciback_error_explain(message, &slot->address,
		    "could not be brought back to what it was when it was taken from dom0: %s", strerror(-r));
		return r;
	}
	if (slot->cleaning.stage == PCIBACK_CLEAN_RESTORE)
		return r > 0 ? 1 : go_on_to(slot, PCIBACK_CLEAN_ENABLE);
	return slot->has_table ? 0 : pciback_clean_protect_table(slot, message);
}

static int
do_stage(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	int r = 0;

	switch (slot->cleaning.stage) {
	case PCIBACK_CLEAN_NONE:
		break;
	case PCIBACK_CLEAN_FIRST:
	case PCIBACK_CLEAN_WAKE_TO_SAVE:
	case PCIBACK_CLEAN_SAVE:
		return save(slot, message);
	case PCIBACK_CLEAN_SILENCE:
		/* The system may be at its last reset still. */
		r = slot->is_stuck ? 0 : pciback_clean_silence(slot);
		return r < 0 ? explain_reset(slot, r, message) : go_on_to(slot, PCIBACK_CLEAN_BEGIN_RESET);
	case PCIBACK_CLEAN_BEGIN_RESET:
	case PCIBACK_CLEAN_RESET:
		return reset(slot, message);
	case PCIBACK_CLEAN_WAKE:
		r = wake(slot);
		return r < 0 ? explain_reset(slot, r, message) : go_on_to(slot, PCIBACK_CLEAN_RESTORE);
	case PCIBACK_CLEAN_RESTORE:
	case PCIBACK_CLEAN_ENABLE:
		return restore(slot, message);
	}
	return r;
}

/* ---- All of them -------------------------------------------------------------------------- */

int
pciback_clean_step(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	int r = do_stage(slot, message);

	if (r > 0)
		return r;
	slot->cleaning.stage = PCIBACK_CLEAN_NONE;
	slot->is_clean = r == 0;
	return r;
}

/* Nobody is served meanwhile. */
static int
do_all(struct pciback_slot *slot, char message[PCIBACK_LOG_LINE])
{
	struct pciback_backend *backend = slot->backend;
	int r;

	while ((r = pciback_clean_step(slot, message)) > 0) {
		if (slot->cleaning.due <= backend->now)
			continue;
		backend->hardware.pause(backend->hardware.world, (unsigned)(slot->cleaning.due - backend->now));
		backend->now = slot->cleaning.due;
	}
	return r;
}

int
pciback_clean_begin(struct pciback_slot *slot, enum pciback_clean_stage stage, char message[PCIBACK_LOG_LINE])
{
	slot->is_clean = slot->is_restored = slot->is_refused = false;
	slot->problem[0] = '\0';
	(void)go_on_to(slot, stage);
	return slot->backend->waits_for_resets ? do_all(slot, message) : -EINPROGRESS;
}

void
pciback_clean_try(struct pciback_slot *slot)
{
	char message[PCIBACK_LOG_LINE];
	int r = 0;

	/* One that a driver has, is that driver's to program. And who has waited is told first why the last try failed. */
	if (slot->lost == 0 && !slot->is_clean && !pciback_slot_is_cleaned(slot) && slot->problem[0] == '\0')
		r = pciback_clean_begin(slot, PCIBACK_CLEAN_SILENCE, message);
	if (r < 0 && r != -EINPROGRESS)
		pciback_backend_log(slot->backend, PCIBACK_LOG_ERROR, 0, "%s; nobody gets it before it can be",
		    message);
}

bool
pciback_clean_is_stuck(struct pciback_slot *slot)
{
	char message[PCIBACK_LOG_LINE];
	int r;

	if (!slot->is_stuck)
		return false;
	r = ask_for_reset(slot);
	slot->is_stuck = r > 0;
	/* Its reset has ended after all, and what was programmed is lost. */
	if (r == 0)
		(void)pciback_clean_begin(slot, PCIBACK_CLEAN_WAKE, message);
	return slot->is_stuck;
}

int
pciback_clean_registers(struct pciback_slot *slot)
{
	const struct pciback_hardware *hardware = &slot->backend->hardware;
	unsigned offset = 0;
	int r = wake(slot);

	/* One that sleeps takes no notice. */
	if (r < 0)
		return r;
	do
		r = pciback_pristine_restore(&slot->pristine, hardware->operations, hardware->world, slot->settings.handle,
		    &offset);
	while (r > 0);
	return r;
}

int
pciback_clean_await(struct pciback_slot *slot, uint16_t domain, char message[PCIBACK_LOG_LINE])
{
	slot->awaited_by = domain;
	slot->is_refused = false;
	pciback_error_explain(message, &slot->address, "is waited for until its reset has ended");
	return -EBUSY;
}
