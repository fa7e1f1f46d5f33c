/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include <errno.h>
#include <string.h>

#include "../../../core/guest/devices.h"
#include "../../../core/guest/ledger.h"
#include "../../../core/guest/slot.h"
#include "../../../core/guest/clean.h"
#include "../../../core/guest/take.h"
#include <pciback/taken.h>
#include "fake_xen.h"

static struct fake fake;
static const struct pciback_address first = { .bus = 3 };
static char message[PCIBACK_LOG_LINE];

static int
take(uint16_t domain)
{
	struct pciback_slot *slot;
	int r;

	message[0] = '\0';
	r = pciback_slot_take(&fake.backend, &first, domain, 0, 0, &slot, message);
	if (r < 0)
		return r;
	while ((r = pciback_clean_step(slot, message)) > 0)
		continue;
	slot->is_new = false;
	if (r < 0)
		pciback_slot_return(slot, true);
	return r;
}

/* Silent, in quarantine, reset, with the BARs that it had, and its table protected; and back. */
static void
test_take_and_return(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[0];

	fake_init(&fake);
	device->config[4] = 0x07;
	CHECK_NUMBER(take(0), 0);
	CHECK_TEXT(fake.xen.order, "+q+t");
	CHECK_NUMBER(device->n_resets, 1);
	CHECK_NUMBER(device->config[4], 3);
	CHECK_NUMBER(device->config[0x15], 0x38);
	CHECK(device->is_in_quarantine && device->has_table && !device->is_dom0s);
	pciback_slot_return(pciback_backend_taken(&fake.backend, &first), true);
	CHECK(!device->is_in_quarantine && !device->has_table && device->is_dom0s);
	/* As dom0 had it, but that it writes to no memory; its line may be used again. */
	CHECK_NUMBER(device->config[4], 3);
	CHECK_NUMBER(device->config[5], 0);
	CHECK(pciback_backend_taken(&fake.backend, &first) == NULL);
	CHECK_TEXT(fake.xen.order, "+q+t-t-q");
	CHECK(fake_end(&fake));
}

/* A process that ends leaves what it took as it is, and the next one finds it so. */
static void
test_stays_taken(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[0];

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	CHECK(fake_end(&fake));
	CHECK(device->is_in_quarantine && device->has_table && !device->is_dom0s);
	CHECK_NUMBER(device->config[4], 3);
}

/* What permissive guests write never reaches the next one, nor dom0. */
static void
test_leaves_nothing(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[0];
	uint8_t before[sizeof(device->config)];

	fake_init(&fake);
	device->config[0x90] = 0x5a;
	fake_create(&fake, 1, 0, 0);
	fake_write(&fake, 1, "num_devs", "1");
	fake_write(&fake, 1, "dev-0", "0000:03:00.0");
	fake_write(&fake, 1, "opts-0", "permissive=1");
	fake_set(&fake, 1, "state-0", "1");
	memcpy(before, device->config, sizeof(before));
	fake_frontend(&fake, 1, true);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_WRITE, 0, 0x90, 1, 0xa5, NULL), PCIBACK_DONE);
	CHECK_NUMBER(device->config[0x90], 0xa5);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	CHECK_NUMBER(device->config[0x90], 0x5a);
	CHECK_NUMBER(device->n_resets, 2);
	/* And if somebody else has written to it meanwhile. */
	device->config[0x90] = 0x77;
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state"), "3");
	CHECK(memcmp(before + 6, device->config + 6, sizeof(before) - 6) == 0);
	CHECK(fake_end(&fake));
}

/* Who trusts its guests may say so; else a device without a reset is nobody's. */
static void
test_no_reset(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[0];

	fake_init(&fake);
	device->reset_error = -ENOTSUP;
	CHECK_NUMBER(take(0), -ENOTSUP);
	CHECK_TEXT(message, "0000:03:00.0 can't be reset, so that its next owner would find what the last one left in "
	    "it (allow no-reset if you trust them)");
	CHECK(device->is_dom0s && !device->is_in_quarantine && !device->has_table);
	fake.backend.allow = PCIBACK_ALLOW_NO_RESET;
	CHECK_NUMBER(take(0), 0);
	CHECK(fake_end(&fake));
}

/* What is allowed for one device is not allowed for another, and is known to the next process. */
static void
test_consent(struct harness *harness)
{
	struct pciback_wanted wanted = { .address = first, .allow = PCIBACK_ALLOW_NO_RESET };

	fake_init(&fake);
	fake.xen.devices[0].reset_error = fake.xen.devices[1].reset_error = -ENOTSUP;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	wanted.address = (struct pciback_address){ .bus = 3, .device = 1 };
	wanted.allow = PCIBACK_ALLOW_SHARED_IRQ;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), -ENOTSUP);
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	/* A process that comes after one that was killed finds it in the store. */
	fake_init(&fake);
	fake.xen.devices[0].reset_error = -ENOTSUP;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	fake_write(&fake, 1, "opts-0", "permissive=0,allow=no-reset");
	fake_write(&fake, 1, "state-0", "1");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	CHECK(fake_end(&fake));
}

