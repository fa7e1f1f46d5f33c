/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>

#include "../../../core/policy/register.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What can't be registered. */
void
test_policy_register(struct harness *harness)
{
	static const struct {
		struct pciback_register reg;
		int result;
	} added[] = {
		{ { .offset = 0x48, .size = 3 }, -EINVAL },
		{ { .offset = 0x48, .size = 0 }, -EINVAL },
		{ { .offset = 0x48, .size = 8 }, -EINVAL },
		{ { .offset = 0x49, .size = 2 }, -EINVAL },
		{ { .offset = 0x4a, .size = 4 }, -EINVAL },
		{ { .offset = 0x100, .size = 4 }, -EINVAL },
		{ { .offset = 0x48, .size = 4, .read_only = 1, .clear_by_one = 1 }, -EINVAL },
		{ { .offset = 0x48, .size = 4, .read_only = 3, .preserve = 2 }, -EINVAL },
		{ { .offset = 0x48, .size = 4, .read_only = 8, .zero = 8 }, -EINVAL },
		{ { .offset = 0x48, .size = 4, .clear_by_one = UINT32_MAX, .preserve = UINT32_C(1) << 31 }, -EINVAL },
		{ { .offset = 0x48, .size = 4, .clear_by_one = 4, .zero = 4 }, -EINVAL },
		{ { .offset = 0x48, .size = 4, .preserve = 4, .zero = 4 }, -EINVAL },
		{ { .offset = 0x48, .size = 1, .read_only = 0x100 }, -EINVAL },
		{ { .offset = 0x48, .size = 2, .zero = 0x10000 }, -EINVAL },
		{ { .offset = 0x04, .size = 2 }, -EEXIST },
		{ { .offset = 0x07, .size = 1 }, -EEXIST },
		{ { .offset = 0x10, .size = 1 }, -EEXIST },
		{ { .offset = 0x44, .size = 4 }, -EEXIST },
		{ { .offset = 0x54, .size = 4 }, -EEXIST },
		{ { .offset = 0x4a, .size = 1, .zero = 0x0f, .clear_by_one = 0x10, .preserve = 0x20,
		    .read_only = 0x40 }, 0 },
		{ { .offset = 0x48, .size = 4 }, -EEXIST },
		{ { .offset = 0x4a, .size = 2 }, -EEXIST },
		{ { .offset = 0x48, .size = 2 }, 0 },
	};
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];
	int r = 0;

	fixture_init_card(&fixture);
	for (size_t i = 0; i < COUNT(added); i++)
		CHECK_NUMBER(pciback_device_add_register(&fixture.device, &added[i].reg),
		    added[i].result);
	/* Each kind of bit: real bits are 1100 1010. */
	CHECK_NUMBER(fixture_read(&fixture, 0x4a, 1), 0xc0);
	fixture.real->clear_by_one[0x4a] = 0x10;
	fixture.real->writable[0x4a] = 0xef;
	fixture.real->config[0x4a] = 0xfa;
	CHECK_NUMBER(fixture_read(&fixture, 0x48, 4), 0xcbd0c9c8);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x4a, 1, 0x0f), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x4a, 1), 0x70);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x4a, 1, 0xff), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0x4a, 1), 0xe0);
	fixture_free(&fixture);

	/* As many as there is room for, and what was there first stays. */
	fixture_card(config);
	config[0x06] = 0;
	fixture_init(&fixture, config, sizeof(config));
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	for (uint16_t at = 0x40; at < 0x100 && r != -ENOSPC; at++) {
		const struct pciback_register reg = { .offset = at, .size = 1 };

		r = pciback_device_add_register(&fixture.device, &reg);
		CHECK(r == 0 || r == -EEXIST || r == -ENOSPC);
	}
	CHECK_NUMBER(r, -ENOSPC);
	CHECK_NUMBER(fixture.device.n_registers, PCIBACK_REGISTERS_MAX - 1);
	CHECK_NUMBER(fixture_read(&fixture, 0xf8, 4), 0xfbfaf9f8);
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0xf8, 4, 0), PCIBACK_DONE);
	CHECK_NUMBER(fixture_real(&fixture, 0xf8, 4), 0xfbfaf9f8);
	fixture_free(&fixture);
}
