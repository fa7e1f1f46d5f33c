/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef PCIBACK_MESSAGE_H
#define PCIBACK_MESSAGE_H

/*
 * What pcibackd and the child that serves one guest say to each other. The child may be its guest's: what it
 * says is as hostile as a page. All messages have the same size, and no byte of one is without a meaning.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pciback/address.h>
#include <pciback/device.h>
#include <pciback/log.h>
#include <pciback/operations.h>
#include <pciback/topology.h>

#define PCIBACK_MESSAGE_SIZE 576	/* bytes */

enum pciback_message_type {
	/* From the parent. */
	PCIBACK_MESSAGE_START = 1,	/* first: map this page, bind this event channel, give up all else */
	PCIBACK_MESSAGE_GIVE,		/* a device, with the file of its configuration space, or a proxy has it by now */
	PCIBACK_MESSAGE_ANSWER,		/* to an ASK */
	PCIBACK_MESSAGE_REPORT,		/* tell the guest of an error of a device */
	PCIBACK_MESSAGE_CANCEL,		/* that is waited for no longer */
	PCIBACK_MESSAGE_STOP,		/* say what the devices' state is, and end */
	/* From the child. */
	PCIBACK_MESSAGE_STARTED = 32,	/* the answer to START */
	PCIBACK_MESSAGE_GIVEN,		/* to GIVE */
	PCIBACK_MESSAGE_ASK,		/* what only the parent can do; the child waits */
	PCIBACK_MESSAGE_LOG,		/* a line */
	PCIBACK_MESSAGE_COUNTS,		/* what was served so far */
	PCIBACK_MESSAGE_REPORTED,	/* the guest's answer to REPORT, or why there is none */
	PCIBACK_MESSAGE_STATE,		/* after STOP: of each device */
	PCIBACK_MESSAGE_ENDED,		/* after those: nothing comes any more */
};

/* How far a child came with START. */
enum pciback_start_step {
	PCIBACK_START_DONE,
	PCIBACK_START_PAGE,		/* its page can't be mapped */
	PCIBACK_START_EVENT,		/* its event channel can't be bound */
	PCIBACK_START_CONFINE,		/* it could not give up what it has no need of */
};

enum pciback_ask {
	PCIBACK_ASK_MSI_ENABLE = 1,
	PCIBACK_ASK_MSI_DISABLE,
	PCIBACK_ASK_MSIX_ENABLE,	/* with vectors */
	PCIBACK_ASK_MSIX_DISABLE,
	PCIBACK_ASK_POWER,		/* `value`: D0 to D3 */
	PCIBACK_ASK_READ,		/* of a proxy (config_proxy.h), not of the parent: `size` bytes at `offset` */
	PCIBACK_ASK_WRITE,		/* the same, `value` */
};

/* Each type has those members that its comment names; all others are zero. */
struct pciback_message {
	enum pciback_message_type type;

	/* GIVE, GIVEN, ASK, STATE: which device, below PCIBACK_ENTRIES_MAX. */
	uint32_t number;
	/* STARTED, GIVEN, ANSWER, REPORTED: 0 or a negative errno value, and above -4096. */
	int32_t result;

	/* START */
	uint16_t domain;
	enum pciback_topology_kind topology;
	uint32_t reference, port, n_polls;
	uint32_t n_devices;		/* that it is given next, and before it looks at the page */
	bool has_power;			/* power states can be asked for */

	/* STARTED */
	enum pciback_start_step step;

	/* GIVE; and REPORT: the place. The handle of the settings stays behind, and of the quirks there is whether
	 * they are those of pciback_quirks(). */
	struct pciback_address place;
	struct pciback_device_settings settings;
	/* GIVE, STATE */
	struct pciback_device_state state;

	/* ASK, ANSWER */
	enum pciback_ask ask;		/* not of ANSWER */
	uint32_t offset, size;		/* READ, WRITE */
	uint32_t value;			/* POWER, WRITE; of ANSWER the pirq, or what was read */
	uint32_t n_vectors;		/* MSIX_ENABLE, and its ANSWER */
	struct pciback_vector vectors[PCIBACK_VECTORS_MAX];

	/* LOG: printable, with its NUL and zeros behind it. */
	enum pciback_log_level level;
	char line[PCIBACK_LOG_LINE];

	/* COUNTS */
	uint64_t n_requests, n_refused;
	bool handles_errors;		/* also of STARTED: the frontend answers error reports */

	/* REPORT: as for pciback_aer_send(). */
	uint32_t command;
	int32_t error;
	/* REPORTED: what the guest says, if `result` is 0. */
	uint32_t recovery;
};

/* Writes a message that is as said above. */
void pciback_message_write(const struct pciback_message *message, uint8_t ret_bytes[PCIBACK_MESSAGE_SIZE]);

/*
 * Reads a message of the child, or else of the parent. Returns 0; or -EBADMSG, and nothing is read, for what is of no
 * type that this side sends, for a number out of its range, and for a byte without a meaning that is not zero.
 */
int pciback_message_read(const uint8_t bytes[PCIBACK_MESSAGE_SIZE], bool from_child,
    struct pciback_message *ret_message);

#endif
