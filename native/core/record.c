/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <pciback/record.h>

#include <errno.h>
#include <string.h>

#include <pciback/allow.h>
#include <pciback/registers.h>

#include "walk.h"

#define VERSION	2

/* Before the content: the sequence and a sum of all that is not itself. */
#define HEAD	16

/* Finds what was written in part, and what a disk or a memory did to it. */
static uint64_t
sum(const uint8_t bytes[PCIBACK_RECORD_SIZE])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < PCIBACK_RECORD_SIZE; i += 8) {
		uint64_t word = 0;

		for (unsigned j = 0; i != 8 && j < 8; j++)
			word |= (uint64_t)bytes[i + j] << 8 * j;
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return hash;
}

static void
domain(struct pciback_walk *walk, struct pciback_record *record)
{
	record->domain = (uint16_t)pciback_walk_number(walk, 2, record->domain, 0, PCIBACK_DOMAIN_MAX);
	for (size_t i = 0; i < sizeof(record->identity.bytes); i++)
		pciback_walk_byte(walk, &record->identity.bytes[i], UINT8_MAX);
	pciback_walk_flag(walk, &record->has_guest);
	walk->failed = walk->failed || (record->has_guest && record->domain == 0);
}

static void
channel(struct pciback_walk *walk, struct pciback_recorded_channel *value)
{
	pciback_walk_flag(walk, &value->is_open);
	pciback_walk_flag(walk, &value->passed_initialised);
	pciback_walk_flag(walk, &value->handles_all_states);
	pciback_walk_word(walk, &value->reference, 0, UINT32_MAX);
	pciback_walk_word(walk, &value->remote_port, 0, UINT32_MAX);
}

static void
ledger(struct pciback_walk *walk, struct pciback_ledger *value)
{
	value->n = pciback_walk_number(walk, 2, value->n, 0, PCIBACK_PERMISSIONS_MAX);
	for (size_t i = 0; i < value->n; i++) {
		struct pciback_permission *entry = &value->entries[i];

		entry->kind = (enum pciback_permission_kind)pciback_walk_number(walk, 1, (uint64_t)entry->kind, 0,
		    PCIBACK_PERMISSION_MSI);
		pciback_walk_flag(walk, &entry->shared);
		pciback_walk_flag(walk, &entry->stays);
		pciback_walk_wide(walk, &entry->first);
		pciback_walk_wide(walk, &entry->n);
	}
}

static void
pristine(struct pciback_walk *walk, struct pciback_record *record)
{
	unsigned size = record->settings.config_size;

	walk->failed = walk->failed || (size != PCIBACK_CONFIG_PCI && size != PCIBACK_CONFIG_EXPRESS);
	record->pristine.size = walk->failed ? 0 : size;
	for (unsigned i = 0; i < record->pristine.size; i++)
		pciback_walk_byte(walk, &record->pristine.config[i], UINT8_MAX);
}

static void
content(struct pciback_walk *walk, struct pciback_record *record)
{
	pciback_walk_flag(walk, &record->is_settled);
	pciback_walk_flag(walk, &record->is_exact);
	pciback_walk_settings(walk, &record->settings);
	record->consent = (unsigned)pciback_walk_number(walk, 4, record->consent, 0, PCIBACK_ALLOW_ALL);
	pciback_walk_byte(walk, &record->irq, INTERRUPT_LINE_NONE - 1);
	pciback_walk_flag(walk, &record->is_in_quarantine);
	pciback_walk_flag(walk, &record->has_table);
	pciback_walk_flag(walk, &record->is_clean);
	pciback_walk_flag(walk, &record->was_mappable);
	pciback_walk_word(walk, &record->command, 0, UINT16_MAX);
	domain(walk, record);
	pciback_walk_flag(walk, &record->rdm_relaxed);
	pciback_walk_flag(walk, &record->permissive);
	pciback_walk_byte(walk, &record->line, UINT8_MAX);
	pciback_walk_word(walk, &record->pirq, 0, UINT32_MAX);
	pciback_walk_address(walk, &record->place);
	pciback_walk_state(walk, &record->state);
	channel(walk, &record->channel);
	ledger(walk, &record->ledger);
	pristine(walk, record);
}

/* 200 bytes of settings and 100 of the rest are more than there are. */
_Static_assert(HEAD + 5 + 300 + 19 * PCIBACK_PERMISSIONS_MAX + PCIBACK_CONFIG_EXPRESS <= PCIBACK_RECORD_SIZE,
    "each record fits");

void
pciback_record_write(const struct pciback_record *record, uint64_t sequence,
    uint8_t ret_bytes[PCIBACK_RECORD_SIZE])
{
	struct pciback_walk walk = { .to = ret_bytes };
	struct pciback_record copy;

	memset(ret_bytes, 0, PCIBACK_RECORD_SIZE);
	(void)pciback_walk_number(&walk, 8, sequence, 0, UINT64_MAX);
	walk.position = HEAD;
	(void)pciback_walk_number(&walk, 4, VERSION, 0, UINT32_MAX);
	(void)pciback_walk_number(&walk, 1, record != NULL, 0, 1);
	if (record != NULL) {
		copy = *record;
		content(&walk, &copy);
	}
	walk.position = 8;
	(void)pciback_walk_number(&walk, 8, sum(ret_bytes), 0, UINT64_MAX);
}

static bool
is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

int
pciback_record_read(const uint8_t bytes[PCIBACK_RECORD_SIZE], uint64_t *ret_sequence,
    struct pciback_record *ret_record)
{
	struct pciback_walk walk = { .from = bytes };
	uint64_t sequence = pciback_walk_number(&walk, 8, 0, 0, UINT64_MAX);
	uint64_t expected = pciback_walk_number(&walk, 8, 0, 0, UINT64_MAX);
	bool has_device;

	*ret_sequence = 0;
	if (is_zero(bytes, PCIBACK_RECORD_SIZE))
		return 0;
	if (sequence == 0 || sum(bytes) != expected)
		return -EBADMSG;
	(void)pciback_walk_number(&walk, 4, 0, VERSION, VERSION);
	has_device = pciback_walk_number(&walk, 1, 0, 0, 1) != 0;
	if (walk.failed)
		return -EBADMSG;
	memset(ret_record, 0, sizeof(*ret_record));
	if (has_device)
		content(&walk, ret_record);
	if (walk.failed || !is_zero(bytes + walk.position, PCIBACK_RECORD_SIZE - walk.position))
		return -EBADMSG;
	*ret_sequence = sequence;
	return has_device;
}
