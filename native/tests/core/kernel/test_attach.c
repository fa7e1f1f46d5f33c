/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "kernel_fixture.h"

static struct kernel_fixture fixture;

static const struct fake_grant *
find_grant(const char *what, uint64_t first)
{
	for (size_t i = 0; i < FAKE_GRANTS; i++)
		if (fixture.fake.xen.grants[i].used && strcmp(fixture.fake.xen.grants[i].what, what) == 0 &&
		    fixture.fake.xen.grants[i].first == first)
			return &fixture.fake.xen.grants[i];
	return NULL;
}

/* What was permitted there, each first unit with how many, and the interrupts in INTERRUPT_LINE. */
static void
test_two_cards(struct harness *harness)
{
	static const struct {
		const char *what;
		uint64_t first, n;
	} seen[] = {
		{ "iomem", 1043328, 32 }, { "ioport", 49472, 64 }, { "pirq", 20, 1 }, { "irq", 20, 1 }, { "device", 32, 1 },
		{ "iomem", 1043360, 32 }, { "ioport", 49536, 64 }, { "pirq", 21, 1 }, { "irq", 21, 1 }, { "device", 40, 1 },
	};
	const struct fake_xen *xen = &fixture.fake.xen;

	kernel_fixture_init(&fixture);
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
	CHECK_TEXT(fixture.message, "");
	CHECK_NUMBER(xen->n_grants, sizeof(seen) / sizeof(seen[0]));
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		const struct fake_grant *grant = find_grant(seen[i].what, seen[i].first);

		CHECK(grant != NULL && grant->n == seen[i].n && grant->domain == 1);
	}
	/* In quarantine both; then each: to the IOMMU, memory, ports, interrupt. */
	CHECK_TEXT(xen->order, "+q+q+d+o+o+p+r+d+o+o+p+r");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "2");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "dev-1"), "0000:00:05.0");
	for (unsigned i = 0; i < 2; i++) {
		const struct fake_device *device = &xen->devices[i];

		CHECK_NUMBER(device->config[0x3c], 20 + i);
		CHECK_NUMBER(device->config[4], 3);
		CHECK_NUMBER(device->config[5], 0);
		CHECK_NUMBER(device->config[0x13], 0xfe);
		CHECK_NUMBER(device->n_resets, 1);
		CHECK(!device->is_open && !device->is_dom0s);
	}
	CHECK_NUMBER(xen->n_errors, 0);
}

/* A card that uses no interrupt needs none, and one in whose domain nothing is known is no other. */
static void
test_without_interrupt(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fixture.fake.xen.devices[0].config[0x3d] = 0;
	fixture.interrupt_error = -ENOENT;
	fake_put(&fixture.fake, "/local/domain/2/name", "gC");
	CHECK_NUMBER(kernel_attach(&fixture, 2, 1), 0);
	CHECK_NUMBER(fake_held(&fixture.fake, "pirq", 0), 0);
	CHECK_NUMBER(fixture.fake.xen.devices[0].config[0x3c], 10);
	CHECK_TEXT(fake_read(&fixture.fake, 2, "domain"), "gC");
}

/* Nothing is granted, nothing written, the devices as they were. */
static void
check_refused(struct harness *harness, uint16_t domain, size_t n, int error, const char *message)
{
	fixture.message[0] = '\0';
	CHECK_NUMBER(kernel_attach(&fixture, domain, n), error);
	CHECK_TEXT(fixture.message, message);
	CHECK_NUMBER(fixture.fake.xen.n_grants, 0);
	CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
	CHECK_TEXT(fake_read(&fixture.fake, domain, "dev-0"), "(none)");
	for (unsigned i = 0; i < 2; i++)
		CHECK(!fixture.fake.xen.devices[i].is_open);
}

