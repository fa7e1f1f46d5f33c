/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include <pciback/trial.h>
#include <pciback/trial_block.h>

#include "fake_trial.h"

/*
 * Any record, and a host that begins, confirms and starts again as the first bytes say: only the names of links are ever
 * removed, what is read is written back the same, and whoever tries a list has a watchdog, or says that there is none.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_trial fake;
	struct pciback_trial_report report;
	struct pciback_trial trial, again;
	enum pciback_trial_variable variable;
	char bytes[PCIBACK_TRIAL_SIZE], block[PCIBACK_TRIAL_BLOCK_SIZE];
	const size_t n_steps = 8;

	if (size < n_steps)
		return 0;
	fake_trial_init(&fake);
	memset(fake.record, '\n', sizeof(fake.record));
	fake.length = sizeof(fake.record);
	memcpy(fake.record, data + n_steps, size - n_steps < fake.length ? size - n_steps : fake.length);
	fake.has_record = true;
	fake.linked = (data[0] & 0x80) != 0;
	fake.tries = fake.linked;
	if (pciback_trial_parse(fake.record, fake.length, &trial) == 0) {
		pciback_trial_format(&trial, bytes);
		ALWAYS(memcmp(bytes, fake.record, sizeof(bytes)) == 0);
		fake.has_grub = pciback_trial_has_grub(&trial);
	}
	memset(block, '#', sizeof(block));
	memcpy(block, data + n_steps, size - n_steps < sizeof(block) ? size - n_steps : sizeof(block));
	if (pciback_trial_block_write(block, sizeof(block), PCIBACK_TRIAL_VARIABLE_KEPT) == 0)
		ALWAYS(pciback_trial_block_read(block, sizeof(block), &variable) == 0 && variable == PCIBACK_TRIAL_VARIABLE_KEPT);
	for (size_t i = 0; i < n_steps; i++) {
		fake.write_error = (data[i] & 8) != 0 ? -5 : 0;
		fake.disarm_error = (data[i] & 16) != 0 ? -30 : 0;
		switch (data[i] & 3) {
		case 0:
			pciback_trial_begin(&fake.world, &report);
			ALWAYS(report.finding != PCIBACK_TRIAL_RUNS || report.failed || !fake.linked ||
			    report.trial.state == PCIBACK_TRIAL_RUNNING);
			break;
		case 1:
			pciback_trial_confirm(&fake.world, &report);
			ALWAYS(report.failed || fake.deadline[0] == 0);
			break;
		case 2:
			fake_trial_boot(&fake);
			break;
		default:
			(void)fake_trial_wait(&fake, data[i] * 4u);
			break;
		}
		/* What was a record stays one. */
		ALWAYS(fake.n_writes == 0 || pciback_trial_parse(fake.record, fake.length, &again) == 0);
	}
	return 0;
}