/* Its owner knows the interrupt of a device of which the system has said none: its guest gets that one. */
static void
test_irq(struct harness *harness)
{
	struct pciback_wanted wanted = { .address = first, .irq = 20 };
	struct pciback_slot *slot;
	uint32_t value = 0;

	fake_init(&fake);
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	slot = pciback_backend_taken(&fake.backend, &first);
	CHECK_NUMBER(slot->settings.interrupt_line, 16);
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	CHECK_NUMBER(slot->device.settings.interrupt_line, 20);
	CHECK(pciback_ledger_has(slot, PCIBACK_PERMISSION_PIRQ));
	CHECK_NUMBER(slot->device.settings.pirq, 20 + fake.xen.pirq_offset);
	fake_frontend(&fake, 1, true);
	CHECK_NUMBER(fake_request(&fake, 1, PCIBACK_CONFIG_READ, 0, 0x3c, 1, 0, &value), 0);
	CHECK_NUMBER(value, 20);
	/* What its owner states now, the next guest gets. */
	wanted.irq = 0;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	CHECK_NUMBER(slot->device.settings.interrupt_line, 20);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_create(&fake, 2, 0, 1);
	CHECK_NUMBER(slot->device.settings.interrupt_line, 16);
	CHECK(fake_end(&fake));
	/* A process that comes after one that was killed finds it in the store. */
	fake_init(&fake);
	fake_create(&fake, 1, 9, 1);
	fake_write(&fake, 1, "dev-0", "0000:03:00.0");
	fake_write(&fake, 1, "opts-0", "permissive=0,irq=20,allow=no-reset");
	fake_write(&fake, 1, "state-0", "1");
	fake_run(&fake);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "3");
	CHECK_NUMBER(pciback_backend_taken(&fake.backend, &first)->device.settings.interrupt_line, 20);
	CHECK(fake_end(&fake));
}

/* The system is right, and the device is neither reset nor kept. */
static void
test_irq_contradicts(struct harness *harness)
{
	static const struct pciback_device_settings above = { .address = { .bus = 3 }, .line_source = PCIBACK_LINE_SYSTEM };
	struct fake_device *device = &fake.xen.devices[0];
	struct pciback_wanted wanted = { .address = first, .irq = 20 };

	fake_init(&fake);
	device->is_routed = true;
	device->config[4] = 0x07;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), -EINVAL);
	CHECK_TEXT(message, "0000:03:00.0 has interrupt 16, as the system itself says, which irq=20 contradicts: leave irq out");
	CHECK(device->is_dom0s && !device->is_open && device->config[4] == 0x03);
	CHECK_NUMBER(device->n_resets, 0);
	CHECK_TEXT(fake.xen.order, "");
	wanted.irq = 16;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), 0);
	/* Also of one that is taken already, which keeps what it has. */
	wanted.irq = 17;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), -EINVAL);
	CHECK_NUMBER(pciback_backend_taken(&fake.backend, &first)->irq, 16);
	CHECK(fake_end(&fake));

	fake_init(&fake);
	device->config[0x3d] = 0;
	CHECK_NUMBER(fake_take(&fake, &wanted, 1, message), -EINVAL);
	CHECK_TEXT(message, "0000:03:00.0 has no interrupt line that irq=17 could be: leave irq out");
	CHECK(device->is_dom0s && !device->is_open);
	CHECK(fake_end(&fake));

	CHECK_NUMBER(pciback_slot_check_irq(&above, 0, message), 0);
	CHECK_NUMBER(pciback_slot_check_irq(&above, 20, message), -EINVAL);
	CHECK_TEXT(message, "0000:03:00.0 has an interrupt above 254, as the system itself says, which irq=20 contradicts: leave "
	    "irq out");
}

/* A reset that fails, first when it is taken, then when it comes back: it is tried again for the next one. */
static void
test_reset_fails(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[0];

	fake_init(&fake);
	device->reset_error = -ENOTTY;
	fake_create(&fake, 1, 0, 1);
	CHECK_TEXT(fake_read(&fake, 1, "state-0"), "6");
	CHECK(strstr(fake.xen.line, "0000:03:00.0 could not be reset: ") != NULL);
	CHECK(device->is_dom0s);
	CHECK(fake_end(&fake));

	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	device->reset_error = -ENOTTY;
	pciback_devices_take_back_all(pciback_backend_find(&fake.backend, 1));
	fake_run(&fake);
	CHECK(strstr(fake.xen.line, "; nobody gets it before it can be") != NULL);
	fake_kill(&fake, 1, PCIBACK_LIFE_GONE);
	fake_create(&fake, 2, 0, 1);
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "6");
	CHECK_NUMBER(fake_held(&fake, NULL, 2), 0);
	device->reset_error = 0;
	fake_set(&fake, 2, "num_devs", "1");
	CHECK_TEXT(fake_read(&fake, 2, "state-0"), "3");
	CHECK(fake_end(&fake));
}

