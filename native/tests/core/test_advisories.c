/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"

#include <errno.h>
#include <string.h>

/*
 * One test an advisory about backends of the past, for those that concern requests and the
 * configuration space.
 */

/* A table of 8 vectors, and what a guest asks for. */
static void
test_xsa_16_and_164_entries_out_of_range(struct harness *harness)
{
	static struct fixture fixture;
	static const uint16_t entries[][3] = { { 0, 1, 8 }, { 0xffff, 0, 1 }, { 3, 7, 3 },
		{ 0x7ff, 1, 2 } };
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_card(config);
	fixture_store(config, 0x72, 2, 7);
	fixture_init(&fixture, config, sizeof(config));
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		for (size_t j = 0; j < 3; j++)
			atomic_store(&fixture.page.request.vectors[j].entry, entries[i][j]);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 3), -22);
		CHECK_NUMBER(atomic_load(&fixture.page.request.value), 3);
		CHECK_NUMBER(fixture.n_enables, 0);
	}
	for (uint32_t n = 0; n < 12; n++) {
		for (uint16_t j = 0; j < n; j++)
			atomic_store(&fixture.page.request.vectors[j].entry, j);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, n),
		    n == 0 || n > 8 ? -22 : 0);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_DISABLE_MSIX, 0, 0, 0), 0);
	}
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 129), -22);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, UINT32_MAX), -22);
	CHECK_NUMBER(fixture.n_enabled, 0);
	fixture_free(&fixture);
}

static void
test_xsa_43_log_lines(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	for (uint64_t now = 0; now <= 3000; now++) {
		for (unsigned i = 0; i < 3; i++) {
			atomic_store(&fixture.page.request.command, 77);
			atomic_store(&fixture.page.flags, PCIBACK_FLAG_REQUEST);
			CHECK_NUMBER(pciback_channel_serve(&fixture.channel, now, 1), 1);
		}
	}
	CHECK_NUMBER(fixture.n_lines, 4);
	CHECK(strstr(fixture.line, "domain 7: (2999 lines dropped) command 77") != NULL);
	fixture_free(&fixture);
}

/* What a device may not answer is never asked for: no access reaches it past its end, misaligned,
 * or of another size. */
static void
test_xsa_59_unsupported_requests(struct harness *harness)
{
	static const struct {
		int32_t offset, size;
	} accesses[] = { { -4, 4 }, { INT32_MIN, 1 }, { INT32_MAX, 1 }, { 4096, 1 }, { 0x10000, 4 },
		{ 4095, 2 }, { 4094, 4 }, { 3, 2 }, { 2, 4 }, { 1, 4 }, { 0, 0 }, { 0, 3 }, { 0, 8 },
		{ 0, -1 }, { 0, INT32_MIN }, { 0, 256 + 4 }, { 0, 0x10001 } };
	static struct fixture fixture;

	fixture_init_card(&fixture);
	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_READ, accesses[i].offset,
		    accesses[i].size, 0x1234), -2);
		CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, accesses[i].offset,
		    accesses[i].size, 0x1234), -2);
	}
	CHECK_NUMBER(fixture.n_reads + fixture.n_writes, 0);
	fixture_free(&fixture);
}

static void
test_xsa_87_interrupts_are_privileged(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0x72, 2, 0x80ff), -3);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0x52, 2, 0x0181), -3);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0x50, 4, 0x01810000), -3);
	CHECK_NUMBER(fixture.n_writes, 0);
	fixture_free(&fixture);
}

static void
test_xsa_120_decoding_stays_on(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	/* On before the guest sees the device, whatever was there. */
	fixture_card(config);
	fixture_store(config, 0x04, 2, 0);
	fixture_init(&fixture, config, sizeof(config));
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 3);
	for (uint32_t value = 0; value < 0x800; value++) {
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 4, 2, (value * 37)), 0);
		CHECK_NUMBER(fixture_real(&fixture, 0x04, 2) & 3, 3);
	}
	fixture_free(&fixture);

	/* Not handed out if it does not go on. */
	fixture_init(&fixture, config, sizeof(config));
	fixture.fail_enable = -EIO;
	CHECK_NUMBER(fixture_hand_out(&fixture), -EIO);
	fixture.fail_enable = 0;
	fixture.real->bars[1].kind = PCIBACK_RESOURCE_NONE;	/* so that I/O is forgotten */
	CHECK_NUMBER(fixture_hand_out(&fixture), -EIO);
	CHECK(strstr(fixture.line, "0000:03:00.0: can't be handed out: decoding") != NULL);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2) & 4, 0);
	fixture_free(&fixture);
}

