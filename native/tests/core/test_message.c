/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include <pciback/message.h>
#include <pciback/policy.h>

static uint8_t bytes[PCIBACK_MESSAGE_SIZE], again[PCIBACK_MESSAGE_SIZE];

static bool
is_of_child(enum pciback_message_type type)
{
	return type >= PCIBACK_MESSAGE_STARTED;
}

/* One of each type and question, with all that it can have. */
static size_t
examples(struct pciback_message ret_examples[32])
{
	const struct pciback_address place = { .domain = 1, .bus = 2, .device = 31, .function = 7 };
	struct pciback_message *next = ret_examples;
	size_t n_quirks;

	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_START, .domain = 7, .topology = PCIBACK_TOPOLOGY_REAL,
		.reference = UINT32_MAX, .port = 9, .n_polls = 50000, .n_devices = 3, .has_power = true };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_GIVE, .number = PCIBACK_ENTRIES_MAX - 1,
		.place = place, .settings = { .address = place, .vendor = 0x8086, .device = 0x10d3, .config_size = 4096,
		    .is_virtual_function = true, .bars = { [5] = { PCIBACK_RESOURCE_MEM64, true, UINT64_MAX, 1 } },
		    .rom = { PCIBACK_RESOURCE_MEM32, false, 0x1000, 0x800 }, .unset_bars = 63, .interrupt_line = 255,
		    .pirq = UINT32_MAX, .permissive = true, .interrupt_control = true,
		    .quirks = pciback_quirks(&n_quirks), .n_quirks = n_quirks },
		.state = { PCIBACK_MSIX, true, 0xffff, 7, 127 } };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_ANSWER, .result = -4095, .value = 1,
		.n_vectors = PCIBACK_VECTORS_MAX, .vectors = { [127] = { 0xffff, 127 } } };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_REPORT, .command = PCIBACK_AER_SLOT_RESET,
		.error = INT32_MIN, .place = place };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_CANCEL };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_STOP };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_STARTED, .handles_errors = true };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_STARTED, .step = PCIBACK_START_CONFINE,
		.result = -EPERM };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_GIVEN, .number = 1, .result = -EIO };
	for (enum pciback_ask what = PCIBACK_ASK_MSI_ENABLE; what <= PCIBACK_ASK_MSIX_DISABLE; what++)
		*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_ASK, .ask = what,
			.n_vectors = what == PCIBACK_ASK_MSIX_ENABLE ? PCIBACK_VECTORS_MAX : 0 };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_POWER, .value = 3 };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_READ, .offset = 4094,
		.size = 2 };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_WRITE, .offset = 255,
		.size = 1, .value = 255 };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_LOG, .level = PCIBACK_LOG_ERROR,
		.line = "domain 7: ~ and a space" };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_COUNTS, .n_requests = UINT64_MAX, .n_refused = 1,
		.handles_errors = true };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_REPORTED, .recovery = PCIBACK_RECOVERY_DONE };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_REPORTED, .result = -EBUSY };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_STATE, .number = 2,
		.state = { PCIBACK_MSI, false, 0x407, 3, 64 } };
	*next++ = (struct pciback_message){ .type = PCIBACK_MESSAGE_ENDED };
	return (size_t)(next - ret_examples);
}

/* What is written is read, by the other side only. */
static void
test_both_ways(struct harness *harness)
{
	struct pciback_message all[32], read;
	size_t n = examples(all);

	for (size_t i = 0; i < n; i++) {
		bool from_child = is_of_child(all[i].type);

		pciback_message_write(&all[i], bytes);
		CHECK_NUMBER(pciback_message_read(bytes, !from_child, &read), -EBADMSG);
		CHECK_NUMBER(pciback_message_read(bytes, from_child, &read), 0);
		CHECK_NUMBER(read.type, all[i].type);
		CHECK_NUMBER(read.number, all[i].number);
		CHECK_NUMBER(read.result, all[i].result);
		CHECK_NUMBER(read.value, all[i].value);
		CHECK_NUMBER(read.n_vectors, all[i].n_vectors);
		CHECK(memcmp(read.vectors, all[i].vectors, sizeof(read.vectors)) == 0);
		CHECK(memcmp(&read.place, &all[i].place, sizeof(read.place)) == 0);
		CHECK_TEXT(read.line, all[i].line);
		CHECK_NUMBER(read.settings.bars[5].address, all[i].settings.bars[5].address);
		CHECK_NUMBER(read.settings.n_quirks, all[i].settings.n_quirks);
		CHECK_NUMBER(read.state.command, all[i].state.command);
		CHECK_NUMBER(read.state.sized, all[i].state.sized);
		pciback_message_write(&read, again);
		CHECK(memcmp(bytes, again, sizeof(bytes)) == 0);
	}
}

