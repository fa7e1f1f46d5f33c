/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_RECORD_H
#define PCIBACK_RECORD_H

/*
 * What one pcibackd leaves for the next, so that guests keep their devices as they are when it is replaced or killed:
 * for each device that was taken from dom0, what Xen and the device were told. It is read as if anybody had written it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/device.h>
#include <pciback/permission.h>
#include <pciback/pristine.h>
#include <pciback/xen.h>

/* The channel of a guest, the same in all of its devices. */
struct pciback_recorded_channel {
	bool is_open;
	bool passed_initialised, handles_all_states;	/* as in pciback_guest */
	uint32_t reference, remote_port;
};

static inline bool
pciback_recorded_channel_is(const struct pciback_recorded_channel *a, const struct pciback_recorded_channel *b)
{
	return a->is_open == b->is_open && a->passed_initialised == b->passed_initialised &&
	    a->handles_all_states == b->handles_all_states && a->reference == b->reference &&
	    a->remote_port == b->remote_port;
}

/* One device. */
struct pciback_record {
	bool is_settled;		/* nothing of it was under way; else each of the rest may have changed */
	bool is_exact;			/* its process has ended on purpose, and `state` is its last one */
	struct pciback_device_settings settings;	/* as the hardware had it, with its address; no handle */
	unsigned consent;		/* PCIBACK_ALLOW_*, for it alone */
	uint8_t irq;			/* as in pciback_slot */
	bool is_in_quarantine, has_table, is_clean, was_mappable;	/* as in pciback_slot */
	uint32_t command;		/* the same */
	struct pciback_pristine pristine;
	uint16_t domain;		/* that has it, or that it is held back from; 0: nobody */
	struct pciback_domain_identity identity;	/* of that domain */
	bool has_guest;			/* the domain has it */
	bool rdm_relaxed, permissive;
	uint8_t line;			/* what the guest reads in INTERRUPT_LINE */
	uint32_t pirq;			/* of INTx, as the guest knows it */
	struct pciback_address place;	/* where the guest sees it */
	struct pciback_device_state state;
	struct pciback_recorded_channel channel;
	struct pciback_ledger ledger;
};

/* Bytes of a device in the record. There are two copies of each, which are written in turns. */
#define PCIBACK_RECORD_SIZE	8192

/* What the record says of a device; `record` is NULL for none. `sequence` is more than in what was written before. */
void pciback_record_write(const struct pciback_record *record, uint64_t sequence,
    uint8_t ret_bytes[PCIBACK_RECORD_SIZE]);

/*
 * Reads it. Returns 1; 0 when it says that there is no device, or was never written, with *ret_sequence 0; or -EBADMSG for
 * what pciback_record_write() does not write, another version of it among that.
 */
int pciback_record_read(const uint8_t bytes[PCIBACK_RECORD_SIZE], uint64_t *ret_sequence,
    struct pciback_record *ret_record);

/* Where it is kept, by whom it can't be changed but root. Functions return 0 or a negative errno value. */
struct pciback_record_operations {
	/* `n` bytes at `offset`; zeros where nothing was written yet. */
	int (*read)(void *world, uint64_t offset, void *ret_bytes, size_t n);
	/* Another process reads them from then on, also if this one is killed. */
	int (*write)(void *world, uint64_t offset, const void *bytes, size_t n);
	/* Nobody reads any of it any more. */
	void (*discard)(void *world);
};

struct pciback_record_store {
	const struct pciback_record_operations *operations;	/* NULL: there is no record */
	void *world;
};

#define PCIBACK_RECORD_PATH	"/var/run/pcibackd.record"

/*
 * The record in a file, which is made if there is none; of another boot of this host it is empty. Refused is one that is no
 * regular file, or that somebody else owns or may read or write: -EPERM. -ENOSYS: this system does not tell its boots
 * apart.
 */
int pciback_record_open(const char *path, struct pciback_record_store *ret_store);
void pciback_record_close(struct pciback_record_store *store);

#endif