/* Registers that only this device has are closed; open only if the owner says so, and logged. */
static void
test_xsa_124_and_131_default_deny(struct harness *harness)
{
	static struct fixture fixture;
	uint8_t config[PCIBACK_CONFIG_EXPRESS];

	fixture_init_card(&fixture);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0xc8, 4, 0x11), 0);
	CHECK_NUMBER(fixture.n_writes, 0);
	CHECK_NUMBER(fixture.n_lines, 0);
	fixture_free(&fixture);

	fixture_card(config);
	fixture_init(&fixture, config, sizeof(config));
	fixture.settings.permissive = true;
	CHECK_NUMBER(fixture_hand_out(&fixture), 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0xc8, 4, 0x11), 0);
	CHECK_NUMBER(fixture_real(&fixture, 0xc8, 4), 0x11);
	CHECK_TEXT(fixture.line,
	    "domain 7: 0000:03:00.0: permissive: 11 is written to 4 bytes at c8");
	fixture.log.now = 2000;
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x06, 2, 0x8000), PCIBACK_DONE);
	CHECK_TEXT(fixture.line, "domain 7: 0000:03:00.0: permissive: 8000 is written to register 6");
	fixture.log.now = 4000;
	CHECK_NUMBER(pciback_config_write(&fixture.device, 0x04, 2, 0x020f), PCIBACK_DONE);
	CHECK_TEXT(fixture.line, "domain 7: 0000:03:00.0: permissive: 208 is written to COMMAND");
	fixture_free(&fixture);
}

static void
test_xsa_126_command_is_mediated(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 0x0143);	/* no mastering until it is asked for */
	for (uint32_t value = 0; value <= 0xffff; value += 5) {
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 4, 2, value), 0);
		CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 0x0143 | (value & 0x14));
	}
	CHECK_NUMBER(pciback_device_close(&fixture.device), 0);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2), 0x0143);
	fixture_free(&fixture);
}

/* A write over several registers leaks into none of them. */
static void
test_xsa_128_writes_over_several_registers(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	memset(fixture.touched, 0, sizeof(fixture.touched));
	for (int32_t offset = 0x50; offset < 0x68; offset += 4)
		(void)fixture_request(&fixture, PCIBACK_CONFIG_WRITE, offset, 4, 0xfefefefe);
	(void)fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0x04, 4, 0xffff0007);
	CHECK_NUMBER(fixture_real(&fixture, 0x06, 2), 0xf910);
	for (unsigned i = 0x50; i < 0x68; i++)
		CHECK_NUMBER(fixture.touched[i], 0);
	fixture_free(&fixture);
}

/* Neither read nor written: the mask, and what else is the host's in MSI. */
static void
test_xsa_129_masks_belong_to_the_host(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), 0);
	for (int32_t offset = 0x54; offset < 0x68; offset++) {
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_READ, offset, 1, 0), 0);
		CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0);
		memset(fixture.touched, 0, sizeof(fixture.touched));
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, offset, 1, 0xff), 0);
		CHECK_NUMBER(fixture.touched[offset], 0);
	}
	CHECK_NUMBER(fixture_real(&fixture, 0x54, 4), 0xfee00000);
	fixture_free(&fixture);
}

/* The guest rewrites the page while its request is served. */
static void
rewrite_page(struct fixture *fixture)
{
	atomic_store(&fixture->page.request.command, PCIBACK_ENABLE_MSIX);
	atomic_store(&fixture->page.request.offset, 0x10000);
	atomic_store(&fixture->page.request.size, 512);
	atomic_store(&fixture->page.request.value, 0xffff);
	atomic_store(&fixture->page.request.devfn, 0xffff);
	for (size_t i = 0; i < PCIBACK_VECTORS_MAX; i++)
		atomic_store(&fixture->page.request.vectors[i].entry, 0xeeee);
}