/* Of a process that was killed the guest has it still; nobody else does. */
static void
test_takes_over(struct harness *harness)
{
	fake_init(&fake);
	fake_create(&fake, 1, 0, 1);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 1);
	/* Another process does not know of it. */
	pciback_backend_taken(&fake.backend, &first)->is_taken = false;
	fake.xen.devices[0].is_open = false;
	CHECK_NUMBER(take(0), -EBUSY);
	CHECK(strstr(message, "0000:03:00.0 can't be put into quarantine: ") != NULL);
	fake.xen.devices[0].is_in_quarantine = fake.xen.devices[0].has_table = false;
	CHECK_NUMBER(take(1), 0);
	CHECK_NUMBER(fake_held(&fake, "device", 1), 0);
}

/* Whichever call fails, the device is dom0's as before, or taken as a whole. */
static void
test_failures(struct harness *harness)
{
	unsigned n_failed = 0;

	for (size_t call = 1; call < 10; call++) {
		const struct fake_device *device = &fake.xen.devices[0];

		fake_init(&fake);
		fake.xen.fail_at = fake.xen.n_calls + call;
		if (take(0) < 0) {
			n_failed++;
			CHECK(strncmp(message, "0000:03:00.0 ", 13) == 0);
			CHECK(device->is_dom0s && !device->is_in_quarantine && !device->has_table);
		} else {
			CHECK(!device->is_dom0s && device->is_in_quarantine && device->has_table);
		}
		CHECK(fake_end(&fake));
	}
	/* To open it, quarantine, reset, decoding, the table. */
	CHECK_NUMBER(n_failed, 5);
}

/* A register that does not come back, and a device that is silent when it shall go. */
static void
test_does_not_come_back(struct harness *harness)
{
	struct fake_device *device = &fake.xen.devices[0];

	fake_init(&fake);
	CHECK_NUMBER(take(0), 0);
	device->config[0x0c] = 0x40;
	device->stuck = 0x0c;
	fake_create(&fake, 1, 0, 1);
	CHECK(strstr(pciback_backend_find(&fake.backend, 1)->message, "0000:03:00.0 could not be brought back to "
	    "what it was when it was taken from dom0: ") != NULL);
	CHECK_NUMBER(fake_held(&fake, NULL, 1), 0);
	device->stuck = 0;
	fake_set(&fake, 1, "num_devs", "1");
	CHECK_TEXT(fake_read(&fake, 1, "state"), "3");
	CHECK(fake_end(&fake));

	fake_init(&fake);
	CHECK_NUMBER(take(0), 0);
	device->read_error = -ENODEV;
	pciback_slot_return(pciback_backend_taken(&fake.backend, &first), true);
	CHECK_TEXT(fake.xen.line, "0000:03:00.0 goes back to dom0 and does not answer");
	CHECK(device->is_dom0s);
	CHECK(fake_end(&fake));
}

/* What Xen does not undo is said, and the device is dom0's all the same. */
static void
test_return_fails(struct harness *harness)
{
	static const char *const lines[] = {
		"0000:03:00.0 goes back to dom0 with an MSI-X table that Xen protects still: ",
		"0000:03:00.0 goes back to dom0, and stays in Xen's quarantine, where it reaches no memory: ",
	};

	for (size_t call = 0; call < 2; call++) {
		fake_init(&fake);
		CHECK_NUMBER(take(0), 0);
		fake.xen.fail_at = fake.xen.n_calls + call + 1;
		pciback_slot_return(pciback_backend_taken(&fake.backend, &first), true);
		CHECK(strncmp(fake.xen.line, lines[call], strlen(lines[call])) == 0);
		CHECK(strstr(fake.xen.line, strerror(EIO)) != NULL);
		CHECK(fake.xen.devices[0].is_dom0s);
		CHECK(fake_end(&fake));
	}
}

void
test_guest_take(struct harness *harness)
{
	test_take_and_return(harness);
	test_stays_taken(harness);
	test_leaves_nothing(harness);
	test_no_reset(harness);
	test_consent(harness);
	test_irq(harness);
	test_irq_contradicts(harness);
	test_reset_fails(harness);
	test_takes_over(harness);
	test_failures(harness);
	test_does_not_come_back(harness);
	test_return_fails(harness);
}
