/*
 * Copyright (c) 2026, xen.pciback contributors
 * Simplified BSD License (see LICENSES/BSD-2-Clause.txt or
 * https://opensource.org/licenses/BSD-2-Clause)
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "harness.h"

#include "kernel_fixture.h"

#include "../../../core/kernel/nodes.h"

static struct kernel_fixture fixture;

/*
 * What two cards of one guest worked with under a NetBSD 11.0_RC6 dom0: its store before the kernel's backend has added
 * root-0 and root_num and gone to state 3, in its order.
 */
static const char *const seen[][2] = {
	{ "/local/domain/1/device/pci/0", "" },
	{ "/local/domain/1/device/pci/0/backend", "/local/domain/0/backend/pci/1/0" },
	{ "/local/domain/1/device/pci/0/backend-id", "0" },
	{ "/local/domain/1/device/pci/0/state", "1" },
	{ "/local/domain/0/backend/pci/1/0", "" },
	{ "/local/domain/0/backend/pci/1/0/frontend", "/local/domain/1/device/pci/0" },
	{ "/local/domain/0/backend/pci/1/0/frontend-id", "1" },
	{ "/local/domain/0/backend/pci/1/0/online", "1" },
	{ "/local/domain/0/backend/pci/1/0/domain", "gB" },
	{ "/local/domain/0/backend/pci/1/0/key-0", "0000:00:04.0" },
	{ "/local/domain/0/backend/pci/1/0/dev-0", "0000:00:04.0" },
	{ "/local/domain/0/backend/pci/1/0/opts-0", "msitranslate=0,power_mgmt=0,permissive=0" },
	{ "/local/domain/0/backend/pci/1/0/state-0", "1" },
	{ "/local/domain/0/backend/pci/1/0/key-1", "0000:00:05.0" },
	{ "/local/domain/0/backend/pci/1/0/dev-1", "0000:00:05.0" },
	{ "/local/domain/0/backend/pci/1/0/opts-1", "msitranslate=0,power_mgmt=0,permissive=0" },
	{ "/local/domain/0/backend/pci/1/0/state-1", "1" },
	{ "/local/domain/0/backend/pci/1/0/num_devs", "2" },
	{ "/local/domain/0/backend/pci/1/0/state", "1" },
};

static void
test_make(struct harness *harness)
{
	const struct fake_xen *xen = &fixture.fake.xen;
	const size_t n = sizeof(seen) / sizeof(seen[0]), before = 2;

	kernel_fixture_init(&fixture);
	CHECK_NUMBER(xen->n_nodes, before);
	CHECK_NUMBER(pciback_kernel_nodes_make(&fixture.fake.backend, 1, "gB", kernel_cards, 2), 0);
	CHECK_NUMBER(xen->n_nodes, before + n);
	for (size_t i = 0; i < n; i++) {
		CHECK_TEXT(xen->nodes[before + i].path, seen[i][0]);
		CHECK_TEXT(xen->nodes[before + i].value, seen[i][1]);
	}
	/* Those of another who was faster stay. */
	CHECK_NUMBER(pciback_kernel_nodes_make(&fixture.fake.backend, 1, "gB", kernel_cards, 1), -ESTALE);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "2");
}

/* One card, and what an earlier toolstack left without a state goes. */
static void
test_make_one(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	fake_write(&fixture.fake, 1, "dev-3", "0000:00:1f.0");
	fake_write(&fixture.fake, 1, "/event-channel", "8");
	CHECK_NUMBER(pciback_kernel_nodes_make(&fixture.fake.backend, 1, "gC", kernel_cards + 1, 1), 0);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "domain"), "gC");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "dev-0"), "0000:00:05.0");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "1");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "dev-1"), "(none)");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "dev-3"), "(none)");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "/event-channel"), "(none)");
}