static void
test_xsa_155_one_fetch(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	fixture.on_read = rewrite_page;
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_READ, 0x08, 4, 0), 0);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0x02000003);
	/* Two vectors were asked for, and two are answered, with the entries that were asked for. */
	atomic_store(&fixture.page.request.devfn, 0);
	atomic_store(&fixture.page.request.vectors[0].entry, 9);
	atomic_store(&fixture.page.request.vectors[1].entry, 200);
	for (size_t i = 0; i < PCIBACK_VECTORS_MAX; i++)
		atomic_store(&fixture.page.request.vectors[i].vector, 0x7777);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 2), 0);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0);
	CHECK_NUMBER(fixture.channel.vectors[0].entry, 9);
	CHECK_NUMBER(fixture.channel.vectors[1].entry, 200);
	CHECK(atomic_load(&fixture.page.request.vectors[0].vector) != 0x7777);
	CHECK(atomic_load(&fixture.page.request.vectors[1].vector) != 0x7777);
	CHECK_NUMBER(atomic_load(&fixture.page.request.vectors[2].vector), 0x7777);
	fixture_free(&fixture);
}

/* Every order of five operations: the answers follow from what is on, one at most is. */
static void
test_xsa_157_interrupts_in_any_order(struct harness *harness)
{
	static struct fixture fixture;
	unsigned n_wrong = 0;

	fixture_init_card(&fixture);
	for (unsigned order = 0; order < 5 * 5 * 5 * 5 * 5; order++) {
		enum { NONE, MSI, MSIX } on = NONE;
		bool decodes = true;

		for (unsigned rest = order, i = 0; i < 5; i++, rest /= 5) {
			int32_t answer = 0, wanted = 0;

			atomic_store(&fixture.page.request.devfn, 0);
			atomic_store(&fixture.page.request.vectors[0].entry, 0);
			switch (rest % 5) {
			case 0:
				answer = fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0);
				wanted = on == NONE ? 0 : -5;
				n_wrong += (atomic_load(&fixture.page.request.value) != 0) != (wanted == 0);
				if (wanted == 0)
					on = MSI;
				break;
			case 1:
				answer = fixture_request(&fixture, PCIBACK_DISABLE_MSI, 0, 0, 0);
				n_wrong += atomic_load(&fixture.page.request.value) != 19;
				if (on == MSI)
					on = NONE;
				break;
			case 2:
				answer = fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 1);
				wanted = on == MSIX ? -114 : on == MSI || !decodes ? -6 : 0;
				if (wanted == 0)
					on = MSIX;
				break;
			case 3:
				answer = fixture_request(&fixture, PCIBACK_DISABLE_MSIX, 0, 0, 0);
				n_wrong += atomic_load(&fixture.page.request.value) != 19;
				if (on == MSIX)
					on = NONE;
				break;
			default:
				decodes = !decodes;
				answer = fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 4, 2,
				    decodes ? 6 : 4);
				break;
			}
			n_wrong += answer != wanted;
			n_wrong += fixture.n_enabled != (on != NONE);
			n_wrong += (fixture_real(&fixture, 0x52, 2) & 1) != (on == MSI);
			n_wrong += (fixture_real(&fixture, 0x72, 2) >> 15) != (on == MSIX);
			/* INTx is off beside them, and only then. */
			n_wrong += (fixture_real(&fixture, 0x04, 2) >> 10 & 1) != (on != NONE);
		}
		n_wrong += pciback_device_close(&fixture.device) != 0;
		n_wrong += fixture.n_enabled != 0;
		(void)fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 4, 2, 6);
	}
	CHECK_NUMBER(n_wrong, 0);
	CHECK(fixture.n_enables > 1000);
	CHECK_NUMBER(fixture.n_enables, fixture.n_disables);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MULTI_MSI, 0, 0, 2), -4);
	fixture_free(&fixture);
}