static void
test_domains(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fixture.fake.xen.life[1] = PCIBACK_LIFE_GONE;
	check_refused(harness, 1, 1, -ESRCH, "domain 1 is not there, or ends just now");
	fixture.fake.xen.life[1] = PCIBACK_LIFE_STOPPED;
	check_refused(harness, 1, 1, -ESRCH, "domain 1 is not there, or ends just now");
	fixture.fake.xen.life[1] = PCIBACK_LIFE_RUNNING;
	fake_put(&fixture.fake, "/libxl/1/type", "hvm");
	check_refused(harness, 1, 1, -EINVAL, "domain 1 is of type hvm, and the kernel's backend serves PV guests alone");
	fake_put(&fixture.fake, "/libxl/1/type", "pv");
	check_refused(harness, 2, 1, -ENOENT, "domain 2 can't be looked at: No such file or directory");
	kernel_state(&fixture, "4");
	check_refused(harness, 1, 1, -EEXIST, "domain 1 has devices, and the kernel's backend takes no more: it reads their number "
	    "once; start the guest anew with all of them");
}

static void
test_devices(struct harness *harness)
{
	const struct pciback_wanted permissive[] = { kernel_cards[0], { .address = { .device = 5 }, .permissive = true } };
	const struct pciback_wanted twice[] = { kernel_cards[0], kernel_cards[0] };

	kernel_fixture_init(&fixture);
	fixture.is_hidden[1] = false;
	check_refused(harness, 1, 2, -ENOENT, "0000:00:05.0 is not kept by pciback(4): hide it, reboot, and look into "
	    "/kern/xen/pci");
	fixture.is_hidden[1] = true;
	fixture.fake.xen.devices[1].unset_bars = 1 << 2;
	check_refused(harness, 1, 2, -ENXIO, "0000:00:05.0 has no address in BAR 2: the firmware left it out, and NetBSD gives none "
	    "to a hidden device");
	fixture.fake.xen.devices[1].unset_bars = 0;
	fixture.interrupt_error = -ENOENT;
	check_refused(harness, 1, 2, -ENOENT, "0000:00:04.0 has an interrupt that the kernel's messages of this boot don't tell any "
	    "more; boot once more, and keep /var/run/dmesg.boot, or state it with irq=");
	fixture.interrupt_error = 0;
	fixture.interrupts[1] = 255;
	check_refused(harness, 1, 2, -ERANGE, "0000:00:05.0 has interrupt 255, which INTERRUPT_LINE can't say to a guest");
	fixture.interrupts[1] = 21;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, permissive, 2, fixture.message), -EINVAL);
	CHECK_TEXT(fixture.message, "0000:00:05.0 can't be permissive: the kernel's backend has no such option, and lets a guest "
	    "write to each register");
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, twice, 2, fixture.message), -EEXIST);
	CHECK_TEXT(fixture.message, "0000:00:04.0 is named twice for the same guest");
	/* Of another guest, which may be using it: it is not even opened. */
	fake_write(&fixture.fake, 7, "state", "4");
	fake_write(&fixture.fake, 7, "num_devs", "1");
	fake_write(&fixture.fake, 7, "dev-0", "0000:00:05.0");
	fixture.fake.xen.devices[1].n_released = 0;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), -EBUSY);
	CHECK_NUMBER(fixture.fake.xen.devices[1].n_released, 0);
	fake_remove(&fixture.fake, 7, "");
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
}

static void
test_iommu(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fixture.fake.xen.no_iommu = true;
	check_refused(harness, 1, 2, -EOPNOTSUPP, "0000:00:04.0 could write to all memory: there is no IOMMU for it (allow no-iommu "
	    "if you trust the guest)");
	fixture.fake.backend.allow = PCIBACK_ALLOW_NO_IOMMU;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
	CHECK_NUMBER(fake_held(&fixture.fake, "iomem", 1), 2);
	CHECK_NUMBER(fake_held(&fixture.fake, "device", 0), 0);
	fixture.fake.backend.allow = 0;
}