/* Whatever one byte is changed to: it is another message, whole, or none. */
static void
test_each_byte(struct harness *harness)
{
	static const uint8_t changes[] = { 1, 2, 3, 4, 8, 16, 32, 64, 127, 128, 255 };
	struct pciback_message all[32], read;
	size_t n = examples(all), n_none = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t at = 0; at < sizeof(bytes); at++)
			for (size_t j = 0; j < sizeof(changes); j++)
				for (int from_child = 0; from_child < 2; from_child++) {
					pciback_message_write(&all[i], bytes);
					bytes[at] ^= changes[j];
					if (pciback_message_read(bytes, from_child != 0, &read) < 0) {
						n_none++;
						continue;
					}
					pciback_message_write(&read, again);
					if (memcmp(bytes, again, sizeof(bytes)) != 0)
						CHECK_NUMBER(read.type, -1);
				}
	/* Behind what is said there is nothing. */
	pciback_message_write(&(struct pciback_message){ .type = PCIBACK_MESSAGE_STOP }, bytes);
	bytes[PCIBACK_MESSAGE_SIZE - 1] = 1;
	CHECK_NUMBER(pciback_message_read(bytes, false, &read), -EBADMSG);
	CHECK(n_none > sizeof(bytes) * n);
}

/* Numbers that no honest side sends, at the border. */
static void
test_refused(struct harness *harness)
{
	static const struct pciback_message refused[] = {
		{ .type = PCIBACK_MESSAGE_GIVEN, .number = PCIBACK_ENTRIES_MAX },
		{ .type = PCIBACK_MESSAGE_STATE, .number = UINT32_MAX },
		{ .type = PCIBACK_MESSAGE_STARTED, .step = PCIBACK_START_PAGE },
		{ .type = PCIBACK_MESSAGE_STARTED, .result = -1 },
		{ .type = PCIBACK_MESSAGE_REPORTED },
		{ .type = PCIBACK_MESSAGE_REPORTED, .result = -1, .recovery = 1 },
		{ .type = PCIBACK_MESSAGE_REPORTED, .recovery = PCIBACK_RECOVERY_DONE + 1 },
		{ .type = PCIBACK_MESSAGE_ASK, .ask = (enum pciback_ask)0 },
		{ .type = PCIBACK_MESSAGE_ASK, .ask = (enum pciback_ask)(PCIBACK_ASK_WRITE + 1) },
		{ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_POWER, .value = 4 },
		{ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_READ, .offset = 0, .size = 3 },
		{ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_READ, .offset = 2, .size = 4 },
		{ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_READ, .offset = 4096, .size = 4 },
		{ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_WRITE, .offset = 4, .size = 2, .value = 0x10000 },
		{ .type = PCIBACK_MESSAGE_LOG, .level = (enum pciback_log_level)3 },
		{ .type = PCIBACK_MESSAGE_LOG, .line = "a\nb" },
		{ .type = PCIBACK_MESSAGE_LOG, .line = "\x80" },
		{ .type = PCIBACK_MESSAGE_STATE, .state = { .interrupt = (enum pciback_interrupt)3 } },
		{ .type = PCIBACK_MESSAGE_STATE, .state = { .sized = 128 } },
	};
	struct pciback_message read = { .number = 5 };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		pciback_message_write(&refused[i], bytes);
		CHECK_NUMBER(pciback_message_read(bytes, true, &read), -EBADMSG);
	}
	CHECK_NUMBER(read.number, 5);
	/* More vectors than there are. */
	pciback_message_write(&(struct pciback_message){ .type = PCIBACK_MESSAGE_ASK, .ask = PCIBACK_ASK_MSIX_ENABLE },
	    bytes);
	bytes[6] = PCIBACK_VECTORS_MAX + 1;
	CHECK_NUMBER(pciback_message_read(bytes, true, &read), -EBADMSG);
}

void
test_message(struct harness *harness)
{
	test_both_ways(harness);
	test_each_byte(harness);
	test_refused(harness);
}
