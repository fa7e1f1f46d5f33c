/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <string.h>

#include "fake_xen.h"

/*
 * A sequence of what both ends, the toolstack, time and failing calls can do; two bytes each.
 * Against a model of three rules: 6 and 8 are never written while a frontend that nobody knows
 * looks, permissions are given and taken back in pairs, and a guest that is gone holds nothing.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake fake;
	bool knows = false, looks;

	if (size > 200)
		size = 200;
	fake_init(&fake);
	fake_create(&fake, 1, 0, 2);
	for (size_t i = 0; i + 1 < size; i += 2) {
		char state[2] = { (char)('0' + data[i + 1] % 9), '\0' }, key[8] = "state-0";
		const struct pciback_guest *guest;
		const char *after;
		char before[16];

		(void)strncpy(before, fake_read(&fake, 1, "state"), sizeof(before) - 1);
		before[sizeof(before) - 1] = '\0';
		key[6] = (char)('0' + (data[i + 1] >> 4 & 1));
		switch (data[i] % 16) {
		case 0:
			fake_write(&fake, 1, key, state);
			break;
		case 1:
			fake_write(&fake, 1, "online", (data[i + 1] & 1) != 0 ? "1" : "0");
			break;
		case 2:
			/* A toolstack writes these to a frontend at its own risk. */
			if (state[0] != '6' && state[0] != '8')
				fake_write(&fake, 1, "state", state);
			break;
		case 3:
			fake.xen.fail_at = fake.xen.n_calls + 1 + data[i + 1] % 16;
			break;
		case 4:
			fake_frontend(&fake, 1, (data[i + 1] & 1) != 0);
			knows = knows || (data[i + 1] & 1) != 0;
			break;
		case 5:
			fake.now += data[i + 1] * 40u;
			break;
		case 6:
			fake.xen.was_stale = true;
			break;
		case 7:
			(void)fake_request(&fake, 1, data[i + 1] % 12, data[i + 1] >> 6,
			    data[i + 1], 1 << (data[i + 1] & 3), 1, NULL);
			break;
		case 8:
			fake_write(&fake, 1, (data[i + 1] & 1) != 0 ? "dev-0" : "dev-1",
			    (data[i + 1] & 2) != 0 ? "0000:03:02.0" : "0000:03:01.0");
			break;
		case 9:
			fake_write(&fake, 1, "num_devs", state);
			break;
		case 10:
			if (fake.jobs[0].kind == PCIBACK_JOB_NONE ||
			    fake.jobs[0].stage == PCIBACK_JOB_DONE)
				fake.jobs[0] = (struct pciback_job){
					.kind = (data[i + 1] & 1) != 0 ? PCIBACK_JOB_ATTACH : PCIBACK_JOB_DETACH,
					.domain = 1,
					.force = (data[i + 1] & 2) != 0,
					.n = 1,
					.devices = { { .address = { .bus = 3, .device = data[i + 1] >> 6 } } },
				};
			break;
		default:
			knows = knows || state[0] == '7';
			if (state[0] == '0')
				fake_remove(&fake, 1, "/state");
			else
				fake_write(&fake, 1, "/state", state);
			break;
		}
		fake_run(&fake);
		after = fake_read(&fake, 1, "state");
		/* Without a state it is nobody who could look. Once the backend has seen that, too, the
		 * next may be of another kind, and publishes a page of its own. */
		looks = strcmp(fake_read(&fake, 1, "/state"), "(none)") != 0;
		guest = pciback_backend_find(&fake.backend, 1);
		if (!looks && (guest == NULL || guest->frontend == PCIBACK_XENBUS_UNKNOWN)) {
			knows = false;
			memset(&fake.xen.page[1], 0, sizeof(fake.xen.page[1]));
		}
		if (strcmp(before, after) != 0 && looks && !knows)
			ALWAYS(strcmp(after, "6") != 0 && strcmp(after, "8") != 0);
	}
	fake.xen.fail_at = 0;
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_pass(&fake, 2000);
	ALWAYS(fake_held(&fake, NULL, 0) == 0);
	ALWAYS(fake_end(&fake));
	return 0;
}