/* What is stated of an interrupt is found again. */
static void
test_stated(struct harness *harness)
{
	struct pciback_wanted devices[2] = { kernel_cards[0], kernel_cards[1] };
	struct pciback_kernel_nodes nodes = { .n = 77 };

	kernel_fixture_init(&fixture);
	devices[1].irq = 254;
	CHECK_NUMBER(pciback_kernel_nodes_make(&fixture.fake.backend, 1, "gB", devices, 2), 0);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "opts-0"), "msitranslate=0,power_mgmt=0,permissive=0");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "opts-1"), "msitranslate=0,power_mgmt=0,permissive=0,irq=254");
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), 0);
	CHECK(nodes.n == 2 && nodes.irqs[0] == 0 && nodes.irqs[1] == 254);
	/* By the device, not by its place among those that can be read. */
	fake_write(&fixture.fake, 1, "dev-0", "nothing");
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), 0);
	CHECK(nodes.n == 1 && nodes.addresses[0].device == 5 && nodes.irqs[0] == 254);
	fake_write(&fixture.fake, 1, "opts-1", "irq=0");
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), 0);
	CHECK(nodes.n == 1 && nodes.irqs[0] == 0);
}

static void
test_read(struct harness *harness)
{
	struct pciback_kernel_nodes nodes = { .n = 77 };
	char dev[16];

	kernel_fixture_init(&fixture);
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), 0);
	CHECK(!nodes.exists && nodes.state == PCIBACK_XENBUS_UNKNOWN && nodes.n == 0);
	CHECK_NUMBER(pciback_kernel_nodes_make(&fixture.fake.backend, 1, "gB", kernel_cards, 2), 0);
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), 0);
	CHECK(nodes.exists && nodes.state == PCIBACK_XENBUS_INITIALISING && nodes.n == 2);
	CHECK_NUMBER(nodes.addresses[1].device, 5);
	/* A state that is none is one all the same. */
	kernel_state(&fixture, "44");
	fake_write(&fixture.fake, 1, "dev-0", "nothing");
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), 0);
	CHECK(nodes.exists && nodes.state == PCIBACK_XENBUS_UNKNOWN && nodes.n == 1);
	CHECK_NUMBER(nodes.addresses[0].device, 5);
	/* Whatever the number says, all are looked for. */
	for (unsigned i = 0; i < PCIBACK_ENTRIES_MAX; i++) {
		(void)snprintf(dev, sizeof(dev), "dev-%u", i);
		fake_write(&fixture.fake, 1, dev, "0000:00:04.0");
	}
	fake_write(&fixture.fake, 1, "num_devs", "4294967295");
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), 0);
	CHECK_NUMBER(nodes.n, PCIBACK_ENTRIES_MAX);
	fake_write(&fixture.fake, 1, "num_devs", "-1");
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), 0);
	CHECK_NUMBER(nodes.n, PCIBACK_ENTRIES_MAX);
	fixture.fake.xen.fail_at = fixture.fake.xen.n_calls + 2;
	CHECK_NUMBER(pciback_kernel_nodes_read(&fixture.fake.backend, 1, &nodes), -EIO);
}

/* Only what the kernel's backend is through with. */
static void
test_remove(struct harness *harness)
{
	kernel_fixture_init(&fixture);
	CHECK_NUMBER(pciback_kernel_nodes_make(&fixture.fake.backend, 1, "gB", kernel_cards, 2), 0);
	kernel_state(&fixture, "3");
	CHECK_NUMBER(pciback_kernel_nodes_remove(&fixture.fake.backend, 1, PCIBACK_XENBUS_CLOSED), -ESTALE);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "2");
	kernel_state(&fixture, "6");
	CHECK_NUMBER(pciback_kernel_nodes_remove(&fixture.fake.backend, 1, PCIBACK_XENBUS_CLOSED), 0);
	CHECK_TEXT(fake_read(&fixture.fake, 1, "num_devs"), "(none)");
	CHECK_TEXT(fake_read(&fixture.fake, 1, "/state"), "(none)");
}

void
test_kernel_nodes(struct harness *harness)
{
	test_make(harness);
	test_make_one(harness);
	test_stated(harness);
	test_read(harness);
	test_remove(harness);
}