/* An address is only a place. */
static void
test_identity(struct harness *harness)
{
	struct pciback_wanted device = kernel_cards[0];

	kernel_fixture_init(&fixture);
	fixture.fake.xen.no_iommu = true;
	device.allow = PCIBACK_ALLOW_NO_IOMMU;
	device.has_id = true;
	device.identity = (struct pciback_identity){ .vendor = 0x8086, .device = 0x10c9 };
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &device, 1, fixture.message), -EXDEV);
	CHECK_TEXT(fixture.message, "0000:00:04.0 is 8086:10d3, expected is 8086:10c9: the buses have other numbers now, or another "
	    "card is there");
	CHECK(!fixture.fake.xen.devices[0].is_open && fixture.fake.xen.devices[0].n_resets == 0);
	/* What its word allows is allowed for it, and for no other one. */
	device.identity.device = 0x10d3;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &device, 1, fixture.message), 0);
	fake_put(&fixture.fake, "/local/domain/2/name", "gC");
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 2, kernel_cards + 1, 1, fixture.message),
	    -EOPNOTSUPP);
}

/* Memory that a device wants reserved. */
static void
test_relaxed(struct harness *harness)
{
	struct pciback_wanted device = kernel_cards[0];

	kernel_fixture_init(&fixture);
	fixture.fake.xen.devices[0].wants_reserved = true;
	check_refused(harness, 1, 1, -EPERM, "0000:00:04.0 can't be assigned: Operation not permitted");
	device.rdm_relaxed = true;
	CHECK_NUMBER(pciback_kernel_attach(&fixture.fake.backend, &fixture.host, 1, &device, 1, fixture.message), 0);
}

/* Whichever call fails: nothing is left with the guest, nothing is in the store, and it can be done again. */
static void
test_each_call(struct harness *harness)
{
	for (size_t i = 1;; i++) {
		int r;

		kernel_fixture_init(&fixture);
		fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + i;
		r = kernel_attach(&fixture, 1, 2);
		if (r == 0) {
			CHECK(i > 20);
			break;
		}
		CHECK(r < 0 && fixture.message[0] != '\0');
		CHECK_NUMBER(fixture.fake.xen.n_grants, 0);
		CHECK_NUMBER(fixture.fake.xen.n_errors, 0);
		CHECK_TEXT(fake_read(&fixture.fake, 1, "state"), "(none)");
		for (unsigned j = 0; j < 2; j++)
			CHECK(!fixture.fake.xen.devices[j].is_open);
		fixture.fake.xen.fail_at = 0;
		CHECK_NUMBER(kernel_attach(&fixture, 1, 2), 0);
	}
}

/* Another process writes the nodes of the domain first. */
static void
test_race(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fixture.fake.xen.was_stale = true;
	check_refused(harness, 1, 2, -ESTALE, "the nodes of domain 1 can't be written: somebody else has just written some");
}

static void
do_nothing(void *world, unsigned milliseconds)
{
	(void)world;
	(void)milliseconds;
}

static void
stop_half_way(void *world, unsigned milliseconds)
{
	(void)world;
	(void)milliseconds;
	kernel_state(&fixture, "2");
}

/* A kernel that does not look has nothing of it; one that stops may have it in its list. */
static void
test_kernel_waits(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fixture.fake.backend.hardware.pause = do_nothing;
	check_refused(harness, 1, 2, -ETIMEDOUT, "the kernel's backend has not looked at the nodes of domain 1, which are gone "
	    "again; does dmesg say why?");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "/state"), "(none)");
	fixture.fake.backend.hardware.pause = stop_half_way;
	CHECK_NUMBER(kernel_attach(&fixture, 1, 2), -EIO);
	CHECK_TEXT(fixture.message, "the kernel's backend has stopped half-way with domain 1, as dmesg may explain; leave that "
	    "domain alone until the next boot");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "2");
	CHECK_NUMBER(fixture.fake.xen.n_grants, 10);
	CHECK(!fixture.fake.xen.devices[0].is_open);
}

void
test_kernel_attach(struct harness *harness)
{
	test_two_cards(harness);
	test_without_interrupt(harness);
	test_domains(harness);
	test_devices(harness);
	test_iommu(harness);
	test_identity(harness);
	test_relaxed(harness);
	test_each_call(harness);
	test_race(harness);
	test_kernel_waits(harness);
}