/* Only what was put into a guest's topology can be named, on any bus and domain. */
static void
test_xsa_237_devices_of_others(struct harness *harness)
{
	static const uint32_t numbers[] = { 0, 1, 7, 8, 0xff, 0x100, 0x10000, 0x1000000, UINT32_MAX };
	static struct fixture fixture;
	size_t n = sizeof(numbers) / sizeof(numbers[0]);

	fixture_init_card(&fixture);
	for (size_t i = 0; i < n * n * n; i++) {
		uint32_t domain = numbers[i % n], bus = numbers[i / n % n];
		uint32_t devfn = numbers[i / n / n];
		bool is_ours = domain == 0 && bus == 0 && devfn == 0;

		atomic_store(&fixture.page.request.domain, domain);
		atomic_store(&fixture.page.request.bus, bus);
		atomic_store(&fixture.page.request.devfn, devfn);
		for (uint32_t command = 0; command < 12; command++) {
			int32_t answer = fixture_request(&fixture, command, 0, 4, 1);

			CHECK((answer == -1) == !is_ours);
		}
		CHECK(is_ours || fixture.n_reads == 0 || i > 0);
	}
	CHECK_NUMBER(fixture.n_enabled, 0);
	CHECK_NUMBER(pciback_topology_remove(&fixture.topology, &fixture.device), 0);
	atomic_store(&fixture.page.request.domain, 0);
	atomic_store(&fixture.page.request.bus, 0);
	atomic_store(&fixture.page.request.devfn, 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_READ, 0, 4, 5), -1);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0);
	fixture_free(&fixture);
}

/* Events without a request cost next to nothing, and requests without end are put off. */
static void
test_xsa_331_and_332_storms(struct harness *harness)
{
	static struct fixture fixture;
	unsigned n = 0;
	int r;

	fixture_init_card(&fixture);
	for (unsigned i = 0; i < 1000; i++)
		CHECK_NUMBER(pciback_channel_serve(&fixture.channel, 0, 16), 0);
	CHECK_NUMBER(fixture.n_notified, 0);
	do {
		atomic_store(&fixture.page.flags, PCIBACK_FLAG_REQUEST);
		r = pciback_channel_serve(&fixture.channel, 0, 16);
	} while (r == 1 && n++ < 1000000);
	CHECK_NUMBER(r, -EAGAIN);
	CHECK_NUMBER(n, PCIBACK_REQUESTS_BURST);
	CHECK_NUMBER(fixture.n_notified, n);
	CHECK(pciback_channel_pending(&fixture.channel));
	CHECK_NUMBER(pciback_channel_serve(&fixture.channel, 1, 16), 1);
	fixture_free(&fixture);
}

/* A device whose MSI registers say anything: what is decided follows from what was done. */
static void
test_xsa_337_device_that_lies(struct harness *harness)
{
	static struct fixture fixture;

	fixture_init_card(&fixture);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), 0);
	fixture_store(fixture.real->config, 0x52, 2, 0);	/* "I am off" */
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), -5);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0x52, 2, 1), 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0x52, 2, 0), -3);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_DISABLE_MSI, 0, 0, 0), 0);
	fixture_store(fixture.real->config, 0x52, 2, 0xffff);	/* "I am on, and larger" */
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_CONFIG_WRITE, 0x52, 2, 0xfffe), 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_DISABLE_MSI, 0, 0, 0), 0);
	fixture_store(fixture.real->config, 0x72, 2, 0xffff);
	atomic_store(&fixture.page.request.vectors[0].entry, 0x100);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 1), -22);
	CHECK_NUMBER(fixture.n_enabled, 0);
	fixture_free(&fixture);
}

/* Switching interrupts on fails at each step: what was begun is undone, and once. */
static void
test_xsa_356_and_458_unwinding(struct harness *harness)
{
	static const struct {
		int error;
		int32_t msi, msix;
	} failures[] = { { -ENOMEM, -5, -12 }, { -EIO, -5, -5 }, { -ENOSPC, -5, -5 } };
	static struct fixture fixture;

	fixture_init_card(&fixture);
	atomic_store(&fixture.page.request.vectors[0].entry, 0);
	atomic_store(&fixture.page.request.vectors[1].entry, 1);
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		fixture.fail_interrupt = failures[i].error;
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), failures[i].msi);
		CHECK_NUMBER(fixture_real(&fixture, 0x04, 2) & 0x400, 0);
		CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 2),
		    failures[i].msix);
		CHECK_NUMBER(fixture_real(&fixture, 0x04, 2) & 0x400, 0);
		CHECK_NUMBER(fixture.n_disables, 0);
	}
	fixture.fail_interrupt = 0;
	/* COMMAND can't be written: nothing is switched on. */
	fixture.fail_write = 1;
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), -5);
	fixture.fail_write = 1;
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 2), -5);
	CHECK_NUMBER(fixture.n_enables, 0);
	/* A pirq that no frontend takes is given back. */
	fixture.zero_pirq = true;
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), -5);
	CHECK_NUMBER(atomic_load(&fixture.page.request.value), 0);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 2), -5);
	CHECK_NUMBER(fixture.n_enables, 2);
	CHECK_NUMBER(fixture.n_disables, 2);
	fixture.zero_pirq = false;
	/* What can't be taken back is not tried twice, and the guest has INTx again. */
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSI, 0, 0, 0), 0);
	fixture.fail_disable = -EIO;
	fixture.log.now += 10000;
	CHECK_NUMBER(pciback_device_close(&fixture.device), -EIO);
	CHECK_NUMBER(pciback_device_close(&fixture.device), 0);
	CHECK_NUMBER(fixture.n_disables, 3);
	CHECK(strstr(fixture.line, "could not be taken back") != NULL);
	CHECK_NUMBER(fixture_request(&fixture, PCIBACK_ENABLE_MSIX, 0, 0, 2), 0);
	CHECK_NUMBER(pciback_device_close(&fixture.device), -EIO);
	CHECK_NUMBER(fixture.n_disables, 4);
	fixture.fail_write = 1;
	CHECK_NUMBER(pciback_device_close(&fixture.device), -EIO);
	CHECK_NUMBER(fixture_real(&fixture, 0x04, 2) & 4, 0);
	fixture_free(&fixture);
}

/* BARs above 4 GiB, of sizes that don't fit into 32 bits: nothing is cut off on the way. */
static void
test_xsa_476_bars_of_64_bits(struct harness *harness)
{
	static struct fixture fixture;

	for (unsigned log2 = 4; log2 < 63; log2++) {
		uint64_t size = UINT64_C(1) << log2, address = UINT64_C(3) << 61;
		uint64_t low, high;

		fixture_init_card(&fixture);
		address >>= 1;
		fixture.settings.bars[2].address = address & ~(size - 1);
		fixture.settings.bars[2].size = size;
		if (fixture.settings.bars[2].address == 0 ||
		    fixture.settings.bars[2].address > (UINT64_C(1) << 63) - size) {
			CHECK_NUMBER(fixture_hand_out(&fixture), -EINVAL);
			fixture_free(&fixture);
			continue;
		}
		CHECK_NUMBER(fixture_hand_out(&fixture), 0);
		low = fixture_read(&fixture, 0x18, 4);
		high = fixture_read(&fixture, 0x1c, 4);
		CHECK((high << 32 | (low & ~UINT64_C(15))) == fixture.settings.bars[2].address);
		CHECK_NUMBER(low & 15, 0xc);
		CHECK_NUMBER(pciback_config_write(&fixture.device, 0x18, 4, UINT32_MAX), 0);
		CHECK_NUMBER(pciback_config_write(&fixture.device, 0x1c, 4, UINT32_MAX), 0);
		low = fixture_read(&fixture, 0x18, 4);
		high = fixture_read(&fixture, 0x1c, 4);
		CHECK(~(high << 32 | (low & ~UINT64_C(15))) + 1 == size);
		fixture_free(&fixture);
	}
}

void
test_advisories(struct harness *harness)
{
	test_xsa_16_and_164_entries_out_of_range(harness);
	test_xsa_43_log_lines(harness);
	test_xsa_59_unsupported_requests(harness);
	test_xsa_87_interrupts_are_privileged(harness);
	test_xsa_120_decoding_stays_on(harness);
	test_xsa_124_and_131_default_deny(harness);
	test_xsa_126_command_is_mediated(harness);
	test_xsa_128_writes_over_several_registers(harness);
	test_xsa_129_masks_belong_to_the_host(harness);
	test_xsa_155_one_fetch(harness);
	test_xsa_157_interrupts_in_any_order(harness);
	test_xsa_237_devices_of_others(harness);
	test_xsa_331_and_332_storms(harness);
	test_xsa_337_device_that_lies(harness);
	test_xsa_356_and_458_unwinding(harness);
	test_xsa_476_bars_of_64_bits(harness);
}
